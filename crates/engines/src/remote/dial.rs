//! Ways to a vendor's server: TCP, TLS where the URL asks for it, WebSocket.

use std::path::Path;
use std::sync::Arc;

use rustls_native_certs::load_native_certs;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderMap, Uri};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use url::{Host, Url};

use super::why::Why;

/// Longer messages are refused. A vendor's are a few kilobytes.
pub(super) const LONGEST_MESSAGE: usize = 1 << 20;

/// Bytes both ways, in clear text or not.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub(crate) type Socket = WebSocketStream<Box<dyn Stream>>;

/// Where a server is, and how it is reached.
#[derive(Clone)]
pub(crate) struct Dialer {
    host: String,
    port: u16,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
}

/// Why there can be no way to a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DialerError {
    /// The URL has no host, or a scheme that is not known.
    #[error("{0:?} is no url to connect to; it should look like {1}")]
    Url(String, &'static str),
    /// The file of roots.
    #[error("{path} holds no usable root certificate: {cause}; root_file must be a PEM file")]
    Roots {
        /// The file.
        path: String,
        /// What is wrong.
        cause: String,
    },
    /// Neither the system nor the configuration has any.
    #[error(
        "this system has no trusted roots; install its package ca-certificates, or name a root_file"
    )]
    NoRoots,
}

impl Dialer {
    /// The way to `url`, whose scheme is one of `clear` and `secure`, such as `ws` and `wss`. `root` is a PEM file of
    /// roots to trust besides the system's. `looks` is what the URL should look like. Reads files.
    pub(crate) fn new(
        url: &Url,
        [clear, secure]: [&str; 2],
        root: Option<&Path>,
        looks: &'static str,
    ) -> Result<Self, DialerError> {
        let wrong = || DialerError::Url(url.to_string(), looks);
        let host = url.host_str().ok_or_else(wrong)?;
        // A literal IPv6 address stands in brackets in a URL, and without them everywhere else.
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let secured = match url.scheme() {
            scheme if scheme == clear => false,
            scheme if scheme == secure => true,
            _ => return Err(wrong()),
        };
        let port = url.port().unwrap_or(if secured { 443 } else { 80 });
        let tls = if secured {
            let name = ServerName::try_from(host.clone()).map_err(|_| wrong())?;
            Some((Arc::new(client(root)?), name))
        } else {
            None
        };
        Ok(Self { host, port, tls })
    }

    /// The same way, with HTTP/2 agreed on where TLS is.
    pub(super) fn with_http2(mut self) -> Self {
        if let Some((config, _)) = &mut self.tls {
            Arc::make_mut(config).alpn_protocols = vec![b"h2".to_vec()];
        }
        self
    }

    /// Opens a connection, for as long as that takes.
    pub(super) async fn connect(&self) -> Result<Box<dyn Stream>, Why> {
        let unreachable = |cause: std::io::Error| Why::Unreachable(cause.to_string());
        let stream =
            TcpStream::connect((self.host.as_str(), self.port)).await.map_err(unreachable)?;
        stream.set_nodelay(true).map_err(unreachable)?;
        match &self.tls {
            None => Ok(Box::new(stream)),
            Some((config, name)) => {
                let connector = TlsConnector::from(Arc::clone(config));
                let stream = connector.connect(name.clone(), stream).await;
                Ok(Box::new(stream.map_err(|cause| Why::Tls(cause.to_string()))?))
            }
        }
    }

    /// Opens a WebSocket.
    pub(crate) async fn upgrade(&self, url: &Url, headers: HeaderMap) -> Result<Socket, Why> {
        // The URL may hold a signature: no error repeats it.
        let uri: Uri = url.as_str().parse().map_err(|_| Why::protocol("the url has no path"))?;
        let mut request = uri.into_client_request().map_err(refused)?;
        request.headers_mut().extend(headers);
        let stream = self.connect().await?;
        let limits = WebSocketConfig::default()
            .read_buffer_size(8 * 1024)
            .max_message_size(Some(LONGEST_MESSAGE))
            .max_frame_size(Some(LONGEST_MESSAGE));
        let upgraded = client_async_with_config(request, stream, Some(limits)).await;
        upgraded.map(|(socket, _)| socket).map_err(refused)
    }
}

/// Whether what is sent there stays on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        // The schemes of WebSocket and HTTP always have a host.
        None => false,
    }
}

/// What TLS connections trust: the system's roots, and those of a file.
fn client(root: Option<&Path>) -> Result<ClientConfig, DialerError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(load_native_certs().certs);
    if let Some(path) = root {
        let bad = |cause: String| DialerError::Roots { path: path.display().to_string(), cause };
        let certificates = CertificateDer::pem_file_iter(path).map_err(|e| bad(e.to_string()))?;
        for certificate in certificates {
            let certificate = certificate.map_err(|error| bad(error.to_string()))?;
            roots.add(certificate).map_err(|error| bad(error.to_string()))?;
        }
    }
    if roots.is_empty() {
        return Err(DialerError::NoRoots);
    }
    let config = ClientConfig::builder_with_provider(default_provider().into())
        .with_safe_default_protocol_versions()
        .expect("ring has suites for TLS 1.2 and 1.3");
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

fn refused(error: tungstenite::Error) -> Why {
    match error {
        tungstenite::Error::Http(response) => Why::status(response.status(), response.headers()),
        other => broken(other),
    }
}

/// What an error of a WebSocket means.
pub(crate) fn broken(error: tungstenite::Error) -> Why {
    match error {
        tungstenite::Error::Io(cause) => Why::Broken(cause.to_string()),
        tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed => {
            Why::Closed(String::new())
        }
        // The end of the connection in the middle of everything.
        tungstenite::Error::Protocol(
            tungstenite::error::ProtocolError::ResetWithoutClosingHandshake
            | tungstenite::error::ProtocolError::HandshakeIncomplete,
        ) => Why::Broken("the connection was ended without a word".to_owned()),
        other => Why::protocol(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_where_and_how() {
        let dialer = |url: &str| Dialer::new(&url.parse().unwrap(), ["ws", "wss"], None, "wss://x");
        let clear = dialer("ws://[::1]:2700/").unwrap();
        assert_eq!((&*clear.host, clear.port, clear.tls.is_some()), ("::1", 2700, false));
        assert_eq!(dialer("ws://vosk.example").unwrap().port, 80);
        let error = dialer("ftp://x").err().unwrap();
        assert!(error.to_string().contains("wss://x"), "{error}");
        let missing = Dialer::new(
            &"wss://x".parse().unwrap(),
            ["ws", "wss"],
            Some(Path::new("/nowhere/root.pem")),
            "",
        );
        assert!(missing.err().unwrap().to_string().contains("/nowhere/root.pem"));
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for (url, loopback) in [
            ("ws://127.9.9.9", true),
            ("ws://[::1]:1", true),
            ("ws://localhost:1", true),
            ("ws://10.0.0.1", false),
            ("ws://localhost.example", false),
        ] {
            assert_eq!(is_loopback(&url.parse().unwrap()), loopback, "{url}");
        }
    }
}
