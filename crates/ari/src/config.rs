//! What a client needs to know before it connects.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::HeaderValue;
use serde::Deserialize;
use tokio_rustls::rustls::ClientConfig;

use crate::connection::{Tls, TlsError};
use crate::rest::Road;
use crate::secret::Secret;
use crate::url::{BaseUrl, Scheme};

/// Where Asterisk is, who we are, and how patient to be. Made by [`Config::new`], which checks what it is
/// given; the public fields have working defaults.
#[derive(Clone, Debug)]
pub struct Config {
    base: Option<BaseUrl>,
    username: String,
    password: Secret,
    app: String,
    /// How certificates are checked, for an `https` url.
    pub tls: Tls,
    /// Where an `http` url may point. Default [`ClearText::LoopbackOnly`].
    pub clear_text: ClearText,
    /// Which road requests take. Default [`Road::ByClass`].
    pub road: Road,
    pub(crate) scope: Scope,
    /// How long a request may take, reply included. Default 10 s. Asterisk holds some replies (answer, set
    /// variable, add and remove channel) while a playback or recording occupies the channel.
    pub request_timeout: Duration,
    /// How long a TCP connection and the WebSocket handshake may take. Default 3 s.
    pub connect_timeout: Duration,
    /// How often the event socket is pinged. Default 2 s.
    pub ping_every: Duration,
    /// How long the socket may stay silent after a ping before it counts as lost. Default 4 s.
    pub ping_timeout: Duration,
    /// The first wait before a reconnect, doubled at each failure and jittered. Default 100 ms: while we are
    /// away, Asterisk turns new calls back to the dialplan.
    pub reconnect_first: Duration,
    /// The longest wait between two reconnects. Default 2 s.
    pub reconnect_max: Duration,
    /// What to do when another client takes our application. Default [`OnReplaced::Stop`].
    pub on_replaced: OnReplaced,
    /// How many events a mailbox holds before it loses the newest. Default 512.
    pub mailbox_capacity: usize,
    /// How many bytes of events a mailbox holds before it loses the newest. Default 1 MiB.
    pub mailbox_bytes: usize,
    /// How many new channels wait to be taken before further ones are lost. Default 1,024.
    pub arrivals_capacity: usize,
    /// How many requests may be under way at once, each on a connection of its own. Default 48; Asterisk
    /// refuses connections beyond `sessionlimit` in `http.conf`, 100 by default, shared by all clients.
    pub max_connections: usize,
    /// Made of `tls` when it is first needed: the system's roots take milliseconds to read.
    tls_client: OnceLock<Arc<ClientConfig>>,
}

/// Whether credentials and callers' numbers may travel in clear text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClearText {
    /// Only to this machine itself.
    #[default]
    LoopbackOnly,
    /// Anywhere: for networks that nobody else can listen to.
    Allowed,
}

/// What to do when another client connects with the same application name, which takes it from us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnReplaced {
    /// Stop: two clients that both insist steal the application from each other for ever.
    #[default]
    Stop,
    /// Take it back after [`Config::reconnect_max`].
    TakeBack,
}

/// Whose events Asterisk is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Those of the calls in our application, and of what it subscribes to.
    OwnCalls,
    /// Everybody's: `subscribeAll`. No good for calls of our own, whose StasisEnd such an application can miss.
    Everything,
}

impl Config {
    /// A configuration with default patience.
    ///
    /// `url` is where Asterisk serves ARI, such as `https://pbx:8089/ari` or, behind a prefix,
    /// `https://pbx/asterisk/ari`. The event socket uses the same scheme. `username` and `password` stand in `ari.conf`. `app` is the name that the
    /// dialplan passes to `Stasis()`.
    ///
    /// # Errors
    /// Names the first mistake and its mend. No error repeats the password, or a URL that may hold one.
    pub fn new(
        url: &str,
        username: impl Into<String>,
        password: impl Into<Secret>,
        app: impl Into<String>,
    ) -> Result<Self, ConfigError> {
        let (username, password, app) = (username.into(), password.into(), app.into());
        if username.is_empty() || username.contains([':', '\r', '\n']) {
            return Err(ConfigError::Username);
        }
        if password.expose().is_empty() {
            return Err(ConfigError::NoPassword);
        }
        if app.is_empty() || app.contains(|c: char| c == ',' || c.is_control()) {
            return Err(ConfigError::App);
        }
        Ok(Self::patient(Some(url.parse()?), username, password, app))
    }

    /// The configuration of a client whose socket Asterisk opens, and whose requests take that socket too, since
    /// there is no url. [`AcceptConfig::client`](crate::AcceptConfig::client) has it.
    pub fn accepted() -> Self {
        Self::patient(None, String::new(), Secret::from(""), String::new())
    }

    fn patient(base: Option<BaseUrl>, username: String, password: Secret, app: String) -> Self {
        Self {
            base,
            username,
            password,
            app,
            tls: Tls::default(),
            clear_text: ClearText::default(),
            road: Road::default(),
            scope: Scope::OwnCalls,
            request_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(3),
            ping_every: Duration::from_secs(2),
            ping_timeout: Duration::from_secs(4),
            reconnect_first: Duration::from_millis(100),
            reconnect_max: Duration::from_secs(2),
            on_replaced: OnReplaced::default(),
            mailbox_capacity: 512,
            mailbox_bytes: 1 << 20,
            arrivals_capacity: 1024,
            max_connections: 48,
            tls_client: OnceLock::new(),
        }
    }

    /// The same for another application.
    pub(crate) fn for_app(&self, app: String) -> Self {
        Self { app, ..self.clone() }
    }

