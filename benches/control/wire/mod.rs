//! What the work costs without any client library: HTTP and WebSocket written by hand over TCP.

mod events;
mod http;

use std::io;
use std::net::SocketAddr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

pub(crate) use events::{Commands, connect};
pub(crate) use http::Http;

/// Where Asterisk serves ARI and for whom; taken over by contestants from their environment.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) url: String,
    pub(crate) user: String,
    pub(crate) password: String,
}

/// A request's method.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Method {
    Get,
    Post,
    Delete,
}

impl Access {
    /// The variables by which a contestant learns it.
    pub(crate) const VARIABLES: [&str; 3] = ["BENCH_URL", "BENCH_USER", "BENCH_PASSWORD"];

    pub(crate) fn from_environment() -> io::Result<Access> {
        let [url, user, password] = Self::VARIABLES.map(|name| {
            std::env::var(name).map_err(|_| io::Error::other(format!("{name} is not set")))
        });
        Ok(Access { url: url?, user: user?, password: password? })
    }

    fn address(&self) -> io::Result<SocketAddr> {
        let host = self.url.strip_prefix("http://").and_then(|rest| rest.strip_suffix("/ari"));
        host.and_then(|host| host.parse().ok())
            .ok_or_else(|| io::Error::other(format!("{} is not http://address:port/ari", self.url)))
    }

    fn authorization(&self) -> String {
        BASE64_STANDARD.encode(format!("{}:{}", self.user, self.password))
    }
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Delete => "DELETE",
        }
    }
}
