//! Why a remote engine gave no words.

use std::time::Duration;

use tokio_tungstenite::tungstenite::http::header::RETRY_AFTER;
use tokio_tungstenite::tungstenite::http::{HeaderMap, StatusCode};

/// How long an engine rests that says 429 and not for how long.
const USUAL_REST: Duration = Duration::from_secs(10);
/// An engine's own words are cut off here.
const LONGEST_QUOTE: usize = 200;

/// Why a remote engine gave no words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Why {
    /// 401 or 403.
    #[error(
        "the key was refused (HTTP status {status}); check key_env or key_file, and what the key may do"
    )]
    Refused {
        /// HTTP status.
        status: u16,
    },
    /// 429, or the vendor's word for it.
    #[error("too many requests; they may be made again in {after:?}")]
    RateLimited {
        /// As the vendor says, or 10 s.
        after: Duration,
    },
    /// Another HTTP status than the one hoped for.
    #[error("it answered with HTTP status {status}; is the url right?")]
    Status {
        /// HTTP status.
        status: u16,
    },
    /// Nothing listens there, the name does not resolve, or the way there is cut.
    #[error("it cannot be reached: {0}; check the url, and that this host may connect to it")]
    Unreachable(String),
    /// TLS was not agreed on.
    #[error(
        "no TLS with it: {0}; is its certificate signed by a root that is trusted here (root_file)?"
    )]
    Tls(String),
    /// It ended the stream before the words were complete.
    #[error("it closed the stream{}", quoted(.0))]
    Closed(String),
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// It said something that its protocol does not know, or that is too long.
    #[error("it does not speak its protocol: {0}; is the url right?")]
    Protocol(String),
    /// It reported an error of its own.
    #[error("it reports: {0}")]
    Vendor(String),
    /// No sign of life.
    #[error("it gave no sign of life for {after:?}")]
    Silent {
        /// The limit.
        after: Duration,
    },
    /// It lives, but says nothing of the speech it was sent.
    #[error("it said nothing of the speech that it was sent within {after:?}")]
    Unanswered {
        /// The limit.
        after: Duration,
    },
    /// It heard nothing where a voice was.
    #[error("it heard no word where a voice was")]
    Unheard,
    /// It is not asked, since it wants to be left alone, and no other engine is there.
    #[error("it is left alone for a while, as it asked; put another engine behind it in chain")]
    Resting,
    /// It does not take the audio as fast as it is spoken.
    #[error("it does not take audio as fast as it is spoken")]
    Stalled,
}

impl Why {
    /// What an HTTP status other than the one hoped for means.
    pub(crate) fn status(status: StatusCode, headers: &HeaderMap) -> Self {
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Self::Refused { status: status.as_u16() }
            }
            StatusCode::TOO_MANY_REQUESTS => {
                // Seconds; the other form, a date, is used by none of the vendors (RFC 9110, 10.2.3).
                let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
                let after = seconds.and_then(|seconds| seconds.trim().parse().ok());
                Self::RateLimited { after: after.map_or(USUAL_REST, Duration::from_secs) }
            }
            _ => Self::Status { status: status.as_u16() },
        }
    }

    /// The vendor's word for too many requests, outside HTTP.
    pub(crate) fn rate_limited() -> Self {
        Self::RateLimited { after: USUAL_REST }
    }

    /// Whether it was the connection's fault, so that another one may serve.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Closed(_) | Self::Broken(_) | Self::Silent { .. } | Self::Stalled)
    }

    /// A message that could not be understood.
    pub(crate) fn protocol(cause: impl std::fmt::Display) -> Self {
        Self::Protocol(quote(&cause.to_string()))
    }

    /// An error in the vendor's own words.
    pub(crate) fn vendor(text: &str) -> Self {
        Self::Vendor(quote(text))
    }
}

/// A vendor's text as it may stand in one of our lines.
pub(crate) fn quote(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(LONGEST_QUOTE).collect()
}

fn quoted(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(": {reason}") }
}

/// An engine of the chain, and why it gave no words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{engine}: {why}")]
pub struct Failure {
    /// As it is named in the configuration.
    pub engine: Box<str>,
    /// Why.
    pub why: Why,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_with_its_retry_after() {
        let mut headers = HeaderMap::new();
        let why = |headers: &HeaderMap| Why::status(StatusCode::TOO_MANY_REQUESTS, headers);
        assert_eq!(why(&headers), Why::RateLimited { after: USUAL_REST });
        headers.insert(RETRY_AFTER, "7".parse().unwrap());
        assert_eq!(why(&headers), Why::RateLimited { after: Duration::from_secs(7) });
        headers.insert(RETRY_AFTER, "-1".parse().unwrap());
        assert_eq!(why(&headers), Why::RateLimited { after: USUAL_REST });
        assert_eq!(Why::status(StatusCode::FORBIDDEN, &headers), Why::Refused { status: 403 });
    }

    #[test]
    fn what_a_vendor_says_is_cut_and_cleaned() {
        assert_eq!(quote("a\r\nb\u{1b}[31m"), "ab[31m");
        assert_eq!(quote(&"x".repeat(5_000)).len(), LONGEST_QUOTE);
        assert_eq!(Why::Closed(String::new()).to_string(), "it closed the stream");
    }
}
