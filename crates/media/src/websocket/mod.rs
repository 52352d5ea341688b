//! Media over a WebSocket: Asterisk's channel driver `chan_websocket`, in both directions.
//!
//! Either we connect to the channel that an external-media request with `connection_type=server` has made ([`Dial`]), or
//! Asterisk connects to us when one with `connection_type=client` names a section of its `websocket_client.conf`
//! ([`Door`]). From then on both are one [`Leg`].
//!
//! What is heard comes frame by frame. What is said is sent in bulk, up to 400 ms ahead, and Asterisk's own clock plays
//! it; marks tell how far it has got, and a flush cuts it off with the frame that is being played. Reading never waits
//! for writing or for the sink: an Asterisk that cannot write stops more calls than this one.
//!
//! TLS is a matter of the stream that is given to [`Dial::over`] or [`Door::admit`].

pub mod control;
mod dial;
mod door;
mod feed;
mod format;
mod gate;
mod session;
mod task;

pub use self::{
    dial::{ConnectError, Dial},
    door::{Door, DoorConfig, Expected},
    format::Format,
    gate::{Credentials, Refusal},
};

use self::session::Session;
use crate::{
    leg::{FrameSink, Leg},
    tcp::Outlet,
};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
    time::Instant,
};
use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::WebSocketConfig};

/// The WebSocket subprotocol of media.
const PROTOCOL: &str = "media";

/// The longest message that is read: what Asterisk itself can read. Its sound comes in frames, its longest text is
/// MEDIA_START with the channel's variables.
const MAX_MESSAGE: usize = 65_535;

/// What a leg over a WebSocket is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaConfig {
    /// As asked for in the external-media request.
    pub format: Format,
    /// How long nothing may come before [`LegEvent::Silent`](crate::LegEvent::Silent).
    pub silent_after: Duration,
    /// What [`Frame::arrived`](audio::jitter::Frame::arrived) counts from; the leg's start if `None`.
    pub epoch: Option<Instant>,
}

impl Default for MediaConfig {
    fn default() -> MediaConfig {
        MediaConfig { format: Format::Ulaw, silent_after: Duration::from_secs(2), epoch: None }
    }
}

/// Starts the tasks of a leg on an open socket.
fn start<S>(
    socket: WebSocketStream<S>,
    local_addr: SocketAddr,
    config: MediaConfig,
    sink: impl FrameSink,
) -> Leg
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let now = Instant::now();
    let epoch = config.epoch.unwrap_or(now);
    let session = Session::new(config.format, epoch, now, config.silent_after);
    Leg::new(local_addr, epoch, |teller| {
        let (commands, command_queue) = mpsc::unbounded_channel();
        tokio::spawn(task::run(socket, session, Outlet::open(sink), command_queue, teller));
        Box::new(commands)
    })
}

fn limits() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
        .read_buffer_size(8 * 1024)
}
