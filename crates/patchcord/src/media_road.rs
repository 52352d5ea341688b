//! The road by which callers' sound comes and goes, with what it needs on our side.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use ari::features::{Avoid, Feature, Features, Support};
use ari::{Channel, Client, ExternalMedia, MediaTransport};
use call::LineQuality;
use media::road::{Choice, Opener, Preference, Road, Standing};
use media::{FrameSink, Leg, LegStats, Plane, PlaneConfig, PlaneError, audiosocket, websocket};
use tokio::time::timeout;

/// How long Asterisk may take to connect to us.
const CONNECTS: Duration = Duration::from_secs(10);

/// A road that is ready for calls.
pub(crate) enum MediaRoad {
    Rtp(Plane),
    WebSocket {
        /// Asterisk's web server, `host:port`.
        server: String,
        control: Control,
    },
    WebSocketFromAsterisk {
        door: websocket::Door,
        /// A section of websocket_client.conf.
        connection: String,
    },
    AudioSocket(audiosocket::Door),
}

/// How the control text of media WebSockets is asked for.
#[derive(Clone, Copy)]
pub(crate) enum Control {
    Json,
    /// As Asterisk does unless it is told otherwise, which not every release can be.
    Default,
}

/// When a leg tells of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TellsKeys {
    GoingDown,
    LetGo,
}

/// How well a leg heard the caller; none if it heard nothing.
pub(crate) fn line_quality(stats: &LegStats) -> Option<LineQuality> {
    let heard = stats.overall();
    let (loss, jitter, mos) = (heard.loss(), heard.jitter, heard.mos);
    (heard.heard > 0).then_some(LineQuality { loss, jitter, mos })
}

/// What the configuration says of media.
#[derive(Debug, Clone)]
pub(crate) struct MediaSettings {
    /// An address of ours that Asterisk can reach.
    pub address: IpAddr,
    /// The threads and ports of RTP.
    pub plane: PlaneConfig,
    /// The port for roads that Asterisk opens; any free one if 0.
    pub port: u16,
    pub preference: Preference,
    /// The section of websocket_client.conf that leads to us.
    pub connection: String,
    /// What Asterisk shows there.
    pub credentials: websocket::Credentials,
}

impl MediaRoad {
    /// RTP at an address of ours.
    pub(crate) fn rtp(bind: IpAddr) -> Result<MediaRoad, String> {
        MediaRoad::start(&PlaneConfig { bind, ..PlaneConfig::default() })
    }

    fn start(config: &PlaneConfig) -> Result<MediaRoad, String> {
        let plane = Plane::start(config).map_err(|error| match error {
            PlaneError::Ports { .. } => format!("{error}\n  mend: [media] address and ports"),
            error => error.to_string(),
        })?;
        Ok(MediaRoad::Rtp(plane))
    }

    /// When a leg of this road tells of a key.
    pub(crate) fn tells_keys(&self) -> TellsKeys {
        match self {
            MediaRoad::Rtp(_) => TellsKeys::GoingDown,
            MediaRoad::WebSocket { .. }
            | MediaRoad::WebSocketFromAsterisk { .. }
            | MediaRoad::AudioSocket(_) => TellsKeys::LetGo,
        }
    }

    /// The road that the settings ask for, as far as this Asterisk has it.
    pub(crate) async fn build(
        settings: &MediaSettings,
        client: &Client,
    ) -> Result<MediaRoad, String> {
        let features = ari::features::detect(client).await.map_err(|error| error.to_string())?;
        let road = choose(&settings.preference, &features)?;
        let address = (settings.address, settings.port);
        Ok(match road {
            Road::Rtp => MediaRoad::start(&settings.plane)?,
            Road::WebSocket(Opener::Us) => {
                let base = client.config().base().filter(|base| base.scheme() == ari::Scheme::Http);
                let base = base.ok_or(
                    "media over a WebSocket that we open needs an http:// url of ARI\n  \
                     mend: choose another road in [media]",
                )?;
                let json = features.has(Feature::ChanWebSocketJson);
                let control = if json { Control::Json } else { Control::Default };
                MediaRoad::WebSocket { server: base.authority().to_owned(), control }
            }
            Road::WebSocket(Opener::Asterisk) => {
                let credentials = Some(settings.credentials.clone());
                let config = websocket::DoorConfig { credentials, ..Default::default() };
                let door = websocket::Door::open(address, config).await;
                let door = door.map_err(|error| cannot_listen(settings, &error))?;
                MediaRoad::WebSocketFromAsterisk { door, connection: settings.connection.clone() }
            }
            Road::AudioSocket => {
                let door = audiosocket::Door::open(address, Default::default()).await;
                MediaRoad::AudioSocket(door.map_err(|error| cannot_listen(settings, &error))?)
            }
        })
    }

