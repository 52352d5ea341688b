//! Whether sound gets to Asterisk and back: two media channels in one bridge, a tone sent on one, looked for on the
//! other.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ari::{AddChannel, Client, CreateBridge, ExternalMedia, Hangup, Resource, ids};
use audio::jitter::Frame;
use audio::tone;
use media::{Leg, Plane, PlaneConfig, Playout};

/// How long sound may take to be heard before the check has failed.
const PATIENCE: Duration = Duration::from_secs(3);
const TONE_HZ: f64 = 1_000.0;
/// How much of the heard power must lie at the tone.
const SHARE: f64 = 0.5;

/// Says how long the round trip's set-up took, or what is wrong.
pub(super) async fn round_trip(client: &Client, ip: IpAddr) -> Result<String, String> {
    let plane = Plane::start(&PlaneConfig { bind: ip, ..Default::default() }).map_err(words)?;
    let bridge = ids::unique("doctor");
    client.bridges().create(&bridge, &CreateBridge::default()).await.map_err(words)?;
    let (a, b) = (ids::unique("doctor"), ids::unique("doctor"));
    let result = async {
        let speaking = leg(client, &plane, &bridge, &a, |_: &Frame| {}).await?;
        let heard = Arc::new(Mutex::new(Vec::new()));
        let sink = heard.clone();
        let hearing = leg(client, &plane, &bridge, &b, move |frame: &Frame| {
            sink.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&frame.samples);
        })
        .await?;
        let mut tone = vec![0; audio::SAMPLE_RATE as usize];
        tone::Sine::new(TONE_HZ, -12.0).fill(&mut tone);
        speaking.play(Playout::forever(0, tone));
        let found = tokio::time::timeout(PATIENCE, async {
            let mut beat = tokio::time::interval(Duration::from_millis(50));
            loop {
                beat.tick().await;
                let samples = heard.lock().unwrap_or_else(PoisonError::into_inner);
                let last = &samples[samples.len().saturating_sub(800)..];
                if last.len() == 800 && is_tone(last) {
                    return;
                }
            }
        })
        .await;
        // Closed, its counters are final.
        let heard = hearing.close().await.heard.received;
        found.map(|()| "a tone went to Asterisk and came back".to_owned()).map_err(|_| {
            format!(
                "a tone went to Asterisk at {ip} and did not come back within {} s \
                 ({} packets heard, {} from a wrong address)",
                PATIENCE.as_secs(),
                heard,
                plane.counters().iter().map(|shard| shard.wrong_source).sum::<u64>()
            )
        })
    }
    .await;
    for channel in [&a, &b] {
        // What is not there need not be removed.
        let _ = client.channels().hangup(channel, Hangup::default()).await;
    }
    let _ = client.bridges().destroy(&bridge).await;
    result
}

async fn leg(
    client: &Client,
    plane: &Plane,
    bridge: &str,
    channel: &str,
    sink: impl FnMut(&Frame) + Send + 'static,
) -> Result<Leg, String> {
    let port = plane.port().map_err(words)?;
    let mut mailbox = client.mailbox();
    mailbox.watch(Resource::Channel(channel.to_owned()));
    let external = ExternalMedia::rtp_ulaw(client.config().app(), port.local_addr());
    let made = client.channels().external_media(channel, &external).await.map_err(words)?;
    let peer = made.local_address().ok_or("Asterisk's reply does not name its media address")?;
    let entered = async {
        while let Some(delivery) = mailbox.recv().await {
            if let ari::Delivery::Event(received) = delivery
                && matches!(received.event, ari::Event::StasisStart(_))
            {
                return true;
            }
        }
        false
    };
    if !tokio::time::timeout(PATIENCE, entered).await.unwrap_or(false) {
        return Err("the media channel did not enter the application".to_owned());
    }
    client.bridges().add_channel(bridge, &AddChannel::one(channel)).await.map_err(words)?;
    Ok(port.start(peer, sink))
}

fn is_tone(samples: &[i16]) -> bool {
    let level = tone::level_dbfs(samples);
    let all = 10_f64.powf(level / 10.0);
    level > -40.0 && tone::power(samples, TONE_HZ) > SHARE * all
}

fn words(error: impl std::error::Error) -> String {
    error.to_string()
}
