//! Where Asterisk serves ARI, and how a path below it is written.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::config::ConfigError;

/// The address that ARI is served under, such as `https://pbx:8089/ari`, checked and without credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    scheme: Scheme,
    /// `host:port`, IPv6 hosts in brackets.
    authority: String,
    /// The host as certificates name it, IPv6 hosts without brackets.
    host: String,
    /// Starts with a slash, does not end with one.
    path: String,
}

/// How the bytes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// In clear text: `http` and `ws`.
    Http,
    /// Over TLS: `https` and `wss`.
    Https,
}

impl BaseUrl {
    /// How the bytes travel.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host alone, a name or an address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether the address is this machine's own, by what it says and without a look-up.
    pub fn is_loopback(&self) -> bool {
        match self.host.parse::<IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => self.host == "localhost" || self.host.ends_with(".localhost"),
        }
    }

    /// Host and port as one string, ready to resolve and connect to.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// What a request names, for a path below the base that is percent-encoded already.
    pub(crate) fn target(&self, path: &str) -> String {
        format!("{}/{path}", self.path)
    }

    /// The WebSocket address of the event stream of one application.
    pub(crate) fn events(&self, app: &str) -> String {
        let scheme = match self.scheme {
            Scheme::Http => "ws",
            Scheme::Https => "wss",
        };
        format!("{scheme}://{}{}/events?app={}", self.authority, self.path, encoded(app))
    }
}

impl FromStr for BaseUrl {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let url = Url::parse(text).map_err(|cause| ConfigError::Url(cause.to_string()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ConfigError::CredentialsInUrl);
        }
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            other => return Err(ConfigError::Scheme(other.to_owned())),
        };
        if url.query().is_some() || url.fragment().is_some() {
            return Err(ConfigError::QueryInUrl);
        }
        let path = url.path().trim_end_matches('/');
        if path.is_empty() {
            return Err(ConfigError::NoPath);
        }
        let host = url.host_str().ok_or(ConfigError::NoHost)?;
        let port = url.port_or_known_default().ok_or(ConfigError::NoHost)?;
        Ok(Self {
            scheme,
            authority: format!("{host}:{port}"),
            host: host.trim_matches(['[', ']']).to_owned(),
            path: path.to_owned(),
        })
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        write!(f, "{scheme}://{}{}", self.authority, self.path)
    }
}

/// One path segment or query value, percent-encoded. Asterisk decodes paths as forms, where a bare `+` is a
/// space, so everything but RFC 3986's unreserved characters is escaped.
pub(crate) fn encoded(text: &str) -> impl fmt::Display + '_ {
    const RESERVED: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    utf8_percent_encode(text, RESERVED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<BaseUrl, ConfigError> {
        text.parse()
    }

    #[test]
    fn any_base_path_is_kept() {
        let url = parse("http://pbx.example/asterisk/ari/").unwrap();
        assert_eq!(url.to_string(), "http://pbx.example:80/asterisk/ari");
        assert_eq!(
            url.events("front desk"),
            "ws://pbx.example:80/asterisk/ari/events?app=front%20desk"
        );
        assert_eq!(parse("http://[::1]:8088/ari").unwrap().authority(), "[::1]:8088");
    }

    #[test]
    fn the_scheme_decides_for_requests_and_events_alike() {
        let url = parse("https://pbx.example/asterisk/ari").unwrap();
        assert_eq!(url.to_string(), "https://pbx.example:443/asterisk/ari");
        assert_eq!(url.events("desk"), "wss://pbx.example:443/asterisk/ari/events?app=desk");
        assert_eq!(parse("https://[2001:db8::1]/ari").unwrap().host(), "2001:db8::1");
    }

    #[test]
    fn loopback_is_told_without_a_look_up() {
        for (host, loopback) in [
            ("localhost", true),
            ("asterisk.localhost", true),
            ("127.8.0.1", true),
            ("[::1]", true),
            ("192.0.2.1", false),
            ("[2001:db8::1]", false),
            ("localhost.example", false),
        ] {
            let url = parse(&format!("http://{host}/ari")).unwrap();
            assert_eq!(url.is_loopback(), loopback, "{host}");
        }
    }

    #[test]
    fn each_mistake_is_named() {
        assert!(matches!(parse("pbx"), Err(ConfigError::Url(_))));
        assert!(matches!(parse("wss://pbx/ari"), Err(ConfigError::Scheme(s)) if s == "wss"));
        assert!(matches!(parse("http://pbx:8088"), Err(ConfigError::NoPath)));
        assert!(matches!(parse("http://pbx/ari?app=x"), Err(ConfigError::QueryInUrl)));
        let error = parse("http://user:hunter2@pbx/ari").unwrap_err();
        assert!(matches!(error, ConfigError::CredentialsInUrl));
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }

    #[test]
    fn segments_escape_what_asterisk_would_misread() {
        assert_eq!(encoded("a+b/c;2 ü").to_string(), "a%2Bb%2Fc%3B2%20%C3%BC");
    }
}
