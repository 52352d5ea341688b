//! What can go wrong with a request, and whether it may have had an effect.

use std::borrow::Cow;

/// Why an operation has no result. Which of the four it is says whether Asterisk may have acted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Asterisk never saw the request: no effect.
    #[error("{operation} was not sent: {cause}")]
    NotSent {
        /// Asterisk's name for the operation.
        operation: Cow<'static, str>,
        /// What stopped it.
        cause: String,
    },
    /// Asterisk refused: no effect.
    #[error("{operation} was refused with {status} ({reason}): {message}")]
    Rejected {
        /// Asterisk's name for the operation.
        operation: Cow<'static, str>,
        /// HTTP status.
        status: u16,
        /// What the status means for this operation.
        reason: Reason,
        /// Asterisk's own words.
        message: String,
    },
    /// The request left, and no reply came: it may have had its effect or not.
    #[error("{operation} may or may not have been done: {cause}")]
    OutcomeUnknown {
        /// Asterisk's name for the operation.
        operation: Cow<'static, str>,
        /// What kept the reply from us.
        cause: String,
    },
    /// Asterisk did it, and its reply does not have the expected shape.
    #[error("{operation} was done, but its reply cannot be read: {cause}")]
    UnreadableReply {
        /// Asterisk's name for the operation.
        operation: Cow<'static, str>,
        /// What is wrong with the reply.
        cause: String,
    },
}

/// What a refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// A parameter is missing or wrong.
    #[error("wrong parameters")]
    BadRequest,
    /// The user or password is wrong.
    #[error("unauthorized; compare user and password with ari.conf")]
    Unauthorized,
    /// The user may only read, or an access list forbids our address.
    #[error("forbidden; the ARI user is read_only, or an acl shuts us out")]
    Forbidden,
    /// The channel, bridge or other object does not exist, or no longer.
    #[error("gone")]
    Gone,
    /// The channel has no such variable; the channel itself is well.
    #[error("no such variable")]
    NoSuchVariable,
    /// The channel or bridge is not in a Stasis application, or no longer.
    #[error("not in Stasis")]
    NotInStasis,
    /// The channel is being recorded, and cannot join a bridge meanwhile.
    #[error("being recorded")]
    Recording,
    /// The channel is not in that bridge.
    #[error("not in this bridge")]
    NotInBridge,
    /// An object with that id exists already: perhaps our own, from an earlier attempt.
    #[error("the id is taken")]
    DuplicateId,
    /// The channel's state does not allow it, as before an outgoing call is answered.
    #[error("wrong state")]
    WrongState,
    /// Another conflict.
    #[error("conflict")]
    Conflict,
    /// A format, endpoint or other name is well formed and not known to this Asterisk.
    #[error("not understood")]
    Unprocessable,
    /// This Asterisk lacks the operation or a module for it.
    #[error("not supported by this Asterisk")]
    Unsupported,
    /// Asterisk failed, or is still starting.
    #[error("failure in Asterisk")]
    ServerFault,
    /// A status that ARI does not use.
    #[error("unexpected status")]
    Other,
}

impl RequestError {
    /// Asterisk's name for the operation that failed.
    pub fn operation(&self) -> &str {
        match self {
            Self::NotSent { operation, .. }
            | Self::Rejected { operation, .. }
            | Self::OutcomeUnknown { operation, .. }
            | Self::UnreadableReply { operation, .. } => operation,
        }
    }

    /// What the refusal means, if it is one.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Rejected { reason, .. } => Some(*reason),
            _ => None,
        }
    }

    /// Whether the object does not exist, or no longer: often good news at a call's end.
    pub fn is_gone(&self) -> bool {
        self.reason() == Some(Reason::Gone)
    }

    /// Whether the channel or bridge has left our application, or Asterisk altogether: an event that says so is
    /// here or on its way.
    pub fn has_left(&self) -> bool {
        matches!(self.reason(), Some(Reason::Gone | Reason::NotInStasis))
    }
}