    /// Where Asterisk serves ARI; `None` for a client whose socket Asterisk opened, and that was told of no url.
    pub fn base(&self) -> Option<&BaseUrl> {
        self.base.as_ref()
    }

    /// The ARI user, a section of `ari.conf`.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The Stasis application that we serve.
    pub fn app(&self) -> &str {
        &self.app
    }

    /// Refuses to send credentials where the configuration does not allow it.
    pub(crate) fn check_clear_text(&self) -> Result<(), ConfigError> {
        match &self.base {
            Some(base)
                if base.scheme() == Scheme::Http
                    && !base.is_loopback()
                    && self.clear_text == ClearText::LoopbackOnly =>
            {
                Err(ConfigError::ClearText { host: base.host().to_owned() })
            }
            _ => Ok(()),
        }
    }

    /// Reads what TLS needs, so that a mistake shows now.
    pub(crate) fn prepare_tls(&self) -> Result<(), TlsError> {
        match self.base.as_ref().map(BaseUrl::scheme) {
            Some(Scheme::Https) => self.tls_client().map(drop),
            Some(Scheme::Http) | None => Ok(()),
        }
    }

    /// What TLS connections use.
    pub(crate) fn tls_client(&self) -> Result<Arc<ClientConfig>, TlsError> {
        if let Some(ready) = self.tls_client.get() {
            return Ok(Arc::clone(ready));
        }
        let made = Arc::new(self.tls.client()?);
        Ok(Arc::clone(self.tls_client.get_or_init(|| made)))
    }

    /// The `Authorization` header, marked sensitive so that no HTTP library prints it.
    pub(crate) fn authorization(&self) -> HeaderValue {
        let credentials = format!("{}:{}", self.username, self.password.expose());
        let basic = format!("Basic {}", BASE64_STANDARD.encode(credentials));
        let mut value = HeaderValue::from_str(&basic).expect("base64 is visible ASCII");
        value.set_sensitive(true);
        value
    }
}

/// What is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The URL does not parse.
    #[error("the ARI url cannot be read ({0}); write it as http://host:8088/ari")]
    Url(String),
    /// The URL has no host.
    #[error("the ARI url has no host; write it as http://host:8088/ari")]
    NoHost,
    /// The URL is not HTTP.
    #[error(
        "the ARI url starts with {0}://, and must start with https:// or http://; the WebSocket address follows from it"
    )]
    Scheme(String),
    /// The URL would carry the password in clear text over a network.
    #[error(
        "the ARI url would send the password to {host} in clear text; write https:// (tlsenable and tlsbindaddr in http.conf, usually port 8089), or allow it with clear_text = \"allowed\""
    )]
    ClearText {
        /// Where to.
        host: String,
    },
    /// The URL has no path.
    #[error(
        "the ARI url has no path; Asterisk serves ARI under /ari, so write it as http://host:8088/ari"
    )]
    NoPath,
    /// The URL has a query or a fragment.
    #[error("the ARI url must end with its path; remove what follows the ? or #")]
    QueryInUrl,
    /// The URL holds a user name or password.
    #[error("the ARI url must not hold a user name or password; put them in their own settings")]
    CredentialsInUrl,
    /// The path of a listener is none.
    #[error(
        "the path to listen at must begin with a slash and hold no ? or #; it is that of uri in websocket_client.conf"
    )]
    AcceptPath,
    /// The user name is empty or cannot travel in Basic authentication.
    #[error(
        "the ARI user name must not be empty, nor hold a colon or a line break; it is the section name in ari.conf"
    )]
    Username,
    /// The password is empty.
    #[error("the ARI password is empty; it is the password line of the user's section in ari.conf")]
    NoPassword,
    /// The application name is empty or would be read as several.
    #[error(
        "the application name must not be empty, nor hold a comma; it is what the dialplan passes to Stasis()"
    )]
    App,
}

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "application {}", self.app)?;
        match &self.base {
            Some(base) => write!(f, " at {base} as {}", self.username),
            None => f.write_str(" over the socket that Asterisk opened"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_never_prints_its_password() {
        let config = Config::new("http://pbx:8088/ari", "desk", "hunter2", "frontdesk").unwrap();
        let printed = format!("{config} {config:?} {config:#?} {:?}", config.authorization());
        assert!(!printed.contains("hunter2"), "{printed}");
        assert!(!printed.contains(&BASE64_STANDARD.encode("desk:hunter2")), "{printed}");
        assert_eq!(config.authorization().to_str().unwrap(), "Basic ZGVzazpodW50ZXIy");
    }

    #[test]
    fn clear_text_leaves_this_machine_only_when_told_so() {
        let config = |url| Config::new(url, "desk", "hunter2", "frontdesk").unwrap();
        assert_eq!(config("http://127.0.0.1:8088/ari").check_clear_text(), Ok(()));
        assert_eq!(config("https://pbx.example/ari").check_clear_text(), Ok(()));
        let mut plain = config("http://pbx.example/ari");
        let error = plain.check_clear_text().unwrap_err();
        assert!(error.to_string().contains("https://"), "{error}");
        plain.clear_text = ClearText::Allowed;
        assert_eq!(plain.check_clear_text(), Ok(()));
    }

    #[test]
    fn mistakes_are_refused_before_connecting() {
        let new = |user: &str, password: &str, app: &str| {
            Config::new("http://pbx:8088/ari", user, password, app).unwrap_err()
        };
        assert_eq!(new("", "p", "app"), ConfigError::Username);
        assert_eq!(new("a:b", "p", "app"), ConfigError::Username);
        assert_eq!(new("a", "", "app"), ConfigError::NoPassword);
        assert_eq!(new("a", "p", "one,two"), ConfigError::App);
    }
}
