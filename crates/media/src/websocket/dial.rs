//! Media WebSockets that we open.

use super::{MediaConfig, PROTOCOL, limits, start};
use crate::leg::{FrameSink, Leg};
use std::{io, net::SocketAddr, time::Duration};
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{
    client_async_with_config,
    tungstenite::{
        self,
        client::IntoClientRequest,
        http::{
            StatusCode,
            header::{HeaderValue, SEC_WEBSOCKET_PROTOCOL},
        },
    },
};

/// Connects to the channel that an external-media request with `transport=websocket` and `connection_type=server` has
/// made. Asterisk waits for it for 30 s.
#[derive(Debug, Clone)]
pub struct Dial {
    /// Asterisk's web server, `host:port`.
    pub server: String,
    /// What the reply's `channelvars` call `MEDIA_WEBSOCKET_CONNECTION_ID`. Nothing else is asked for, so it is a secret.
    pub connection_id: String,
    /// What the leg is like.
    pub media: MediaConfig,
    /// How long connecting may take.
    pub connect_timeout: Duration,
}

/// Why a media WebSocket could not be opened.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// Nothing listens there, or the name does not resolve.
    #[error(
        "cannot reach {server}: {cause}; is it enabled=yes, bindaddr and bindport in http.conf?"
    )]
    Unreachable {
        /// Host and port.
        server: String,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// It took too long.
    #[error("{server} did not open the media WebSocket within {after:?}")]
    TimedOut {
        /// Host and port.
        server: String,
        /// The limit.
        after: Duration,
    },
    /// 404: no channel waits for this connection, or not any more.
    #[error(
        "no channel of {server} waits for this media WebSocket: it was hung up, or chan_websocket.so is not loaded"
    )]
    NoChannel {
        /// Host and port.
        server: String,
    },
    /// Another HTTP status; 409 when the channel has its WebSocket already.
    #[error("{server} refused the media WebSocket with HTTP status {status}")]
    Refused {
        /// Host and port.
        server: String,
        /// HTTP status.
        status: u16,
    },
    /// The other end does not speak WebSocket as it should.
    #[error("{server} did not open a media WebSocket: {cause}; is it Asterisk that listens there?")]
    Handshake {
        /// Host and port.
        server: String,
        /// What went wrong.
        cause: String,
    },
}

impl Dial {
    /// A connection in mu-law, with 5 s to be made.
    pub fn new(server: impl Into<String>, connection_id: impl Into<String>) -> Dial {
        Dial {
            server: server.into(),
            connection_id: connection_id.into(),
            media: MediaConfig::default(),
            connect_timeout: Duration::from_secs(5),
        }
    }

    /// Opens the leg, in clear text.
    ///
    /// # Errors
    /// [`ConnectError`]
    pub async fn connect(&self, sink: impl FrameSink) -> Result<Leg, ConnectError> {
        self.in_time(async {
            let unreachable =
                |cause| ConnectError::Unreachable { server: self.server.clone(), cause };
            let stream = TcpStream::connect(&self.server).await.map_err(unreachable)?;
            stream.set_nodelay(true).map_err(unreachable)?;
            let local_addr = stream.local_addr().map_err(unreachable)?;
            self.upgrade(stream, local_addr, sink).await
        })
        .await
    }

    /// Opens the leg over a connection that is made already, such as one with TLS.
    ///
    /// # Errors
    /// [`ConnectError`]
    pub async fn over<S>(
        &self,
        stream: S,
        local_addr: SocketAddr,
        sink: impl FrameSink,
    ) -> Result<Leg, ConnectError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        self.in_time(self.upgrade(stream, local_addr, sink)).await
    }

    async fn in_time(
        &self,
        opening: impl Future<Output = Result<Leg, ConnectError>>,
    ) -> Result<Leg, ConnectError> {
        let after = self.connect_timeout;
        let late = |_| ConnectError::TimedOut { server: self.server.clone(), after };
        timeout(after, opening).await.map_err(late)?
    }

    async fn upgrade<S>(
        &self,
        stream: S,
        local_addr: SocketAddr,
        sink: impl FrameSink,
    ) -> Result<Leg, ConnectError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let url = format!("ws://{}/media/{}", self.server, self.connection_id);
        let mut request = url.into_client_request().map_err(|error| self.refused(error))?;
        let protocol = HeaderValue::from_static(PROTOCOL);
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocol);
        let upgraded = client_async_with_config(request, stream, Some(limits())).await;
        let (socket, _) = upgraded.map_err(|error| self.refused(error))?;
        Ok(start(socket, local_addr, self.media, sink))
    }

    fn refused(&self, error: tungstenite::Error) -> ConnectError {
        let server = self.server.clone();
        match error {
            tungstenite::Error::Http(response) => match response.status() {
                StatusCode::NOT_FOUND => ConnectError::NoChannel { server },
                status => ConnectError::Refused { server, status: status.as_u16() },
            },
            other => ConnectError::Handshake { server, cause: other.to_string() },
        }
    }
}
