//! Who may open a media WebSocket to us.

use base64::{Engine, prelude::BASE64_STANDARD};
use std::fmt;
use subtle::ConstantTimeEq;
use thiserror::Error;
use tokio_tungstenite::tungstenite::{
    handshake::server::create_response_with_body,
    http::{
        Request, Response, StatusCode,
        header::{AUTHORIZATION, HeaderMap, HeaderValue, SEC_WEBSOCKET_PROTOCOL, WWW_AUTHENTICATE},
    },
};

/// What Asterisk shows of itself: `username` and `password` of its section of `websocket_client.conf`.
#[derive(Clone)]
pub struct Credentials {
    /// As they travel in Basic authentication (RFC 7617).
    encoded: String,
}

impl Credentials {
    /// A user name and its password.
    pub fn new(username: &str, password: &str) -> Credentials {
        Credentials { encoded: BASE64_STANDARD.encode(format!("{username}:{password}")) }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(***)")
    }
}

/// Why an upgrade request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Another path.
    #[error("no media WebSocket is taken at this path; it is that of uri in websocket_client.conf")]
    NotFound,
    /// No user name and password, or wrong ones.
    #[error("wrong user name or password; compare username and password in websocket_client.conf")]
    Unauthorized,
    /// Not the subprotocol of media.
    #[error("the subprotocol is not media; set protocols = media in websocket_client.conf")]
    Subprotocol,
    /// No call expects this connection, or not any more.
    #[error(
        "no call expects this connection; is v(channel=...) in the external media's transport_data?"
    )]
    NotExpected,
    /// Not a WebSocket upgrade.
    #[error("this is not a WebSocket upgrade")]
    NoUpgrade,
}

impl Refusal {
    /// The whole response: status, headers, and the reason as text.
    pub fn response(self) -> Response<Option<String>> {
        let mut response = Response::new(Some(format!("{self}\n")));
        *response.status_mut() = match self {
            Refusal::NotFound | Refusal::NotExpected => StatusCode::NOT_FOUND,
            Refusal::Unauthorized => StatusCode::UNAUTHORIZED,
            Refusal::Subprotocol | Refusal::NoUpgrade => StatusCode::BAD_REQUEST,
        };
        if self == Refusal::Unauthorized {
            let basic = HeaderValue::from_static("Basic realm=\"media\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, basic);
        }
        response
    }
}

/// Checks upgrade requests.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    path: String,
    credentials: Option<Credentials>,
}

impl Gate {
    pub(super) fn new(path: String, credentials: Option<Credentials>) -> Gate {
        Gate { path, credentials }
    }

    /// The key under which a request is expected, and the response that accepts it. That takes no extension, whatever
    /// is offered: Asterisk closes a connection with any.
    pub(super) fn check<T>(&self, request: &Request<T>) -> Result<(String, Response<()>), Refusal> {
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
        if !protocols.any(|protocol| protocol.trim() == super::PROTOCOL) {
            return Err(Refusal::Subprotocol);
        }
        let parameters = request.uri().query().unwrap_or_default().split('&');
        let key = parameters.filter_map(|parameter| parameter.split_once('='));
        let key = key.into_iter().find(|(name, _)| *name == PARAMETER).map(|(_, key)| key);
        let key = key.ok_or(Refusal::NotExpected)?.to_owned();
        let mut response =
            create_response_with_body(request, || ()).map_err(|_| Refusal::NoUpgrade)?;
        let protocol = HeaderValue::from_static(super::PROTOCOL);
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocol);
        Ok((key, response))
    }

    /// Compares in a time that does not tell how much of the credentials is right.
    fn knows(&self, headers: &HeaderMap) -> bool {
        let Some(credentials) = &self.credentials else { return true };
        let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some((scheme, shown)) = header.and_then(|header| header.split_once(' ')) else {
            return false;
        };
        scheme.eq_ignore_ascii_case("basic")
            && bool::from(shown.trim().as_bytes().ct_eq(credentials.encoded.as_bytes()))
    }
}

/// The parameter of the URI that says which call a connection is for.
pub(super) const PARAMETER: &str = "channel";

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Gate {
        Gate::new("/media".into(), Some(Credentials::new("asterisk", "hunter2")))
    }

    fn request(change: impl FnOnce(&mut Request<()>)) -> Request<()> {
        let mut request = Request::get("/media?a=b&channel=m-1")
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("Sec-WebSocket-Protocol", "media")
            .header("Sec-WebSocket-Extensions", "permessage-deflate")
            .header("Authorization", "Basic YXN0ZXJpc2s6aHVudGVyMg==")
            .body(())
            .unwrap();
        change(&mut request);
        request
    }

    #[test]
    fn asterisk_comes_in_under_its_key_and_without_any_extension() {
        let (key, response) = gate().check(&request(|_| {})).unwrap();
        assert_eq!((key.as_str(), response.status()), ("m-1", StatusCode::SWITCHING_PROTOCOLS));
        assert_eq!(response.headers()["sec-websocket-protocol"], "media");
        assert!(!response.headers().contains_key("sec-websocket-extensions"));
        let open = Gate::new("/media".into(), None);
        let bare = request(|request| drop(request.headers_mut().remove("authorization")));
        assert!(open.check(&bare).is_ok());
    }

    #[test]
    fn everybody_else_stays_outside() {
        let refusal = |change: fn(&mut Request<()>)| gate().check(&request(change)).unwrap_err();
        let uri = |to: &'static str| to.parse().unwrap();
        let refused = [
            (refusal(|r| *r.uri_mut() = "/ari?channel=m-1".parse().unwrap()), Refusal::NotFound),
            (refusal(|r| drop(r.headers_mut().remove("authorization"))), Refusal::Unauthorized),
            (
                refusal(|r| drop(r.headers_mut().remove("sec-websocket-protocol"))),
                Refusal::Subprotocol,
            ),
            (refusal(|r| drop(r.headers_mut().remove("upgrade"))), Refusal::NoUpgrade),
        ];
        for (seen, expected) in refused {
            assert_eq!(seen, expected);
        }
        for target in ["/media", "/media?channel", "/media?channels=m-1"] {
            let request = request(|request| *request.uri_mut() = uri(target));
            assert_eq!(gate().check(&request).unwrap_err(), Refusal::NotExpected, "{target}");
        }
        for wrong in ["Basic YXN0ZXJpc2s6aHVudGVyMw==", "Bearer YXN0ZXJpc2s6aHVudGVyMg==", "Basic"]
        {
            let request = request(|request| {
                request.headers_mut().insert("authorization", HeaderValue::from_static(wrong));
            });
            assert_eq!(gate().check(&request).unwrap_err(), Refusal::Unauthorized, "{wrong}");
        }
    }

    #[test]
    fn a_refusal_says_what_to_mend_and_no_secret() {
        let response = Refusal::Unauthorized.response();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert!(response.body().as_ref().unwrap().contains("websocket_client.conf"));
        let printed = format!("{:?}", gate());
        assert!(!printed.contains("hunter2") && !printed.contains("YXN0"), "{printed}");
    }
}
