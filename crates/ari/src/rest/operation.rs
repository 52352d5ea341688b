//! One request, before any transport has it.

use std::borrow::Cow;
use std::fmt::Write;

use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::{Reason, RequestError};
use crate::url::encoded;

/// What is asked of Asterisk, and what its answers mean here.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    /// Asterisk's name for it, for errors.
    pub(super) name: Cow<'static, str>,
    pub(super) method: Method,
    /// Below the base address, percent-encoded, with its query; or what is wrong with an id in it.
    pub(super) path: Result<String, String>,
    /// The parameters, a JSON object.
    pub(super) body: Option<String>,
    pub(super) repeat: Repeat,
    pub(super) conflict: Conflict,
    pub(super) completion: Completion,
}

/// What a reply of success says about an operation, and what may keep it back. A connection that does one request
/// after another, as the event socket does, is held up for as long as a reply is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// It is done when the reply comes, and nothing can keep the reply back.
    Immediate,
    /// The reply comes at once and says only that the channel will do it, after what it was told before. A playback
    /// or recording on the channel comes first.
    Queued,
    /// It is done when the reply comes, and the reply waits until a playback or recording on the channel has ended.
    Blocking,
    /// It is done when the reply comes, and the reply may wait for a name server, a connection to another host, a
    /// module or a file.
    Slow,
    /// The reply is the content of a file. Asterisk gives it over HTTP only.
    Binary,
}

/// Whether doing it twice is the same as doing it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It is, or the object it makes has an id of our choice, so that the second time is refused.
    Safe,
    /// It is not.
    Unsafe,
}

/// What status 409 means, which differs from operation to operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conflict {
    NotInStasis,
    DuplicateId,
    NotInStasisOrRecording,
    WrongState,
    Other,
}

impl Operation {
    /// An operation on the path made of `segments`, each an id or a word of the API.
    pub(crate) fn new(name: &'static str, method: Method, segments: &[&str]) -> Self {
        let repeat = if method == Method::POST { Repeat::Unsafe } else { Repeat::Safe };
        let path = joined(segments);
        let (conflict, completion) = (Conflict::Other, Completion::Immediate);
        Self { name: name.into(), method, path, body: None, repeat, conflict, completion }
    }

    /// An operation on a path as the caller wrote it. Nobody knows how long it takes.
    pub(crate) fn raw(method: Method, path: &str, body: Option<Value>) -> Self {
        let repeat = if method == Method::GET { Repeat::Safe } else { Repeat::Unsafe };
        let path = path.trim_start_matches('/').to_owned();
        let body = body.map(|body| body.to_string());
        let name = format!("{method} {}", path.split('?').next().unwrap_or_default());
        let (conflict, completion) = (Conflict::Other, Completion::Slow);
        Self { name: name.into(), method, path: Ok(path), body, repeat, conflict, completion }
    }

    /// Parameters travel in a JSON body: a request line holds 4 KiB, and lands in logs.
    pub(crate) fn body(mut self, parameters: &impl Serialize) -> Self {
        let parameters = serde_json::to_string(parameters);
        let parameters = parameters.expect("parameters are plain data with text keys");
        let long = parameters.len();
        if long > MAX_BODY {
            self.path = Err(format!("{long} bytes of parameters; Asterisk reads {MAX_BODY}"));
        }
        self.body = Some(parameters);
        self
    }

