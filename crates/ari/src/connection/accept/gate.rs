//! Who may open an event socket to us.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use subtle::ConstantTimeEq;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tokio_tungstenite::tungstenite::http::header::{
    AUTHORIZATION, HeaderMap, HeaderValue, SEC_WEBSOCKET_PROTOCOL, WWW_AUTHENTICATE,
};
use tokio_tungstenite::tungstenite::http::{Request, Response, StatusCode};

use crate::config::ConfigError;
use crate::secret::Secret;

/// Checks upgrade requests.
#[derive(Clone)]
pub(super) struct Gate {
    path: String,
    /// User name and password as they travel in Basic authentication.
    credentials: String,
}

/// Why an upgrade request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another path.
    #[error("no event socket is taken at this path; it is that of uri in websocket_client.conf")]
    NotFound,
    /// No user name and password, or wrong ones.
    #[error("wrong user name or password; compare username and password in websocket_client.conf")]
    Unauthorized,
    /// Not the subprotocol of ARI events.
    #[error("the subprotocol is not ari; set protocols = ari in websocket_client.conf")]
    Subprotocol,
    /// Not a WebSocket upgrade.
    #[error("this is not a WebSocket upgrade")]
    NoUpgrade,
}

impl Gate {
    pub(super) fn new(path: &str, username: &str, password: &Secret) -> Result<Self, ConfigError> {
        if !path.starts_with('/') || path.contains(['?', '#']) {
            return Err(ConfigError::AcceptPath);
        }
        if username.is_empty() || username.contains([':', '\r', '\n']) {
            return Err(ConfigError::Username);
        }
        if password.expose().is_empty() {
            return Err(ConfigError::NoPassword);
        }
        let credentials = BASE64_STANDARD.encode(format!("{username}:{}", password.expose()));
        Ok(Self { path: path.to_owned(), credentials })
    }

    /// The response that accepts the request. It takes no extension, whatever is offered: Asterisk closes a connection
    /// with any.
    pub(super) fn check<T>(&self, request: &Request<T>) -> Result<Response<()>, Refusal> {
        if request.uri().path() != self.path {
            return Err(Refusal::NotFound);
        }
        if !self.knows(request.headers()) {
            return Err(Refusal::Unauthorized);
        }
        let mut protocols = request
            .headers()
            .get_all(SEC_WEBSOCKET_PROTOCOL)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','));
        if !protocols.any(|protocol| protocol.trim() == "ari") {
            return Err(Refusal::Subprotocol);
        }
        let mut response =
            create_response_with_body(request, || ()).map_err(|_| Refusal::NoUpgrade)?;
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("ari"));
        Ok(response)
    }

    /// Compares in a time that does not tell how much of the credentials is right.
    fn knows(&self, headers: &HeaderMap) -> bool {
        let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some((scheme, credentials)) = header.and_then(|header| header.split_once(' ')) else {
            return false;
        };
        scheme.eq_ignore_ascii_case("basic")
            && bool::from(credentials.trim().as_bytes().ct_eq(self.credentials.as_bytes()))
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Refusal {
    /// The whole response: status, headers, and the reason as text.
    pub fn response(self) -> Response<String> {
        let mut response = Response::new(format!("{self}\n"));
        *response.status_mut() = match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Subprotocol | Self::NoUpgrade => StatusCode::BAD_REQUEST,
        };
        if self == Self::Unauthorized {
            let basic = HeaderValue::from_static("Basic realm=\"ARI events\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, basic);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Gate {
        Gate::new("/events", "asterisk", &Secret::from("hunter2")).unwrap()
    }

    fn request(change: impl FnOnce(&mut Request<()>)) -> Request<()> {
        let mut request = Request::get("/events?any=thing")
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("Sec-WebSocket-Protocol", "media, ari")
            .header("Sec-WebSocket-Extensions", "permessage-deflate")
            .header("Authorization", "Basic YXN0ZXJpc2s6aHVudGVyMg==")
            .body(())
            .unwrap();
        change(&mut request);
        request
    }

    #[test]
    fn asterisk_comes_in_without_any_extension() {
        let response = gate().check(&request(|_| {})).unwrap();
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
        assert_eq!(response.headers()["sec-websocket-protocol"], "ari");
        assert!(!response.headers().contains_key("sec-websocket-extensions"));
    }

    #[test]
    fn everybody_else_stays_outside() {
        let refusal = |change: fn(&mut Request<()>)| gate().check(&request(change)).unwrap_err();
        let header = |request: &mut Request<()>, name: &'static str, value: &'static str| {
            request.headers_mut().insert(name, HeaderValue::from_static(value));
        };
        assert_eq!(refusal(|r| *r.uri_mut() = "/event".parse().unwrap()), Refusal::NotFound);
        assert_eq!(
            refusal(|r| drop(r.headers_mut().remove("authorization"))),
            Refusal::Unauthorized
        );
        for wrong in [
            "Basic YXN0ZXJpc2s6aHVudGVyMw==",
            "Basic YXN0ZXJpc2s6aHVudGVyMg",
            "Bearer YXN0ZXJpc2s6aHVudGVyMg==",
            "Basic",
        ] {
            let mut request = request(|_| {});
            header(&mut request, "authorization", wrong);
            assert_eq!(gate().check(&request).unwrap_err(), Refusal::Unauthorized, "{wrong}");
        }
        let mut media = request(|_| {});
        header(&mut media, "sec-websocket-protocol", "media");
        assert_eq!(gate().check(&media).unwrap_err(), Refusal::Subprotocol);
        let mut plain = request(|_| {});
        header(&mut plain, "upgrade", "h2c");
        assert_eq!(gate().check(&plain).unwrap_err(), Refusal::NoUpgrade);
    }

    #[test]
    fn a_refusal_says_what_to_mend_and_no_secret() {
        let response = Refusal::Unauthorized.response();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert!(response.body().contains("websocket_client.conf"));
        let printed = format!("{:?}", gate());
        assert!(!printed.contains("hunter2") && !printed.contains("YXN0"), "{printed}");
    }
}
