//! Opening the event socket.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::Error as WsError;
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;
use tokio_tungstenite::tungstenite::http::{Request, StatusCode};

use crate::config::{Config, Scope};

/// Why the event socket could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nothing listens there, or the name does not resolve.
    #[error(
        "cannot reach {address}: {cause}; is Asterisk running, with enabled=yes, bindaddr and bindport in http.conf?"
    )]
    Unreachable {
        /// Host and port.
        address: String,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// Something listens there and does not answer.
    #[error(
        "{address} did not answer within {after:?}; is the host right, and no firewall between?"
    )]
    TimedOut {
        /// Host and port.
        address: String,
        /// The limit.
        after: Duration,
    },
    /// 401: the user or password is wrong.
    #[error("{url} refused user {username}; compare the user name and password with ari.conf")]
    Unauthorized {
        /// Where ARI is served.
        url: String,
        /// The user that was refused.
        username: String,
    },
    /// 404: ARI is not served there.
    #[error(
        "there is no ARI at {url}; load res_ari_events.so, set enabled=yes in ari.conf, and check the url's path"
    )]
    NotFound {
        /// Where ARI was looked for.
        url: String,
    },
    /// Another HTTP status, 403 when an access list forbids our address, 503 while Asterisk starts.
    #[error("{url} refused the event socket with HTTP status {status}")]
    Refused {
        /// Where ARI is served.
        url: String,
        /// HTTP status.
        status: u16,
    },
    /// The other end does not speak WebSocket as it should.
    #[error("{url} did not open an event socket: {cause}; is it Asterisk that listens there?")]
    Handshake {
        /// Where ARI is served.
        url: String,
        /// What went wrong.
        cause: String,
    },
}

/// Opens the event socket of the configured application.
pub(crate) async fn dial(config: &Config) -> Result<WebSocketStream<TcpStream>, ConnectError> {
    let address = config.base().authority().to_owned();
    match timeout(config.connect_timeout, open(config)).await {
        Ok(result) => result,
        Err(_) => Err(ConnectError::TimedOut { address, after: config.connect_timeout }),
    }
}

async fn open(config: &Config) -> Result<WebSocketStream<TcpStream>, ConnectError> {
    let unreachable =
        |cause| ConnectError::Unreachable { address: config.base().authority().to_owned(), cause };
    let request = upgrade_request(config)?;
    let stream = TcpStream::connect(config.base().authority()).await.map_err(unreachable)?;
    stream.set_nodelay(true).map_err(unreachable)?;
    let upgraded = tokio_tungstenite::client_async(request, stream).await;
    upgraded.map(|(socket, _)| socket).map_err(|error| refused(config, error))
}

/// The upgrade request, with the credentials in its header and nowhere else.
fn upgrade_request(config: &Config) -> Result<Request<()>, ConnectError> {
    let mut url = config.base().events(config.app());
    if config.scope == Scope::Everything {
        url.push_str("&subscribeAll=true");
    }
    let mut request = url.into_client_request().map_err(|error| refused(config, error))?;
    request.headers_mut().insert(AUTHORIZATION, config.authorization());
    Ok(request)
}

fn refused(config: &Config, error: WsError) -> ConnectError {
    let url = config.base().to_string();
    match error {
        WsError::Http(response) => match response.status() {
            StatusCode::UNAUTHORIZED => {
                ConnectError::Unauthorized { url, username: config.username().to_owned() }
            }
            StatusCode::NOT_FOUND => ConnectError::NotFound { url },
            status => ConnectError::Refused { url, status: status.as_u16() },
        },
        other => ConnectError::Handshake { url, cause: other.to_string() },
    }
}