    /// Makes the channel `media` and opens our end of it.
    pub(crate) async fn open(
        &self,
        client: &Client,
        media: &str,
        epoch: Instant,
        sink: impl FrameSink,
    ) -> Result<Leg, String> {
        let request = async |format: &str, transport, transport_data| {
            let external = ExternalMedia {
                transport,
                format: format.to_owned(),
                transport_data,
                ..ExternalMedia::rtp_ulaw(client.config().app(), "")
            };
            let made = client.channels().external_media(media, &external).await;
            made.map_err(|error| error.to_string())
        };
        let epoch: tokio::time::Instant = epoch.into();
        match self {
            MediaRoad::Rtp(plane) => {
                let port = plane.port().map_err(|error| {
                    format!("{error}\n  mend: [media] calls_a_thread or threads")
                })?;
                let external_host = port.local_addr().to_string();
                let channel = request("ulaw", MediaTransport::Rtp { external_host }, None).await?;
                let peer = channel
                    .local_address()
                    .ok_or("Asterisk's reply does not name its media address")?;
                Ok(port.with_epoch(epoch).start(peer, sink))
            }
            MediaRoad::WebSocket { server, control } => {
                let options = match control {
                    Control::Json => Some("f(json)".to_owned()),
                    Control::Default => None,
                };
                let channel = request("ulaw", MediaTransport::WebSocketServer, options).await?;
                let mut dial = websocket::Dial::new(server, connection_of(&channel)?);
                dial.media.epoch = Some(epoch);
                dial.connect(sink).await.map_err(|error| error.to_string())
            }
            MediaRoad::WebSocketFromAsterisk { door, connection } => {
                let expected = door.expect(media);
                let options = Some(expected.transport_data());
                let transport = MediaTransport::WebSocketClient { connection: connection.clone() };
                let config = websocket::MediaConfig { epoch: Some(epoch), ..Default::default() };
                let leg = arrives(expected.leg(config, sink));
                Ok(tokio::try_join!(request("ulaw", transport, options), leg)?.1)
            }
            MediaRoad::AudioSocket(door) => {
                let id = audiosocket::StreamId::random();
                let expected = door.expect(id);
                let external_host = door.local_addr().to_string();
                let transport = MediaTransport::AudioSocket { external_host, uuid: id.to_string() };
                let config = audiosocket::MediaConfig { epoch: Some(epoch), ..Default::default() };
                let leg = arrives(expected.leg(config, sink));
                Ok(tokio::try_join!(request(config.rate.name(), transport, None), leg)?.1)
            }
        }
    }
}

fn connection_of(channel: &Channel) -> Result<&str, String> {
    let id = channel.channelvar("MEDIA_WEBSOCKET_CONNECTION_ID");
    id.ok_or_else(|| "Asterisk's reply does not name its media WebSocket".to_owned())
}

async fn arrives(leg: impl Future<Output = Option<Leg>>) -> Result<Leg, String> {
    match timeout(CONNECTS, leg).await {
        Ok(Some(leg)) => Ok(leg),
        Ok(None) => Err("nobody listens for Asterisk's media any more".to_owned()),
        Err(_) => Err(format!("Asterisk has not connected its media to us within {CONNECTS:?}")),
    }
}

fn cannot_listen(settings: &MediaSettings, error: &std::io::Error) -> String {
    let (address, port) = (settings.address, settings.port);
    format!(
        "cannot listen for media at {address}, port {port}: {error}\n  mend: [media] address and port"
    )
}

/// The road to take; what one that was asked for does badly is only told.
fn choose(preference: &Preference, features: &Features) -> Result<Road, String> {
    let choice = match preference {
        Preference::Only(road) => {
            if let Some(fault) = fault(*road, features) {
                eprintln!("warning: media over {road}: {fault}");
            }
            preference.choose(|road| standing(road, features))
        }
        Preference::Ladder(_) => preference.choose(|road| match fault(road, features) {
            Some(fault) => Standing::Closed(fault),
            None => standing(road, features),
        }),
    };
    let Choice { road, passed } = choice.map_err(|error| error.to_string())?;
    for (passed, cause) in passed {
        eprintln!("media takes {road}, not {passed}: {cause}");
    }
    Ok(road)
}

/// Whether Asterisk has a road.
fn standing(road: Road, features: &Features) -> Standing {
    let feature = match road {
        Road::Rtp => {
            return match features.runs("chan_rtp.so") {
                Some(true) => Standing::Open,
                Some(false) => {
                    Standing::Closed("chan_rtp.so is not loaded; load it in modules.conf".into())
                }
                None => Standing::Unknown,
            };
        }
        Road::WebSocket(Opener::Us) => Feature::ChanWebSocket,
        // It says in its transport's options which call it is of.
        Road::WebSocket(Opener::Asterisk) => Feature::ChanWebSocketJson,
        Road::AudioSocket => Feature::AudioSocket,
    };
    let version = features.version_text();
    match features.support(feature).0 {
        Support::Yes => Standing::Open,
        Support::Unknown => Standing::Unknown,
        Support::NotLoaded { module } => {
            Standing::Closed(format!("{module} is not loaded; load it in modules.conf"))
        }
        Support::No { since: Some(since) } => {
            Standing::Closed(format!("Asterisk {version} does not have it, and {since} does"))
        }
        Support::No { since: None } => {
            Standing::Closed(format!("Asterisk {version} does not have it"))
        }
    }
}

/// What a release is known to do badly on a road.
fn fault(road: Road, features: &Features) -> Option<String> {
    let avoid = match road {
        Road::Rtp => return None,
        Road::WebSocket(_) => Avoid::WebSocketMedia,
        Road::AudioSocket => Avoid::AudioSocketMedia,
    };
    let bug = features.bugs().find(|bug| bug.avoid == Some(avoid))?;
    Some(format!("in Asterisk {} {}; update it", features.version_text(), bug.effect))
}
