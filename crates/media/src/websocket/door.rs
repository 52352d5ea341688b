//! Media WebSockets that Asterisk opens to us.

use super::{
    MediaConfig,
    gate::{Credentials, Gate, PARAMETER, Refusal},
    limits, start,
};
use crate::{
    leg::{FrameSink, Leg},
    tcp::{Guest, Guests},
};
use std::{fmt, io, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, ToSocketAddrs},
    task::AbortHandle,
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async_with_config,
    tungstenite::{self, http},
};

/// Whom to let in.
#[derive(Debug, Clone)]
pub struct DoorConfig {
    /// The path of `uri` in websocket_client.conf. Default `/media`.
    pub path: String,
    /// What Asterisk must show; anybody may knock if `None`. Whoever does not know a channel that is expected is not
    /// let in either way.
    pub credentials: Option<Credentials>,
    /// How long a connection may take until it is upgraded. Default 5 s.
    pub handshake_timeout: Duration,
    /// How many connections may be on their way in at once; more wait outside. Default 64.
    pub max_handshakes: usize,
}

impl Default for DoorConfig {
    fn default() -> DoorConfig {
        DoorConfig {
            path: "/media".into(),
            credentials: None,
            handshake_timeout: Duration::from_secs(5),
            max_handshakes: 64,
        }
    }
}

/// Where the media WebSockets of Asterisk arrive. Closes when dropped; the legs stay.
///
/// Each connection says by a parameter of its URI which channel it is of, and only those are let in that a call
/// [expects](Door::expect). Asterisk can add the parameter since 20.18, 22.8 and 23.2.
///
/// ```no_run
/// # async fn call() -> Result<(), Box<dyn std::error::Error>> {
/// use media::websocket::{Credentials, Door, DoorConfig, MediaConfig};
///
/// let credentials = Some(Credentials::new("asterisk", "a secret"));
/// let door = Door::open("127.0.0.1:8090", DoorConfig { credentials, ..DoorConfig::default() }).await?;
/// let expected = door.expect("media-1");
/// println!("externalMedia channelId=media-1 transport_data={}", expected.transport_data());
/// let leg = expected.leg(MediaConfig::default(), |frame: &audio::jitter::Frame| {
///     println!("{:?}", frame.arrived);
/// });
/// println!("{:?}", leg.await.ok_or("Asterisk did not connect")?.local_addr());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Door {
    address: SocketAddr,
    host: Host,
    task: AbortHandle,
}

/// A connection that a call expects. Dropped, it is not expected any more.
#[derive(Debug)]
pub struct Expected {
    guest: Guest<Arrived>,
    channel: String,
}

/// A connection that was let in.
type Arrived = (WebSocketStream<Box<dyn Wire>>, SocketAddr);

/// Bytes both ways, in clear text or not.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

impl fmt::Debug for dyn Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl Door {
    /// Opens a port, in clear text.
    ///
    /// # Errors
    /// Whatever the system says: no such address here, the port is taken.
    pub async fn open(address: impl ToSocketAddrs, config: DoorConfig) -> io::Result<Door> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let guests = Guests::new(config.handshake_timeout, config.max_handshakes);
        let host = Host { gate: Gate::new(config.path, config.credentials), guests };
        let serving = host.clone();
        let task = tokio::spawn(async move {
            let guests = serving.guests.clone();
            let admit = move |stream, local_addr| {
                let serving = serving.clone();
                async move { serving.admit(stream, local_addr).await }
            };
            guests.take_all(listener, admit).await;
        });
        Ok(Door { address, host, task: task.abort_handle() })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// From now on a connection for this channel is let in, once. Call it before the request that makes the channel.
    pub fn expect(&self, channel: &str) -> Expected {
        let channel = encode(channel);
        Expected { guest: self.host.guests.expect(channel.clone()), channel }
    }

    /// Takes a connection that came by another way, such as one with TLS; returns when it is upgraded or refused.
    ///
    /// # Errors
    /// Why it was not let in.
    pub async fn admit<S>(&self, stream: S, local_addr: SocketAddr) -> Result<(), String>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        self.host.guests.in_time(self.host.admit(stream, local_addr)).await
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Expected {
    /// Options for the external-media request: the control text is JSON, and the connection names its channel.
    pub fn transport_data(&self) -> String {
        format!("f(json)v({PARAMETER}={})", self.channel)
    }

    /// The leg, as soon as Asterisk has connected; `None` when the door is closed before. Wait for no longer than you
    /// would for the channel: dropping the future ends the expectation.
    pub async fn leg(self, config: MediaConfig, sink: impl FrameSink) -> Option<Leg> {
        let (socket, local_addr) = self.guest.arrival().await?;
        Some(start(socket, local_addr, config, sink))
    }
}

#[derive(Debug, Clone)]
struct Host {
    gate: Gate,
    guests: Guests<String, Arrived>,
}

impl Host {
    async fn admit<S>(&self, stream: S, local_addr: SocketAddr) -> Result<(), String>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let mut known = None;
        #[expect(clippy::result_large_err, reason = "the WebSocket library's own signature")]
        let check = |request: &http::Request<()>, _| {
            let checked = self.gate.check(request).and_then(|(key, response)| {
                let seat = self.guests.seat(&key).ok_or(Refusal::NotExpected)?;
                known = Some(seat);
                Ok(response)
            });
            checked.map_err(Refusal::response)
        };
        let stream: Box<dyn Wire> = Box::new(stream);
        let socket = accept_hdr_async_with_config(stream, check, Some(limits())).await;
        let socket = socket.map_err(|error| match error {
            tungstenite::Error::Http(response) => {
                let reason = response.into_body().unwrap_or_default();
                String::from_utf8_lossy(&reason).trim_end().to_owned()
            }
            other => other.to_string(),
        })?;
        let seat = known.ok_or("the library did not ask")?;
        seat.take((socket, local_addr)).map_err(|_| "the call was over by then".to_owned())
    }
}

/// A channel's id as it stands in a URI (RFC 3986 section 2.3), and in Asterisk's dial string, where a comma parts
/// parameters and a bracket ends them.
fn encode(channel: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(channel.len());
    for byte in channel.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => encoded.push(char::from(byte)),
            byte => write!(encoded, "%{byte:02X}").expect("a String takes everything"),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channels_id_is_safe_in_a_dial_string() {
        assert_eq!(encode("media-1.2_~"), "media-1.2_~");
        assert_eq!(encode("a b)/,&é"), "a%20b%29%2F%2C%26%C3%A9");
    }
}