    /// A parameter of a GET, in its query: things between us and Asterisk may drop the body of a GET.
    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        if let Ok(path) = &mut self.path {
            let mark = if path.contains('?') { '&' } else { '?' };
            write!(path, "{mark}{name}={}", encoded(value))
                .expect("writing to a String cannot fail");
        }
        self
    }

    pub(crate) fn repeat(mut self, repeat: Repeat) -> Self {
        self.repeat = repeat;
        self
    }

    pub(crate) fn conflict(mut self, conflict: Conflict) -> Self {
        self.conflict = conflict;
        self
    }

    pub(crate) fn completion(mut self, completion: Completion) -> Self {
        self.completion = completion;
        self
    }

    /// What a reply of success will say, and what may keep it back.
    pub(crate) fn completes(&self) -> Completion {
        self.completion
    }

    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    /// The path below the base address without a leading slash, percent-encoded, and its query.
    ///
    /// # Errors
    /// An id that cannot stand in a path; nothing is to be sent.
    pub(crate) fn uri(&self) -> Result<&str, RequestError> {
        self.path.as_deref().map_err(|cause| RequestError::NotSent {
            operation: self.name.clone(),
            cause: cause.clone(),
        })
    }

    /// The parameters, a JSON object.
    pub(crate) fn json(&self) -> Option<&str> {
        self.body.as_deref()
    }

    /// Reads the body of a successful reply.
    pub(crate) fn read<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, RequestError> {
        serde_json::from_slice(body).map_err(|error| RequestError::UnreadableReply {
            operation: self.name.clone(),
            cause: error.to_string(),
        })
    }

    /// What a refusal means. Statuses are as the server sends them, which is not always as it describes them.
    pub(super) fn reason(&self, status: u16, message: &str) -> Reason {
        match status {
            // addChannel and removeChannel say 400 of a channel that does not exist.
            400 if message == "Channel not found" => Reason::Gone,
            400 => Reason::BadRequest,
            401 => Reason::Unauthorized,
            403 => Reason::Forbidden,
            404 if message.contains("variable was not found") => Reason::NoSuchVariable,
            404 if message.contains("label") => Reason::BadRequest,
            // What Asterisk says of a path that none of its modules serves; of what is gone it says what.
            404 if message == "Resource not found" => Reason::Unsupported,
            404 => Reason::Gone,
            409 if message.contains("already exists") => Reason::DuplicateId,
            409 => match self.conflict {
                Conflict::NotInStasis => Reason::NotInStasis,
                Conflict::DuplicateId => Reason::DuplicateId,
                Conflict::NotInStasisOrRecording if message.contains("recording") => {
                    Reason::Recording
                }
                Conflict::NotInStasisOrRecording => Reason::NotInStasis,
                Conflict::WrongState => Reason::WrongState,
                Conflict::Other => Reason::Conflict,
            },
            412 => Reason::WrongState,
            422 if message.contains("not in Stasis") => Reason::NotInStasis,
            422 if message.contains("not in this bridge") => Reason::NotInBridge,
            422 => Reason::Unprocessable,
            405 | 501 => Reason::Unsupported,
            500..=599 => Reason::ServerFault,
            _ => Reason::Other,
        }
    }
}

/// The longest body that Asterisk's HTTP server reads; it refuses a longer one with 413.
const MAX_BODY: usize = 40 * 1024;

fn joined(segments: &[&str]) -> Result<String, String> {
    let mut path = String::new();
    for segment in segments {
        if matches!(*segment, "" | "." | "..") {
            return Err(format!("{segment:?} cannot be an id"));
        }
        let slash = if path.is_empty() { "" } else { "/" };
        write!(path, "{slash}{}", encoded(segment)).expect("writing to a String cannot fail");
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_cannot_leave_their_segment() {
        let path = |id| Operation::new("get", Method::GET, &["channels", id]).path.map_err(|_| ());
        assert_eq!(path("a+b/../c"), Ok("channels/a%2Bb%2F..%2Fc".to_owned()));
        for id in ["", ".", ".."] {
            assert_eq!(path(id), Err(()));
        }
    }

    #[test]
    fn more_than_asterisk_reads_is_not_sent() {
        let say = |length| {
            Operation::new("setChannelVar", Method::POST, &["channels"]).body(&"x".repeat(length))
        };
        assert_eq!(say(MAX_BODY - 2).uri(), Ok("channels"));
        let error = say(MAX_BODY - 1).uri().unwrap_err();
        assert!(error.to_string().contains("40961 bytes"), "{error}");
    }

    #[test]
    fn what_a_get_asks_for_stands_in_its_query() {
        let operation = Operation::new("list", Method::GET, &["sounds"])
            .query("lang", "en")
            .query("format", "a&b");
        assert_eq!(operation.uri(), Ok("sounds?lang=en&format=a%26b"));
    }

    #[test]
    fn statuses_mean_what_the_server_means_by_them() {
        let add = Operation::new("addChannel", Method::POST, &["bridges"])
            .conflict(Conflict::NotInStasisOrRecording);
        for (status, message, reason) in [
            (400, "Channel not found", Reason::Gone),
            (400, "Missing parameter channel", Reason::BadRequest),
            (404, "Bridge not found", Reason::Gone),
            (404, "Resource not found", Reason::Unsupported),
            (404, "Provided variable was not found", Reason::NoSuchVariable),
            (404, "Requested label can not be found", Reason::BadRequest),
            (409, "Bridge not in Stasis application", Reason::NotInStasis),
            (409, "Channel c1 currently recording", Reason::Recording),
            (409, "Recording 'r' already exists", Reason::DuplicateId),
            (412, "Channel in invalid state", Reason::WrongState),
            (422, "Channel not in Stasis application", Reason::NotInStasis),
            (422, "Channel not in this bridge", Reason::NotInBridge),
            (503, "Asterisk not booted", Reason::ServerFault),
        ] {
            assert_eq!(add.reason(status, message), reason, "{status} {message}");
        }
        let create = Operation::new("createWithId", Method::POST, &["bridges"])
            .conflict(Conflict::DuplicateId);
        assert_eq!(create.reason(409, "exists"), Reason::DuplicateId);
    }
}
