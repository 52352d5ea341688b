//! What a leg costs on each road, Asterisk's part and ours, and how long a sound takes through it: pairs of legs in
//! bridges, each of which plays a tone.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use audio::jitter::Frame;
use audio::tone::Sine;
use media::websocket::{Dial, Door as WebSocketDoor};
use media::{Leg, Plane, PlaneConfig, Playout};
use media::{audiosocket, websocket};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::Probe;
use crate::PATIENCE;

/// Legs at a time, two in each bridge, and how long they talk.
const LEGS: usize = 20;
const TALK: Duration = Duration::from_secs(4);

/// Until nothing of what was stopped is on its way any more.
const HUSH: Duration = Duration::from_millis(700);

const MODULES: &str =
    "load = chan_websocket.so\nload = res_audiosocket.so\nload = chan_audiosocket.so\n";

/// A road with what it needs on our side.
enum Way {
    Rtp(Plane),
    WeConnect,
    AsteriskConnects(WebSocketDoor),
    AudioSocket(audiosocket::Door),
}

impl Way {
    fn name(&self) -> &'static str {
        match self {
            Way::Rtp(_) => "RTP",
            Way::WeConnect => "WebSocket, ours",
            Way::AsteriskConnects(_) => "WebSocket, Asterisk's",
            Way::AudioSocket(_) => "AudioSocket",
        }
    }

    async fn open(&self, probe: &Probe, id: &str, ear: &Ear) -> Leg {
        let sink = ear.sink();
        let ask = async |mut body: Value| {
            body["app"] = "facts".into();
            body["channelId"] = id.into();
            probe.ask(Method::POST, "channels/externalMedia", body).await
        };
        let websocket = |of: &str| {
            json!({
                "format": "ulaw", "encapsulation": "none", "transport": "websocket",
                "connection_type": of, "transport_data": "f(json)",
            })
        };
        match self {
            Way::Rtp(plane) => {
                let port = plane.port().expect("there is room");
                let host = port.local_addr().to_string();
                let channel = ask(json!({ "format": "ulaw", "external_host": host })).await;
                let peer = &channel["channelvars"]["UNICASTRTP_LOCAL_PORT"];
                let peer = format!("127.0.0.1:{}", peer.as_str().expect("a port"));
                port.start(peer.parse().expect("an address"), sink)
            }
            Way::WeConnect => {
                let channel = ask(websocket("server")).await;
                let connection = &channel["channelvars"]["MEDIA_WEBSOCKET_CONNECTION_ID"];
                let server = format!("127.0.0.1:{}", probe.asterisk.http_port());
                let dial = Dial::new(server, connection.as_str().expect("an id"));
                dial.connect(sink).await.expect("Asterisk opens it")
            }
            Way::AsteriskConnects(door) => {
                let expected = door.expect(id);
                let mut body = websocket("client");
                body["external_host"] = "media".into();
                body["transport_data"] = expected.transport_data().into();
                let leg = expected.leg(websocket::MediaConfig::default(), sink);
                let (_, leg) = tokio::join!(ask(body), timeout(PATIENCE, leg));
                leg.expect("Asterisk connects").expect("the door is open")
            }
            Way::AudioSocket(door) => {
                let stream = audiosocket::StreamId::random();
                let expected = door.expect(stream);
                let body = json!({
                    "format": "slin", "encapsulation": "audiosocket", "transport": "tcp",
                    "external_host": door.local_addr().to_string(), "data": stream.to_string(),
                });
                let leg = expected.leg(audiosocket::MediaConfig::default(), sink);
                let (_, leg) = tokio::join!(ask(body), timeout(PATIENCE, leg));
                leg.expect("Asterisk connects").expect("the door is open")
            }
        }
    }
}

/// Notes when a leg hears something after it has heard nothing.
#[derive(Clone, Default)]
struct Ear(Arc<Mutex<Option<Instant>>>);

impl Ear {
    fn sink(&self) -> impl FnMut(&Frame) + Send + 'static {
        let Ear(first) = self.clone();
        move |frame| {
            let loud = frame.samples.iter().any(|sample| sample.unsigned_abs() > 1000);
            let mut first = first.lock().expect("nobody panics");
            *first = first.or(loud.then(Instant::now));
        }
    }

    /// From now until the next sound is there, of whoever speaks when told to.
    async fn hears(&self, speak: impl FnOnce()) -> Duration {
        let Ear(first) = self;
        *first.lock().expect("nobody panics") = None;
        let start = Instant::now();
        speak();
        loop {
            if let Some(at) = *first.lock().expect("nobody panics") {
                return at - start;
            }
            assert!(start.elapsed() < PATIENCE, "nothing is heard");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_leg_costs_on_each_road() {
    let door = WebSocketDoor::open("127.0.0.1:0", websocket::DoorConfig::default());
    let door = door.await.expect("a port");
    let client = format!(
        "[media]\ntype = websocket_client\nconnection_type = per_call_config\n\
         uri = ws://{}/media\nprotocols = media\n",
        door.local_addr()
    );
    let added = [("modules.conf", MODULES), ("websocket_client.conf", client.as_str())];
    let Some(probe) = Probe::start_with(&added) else { return };
    let mut events = probe.events("app=facts").await;
    let plane = Plane::start(&PlaneConfig::default()).expect("it starts");
    let audiosocket = audiosocket::Door::open("127.0.0.1:0", audiosocket::DoorConfig::default());
    let audiosocket = audiosocket.await.expect("a port");
    let ways = [
        Way::Rtp(plane),
        Way::WeConnect,
        Way::AsteriskConnects(door),
        Way::AudioSocket(audiosocket),
    ];
    let mut tone = vec![0; 8_000];
    Sine::new(440.0, -12.0).fill(&mut tone);
    println!("{LEGS} legs for {TALK:?}; CPU in ms a second and leg");
    println!("through: from `play` on one leg until the other leg of its bridge hears it");
    let columns = ["Asterisk", "ours", "set up p50", "max", "through p50", "max"];
    println!("{:<22} {}", "road", columns.map(|column| format!("{column:>11}")).join(" "));
    for (round, way) in ways.iter().enumerate() {
        let (mut legs, mut ears, mut set_up) = (Vec::new(), Vec::new(), Vec::new());
        for n in 0..LEGS {
            let id = format!("leg-{round}-{n}");
            let asked = Instant::now();
            let ear = Ear::default();
            legs.push(way.open(&probe, &id, &ear).await);
            ears.push(ear);
            set_up.push(asked.elapsed());
            events.until_in_stasis(&id).await;
            let bridge = format!("bridge-{round}-{}", n / 2);
            if n % 2 == 0 {
                let mixing = json!({ "type": "mixing" });
                probe.ask(Method::POST, &format!("bridges/{bridge}"), mixing).await;
            }
            let join = json!({ "channel": id });
            probe.ask(Method::POST, &format!("bridges/{bridge}/addChannel"), join).await;
        }
        for leg in &legs {
            leg.play(Playout::forever(1, tone.clone()));
        }
        let asterisk = probe.asterisk.pid().expect("it lives");
        let (theirs, ours) = (cpu_ms(asterisk), cpu_ms(std::process::id()));
        tokio::time::sleep(TALK).await;
        let a_leg = LEGS as f64 * TALK.as_secs_f64();
        let (theirs, ours) =
            ((cpu_ms(asterisk) - theirs) / a_leg, (cpu_ms(std::process::id()) - ours) / a_leg);
        legs.iter().for_each(Leg::stop_all);
        tokio::time::sleep(HUSH).await;
        let mut through = Vec::new();
        for (n, (pair, ears)) in legs.chunks(2).zip(ears.chunks(2)).enumerate() {
            // What was heard last came at a turn of 20 ms; who is told to speak has any place in it.
            tokio::time::sleep(Duration::from_millis(n as u64 * 7 % 20)).await;
            let speak = || pair[0].play(Playout::once(2, tone.clone()));
            through.push(ears[1].hears(speak).await);
        }
        let name = way.name();
        let times = [&mut set_up, &mut through].map(|times| {
            times.sort_unstable();
            [times[times.len() / 2], times[times.len() - 1]]
                .map(|time| format!("{time:>11.1?}"))
                .join(" ")
        });
        println!("{name:<22} {theirs:>11.2} {ours:>11.2} {}", times.join(" "));
        for (n, leg) in legs.into_iter().enumerate() {
            let stats = timeout(PATIENCE, leg.close()).await.expect("it closes");
            assert!(stats.heard.received > 0, "{name}, leg {n}: {stats:?}");
            let channel = format!("channels/leg-{round}-{n}");
            // Over a connection it is gone with that.
            let _ = probe.rest(Method::DELETE, &channel, Value::Null).await;
            probe.until_gone(&format!("leg-{round}-{n}")).await;
        }
    }
}

/// What a process has used so far, in ms (`man 5 proc_pid_stat`: fields 14 and 15, in ticks of 10 ms).
fn cpu_ms(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it lives");
    let (_, after_name) = stat.rsplit_once(')').expect("its name is in brackets");
    let fields = after_name.split_whitespace().skip(11).take(2);
    fields.map(|ticks| ticks.parse::<f64>().expect("a number") * 10.0).sum()
}
