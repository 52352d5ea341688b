//! `/channels`: what makes, moves and ends them. Sound and variables have files of their own.

mod external_media;
mod originate;
mod params;
mod sound;
mod variables;

pub use external_media::{ExternalMedia, MediaDirection, MediaTransport};
pub use originate::{CreateChannel, DialChannel, Originate, OriginateTo};
pub use params::{
    Continue, Dtmf, Hangup, HangupReason, Move, MuteDirection, Snoop, SnoopDirection,
    TransferProgress,
};

use http::Method;
use serde_json::json;

use super::error::RequestError;
use super::operation::{Completion, Conflict, Operation, Repeat};
use super::roads::Roads;
use crate::models::{Channel, RtpStat};

/// Operations on channels. [`Client::channels`](crate::Client::channels) has them.
///
/// A reply without a body means that the operation was queued on the channel, not that it is finished, except for
/// [`answer`](Self::answer), [`set_channel_var`](Self::set_channel_var) and
/// [`set_channel_vars`](Self::set_channel_vars), which are answered when done, and wait for a playback or recording on
/// the channel to end first.
#[derive(Clone, Copy, Debug)]
pub struct Channels<'a>(pub(crate) &'a Roads);

impl Channels<'_> {
    /// All channels of this Asterisk.
    pub async fn list(self) -> Result<Vec<Channel>, RequestError> {
        self.0.fetch(Operation::new("list channels", Method::GET, &["channels"])).await
    }

    /// One channel.
    pub async fn get(self, channel: &str) -> Result<Channel, RequestError> {
        self.0.fetch(Operation::new("get channel", Method::GET, &["channels", channel])).await
    }

    /// Makes a channel with our id and dials it. The reply comes before the channel is in the application: wait
    /// for its StasisStart, which comes when it is answered.
    pub async fn originate(
        self,
        channel: &str,
        originate: &Originate,
    ) -> Result<Channel, RequestError> {
        let operation = Operation::new("originateWithId", Method::POST, &["channels", channel])
            .body(originate)
            .repeat(Repeat::Safe)
            .conflict(Conflict::DuplicateId)
            .completion(Completion::Slow);
        self.0.fetch(operation).await
    }

    /// Makes a channel whose id Asterisk chooses and dials it. Its first events may come before the reply that says
    /// who it is: prefer [`originate`](Self::originate).
    pub async fn originate_without_id(
        self,
        originate: &Originate,
    ) -> Result<Channel, RequestError> {
        let operation = Operation::new("originate", Method::POST, &["channels"])
            .body(originate)
            .conflict(Conflict::DuplicateId)
            .completion(Completion::Slow);
        self.0.fetch(operation).await
    }

    /// Makes a channel with our id and does not dial it yet. It enters the application at once: wait for its
    /// StasisStart before using it.
    pub async fn create(
        self,
        channel: &str,
        create: &CreateChannel,
    ) -> Result<Channel, RequestError> {
        let operation = Operation::new("create", Method::POST, &["channels", "create"])
            .body(&create.with_id(channel))
            .repeat(Repeat::Safe)
            .conflict(Conflict::DuplicateId)
            .completion(Completion::Slow);
        self.0.fetch(operation).await
    }

    /// Dials a channel that [`create`](Self::create) made.
    pub async fn dial(self, channel: &str, dial: &DialChannel) -> Result<(), RequestError> {
        self.0.perform(post("dial", channel, "dial").conflict(Conflict::Other).body(dial)).await
    }

    /// Ends a channel. [`Gone`](super::Reason::Gone) means that it had ended already.
    pub async fn hangup(self, channel: &str, hangup: Hangup) -> Result<(), RequestError> {
        let operation = Operation::new("hangup", Method::DELETE, &["channels", channel]);
        self.0.perform(operation.body(&hangup)).await
    }

    /// Sends a channel back to the dialplan. Its StasisEnd follows.
    pub async fn continue_in_dialplan(
        self,
        channel: &str,
        to: &Continue,
    ) -> Result<(), RequestError> {
        self.0.perform(post("continueInDialplan", channel, "continue").body(to)).await
    }

    /// Answers a caller.
    pub async fn answer(self, channel: &str) -> Result<(), RequestError> {
        self.0
            .perform(
                post("answer", channel, "answer")
                    .repeat(Repeat::Safe)
                    .completion(Completion::Blocking),
            )
            .await
    }

    /// Tells a caller that it rings.
    pub async fn ring(self, channel: &str) -> Result<(), RequestError> {
        self.0.perform(post("ring", channel, "ring").repeat(Repeat::Safe)).await
    }

    /// Tells a caller that it rings no longer.
    pub async fn ring_stop(self, channel: &str) -> Result<(), RequestError> {
        self.0.perform(delete("ringStop", channel, "ring")).await
    }

    /// Tells a caller that the call makes progress: early media flows (SIP 183). Since 22.6.
    pub async fn progress(self, channel: &str) -> Result<(), RequestError> {
        self.0.perform(post("progress", channel, "progress").repeat(Repeat::Safe)).await
    }

    /// Hands a channel to another application. It leaves ours with a StasisEnd, or an ApplicationMoveFailed says
    /// that it could not.
    pub async fn move_to(self, channel: &str, to: &Move) -> Result<(), RequestError> {
        self.0.perform(post("move", channel, "move").body(to)).await
    }

    /// Tells the far end to call elsewhere (SIP 302): `TECH/resource` of the channel's own technology.
    pub async fn redirect(self, channel: &str, endpoint: &str) -> Result<(), RequestError> {
        let operation = post("redirect", channel, "redirect");
        self.0.perform(operation.body(&json!({ "endpoint": endpoint }))).await
    }

    /// Tells who asked for a transfer how far it is, where `PJSIP_TRANSFER_HANDLING` leaves transfers to the
    /// application. Since 22.3.
    pub async fn transfer_progress(
        self,
        channel: &str,
        progress: TransferProgress,
    ) -> Result<(), RequestError> {
        let operation = post("transfer_progress", channel, "transfer_progress");
        self.0.perform(operation.body(&json!({ "states": progress }))).await
    }

    /// How well RTP flows on a channel.
    pub async fn rtpstatistics(self, channel: &str) -> Result<RtpStat, RequestError> {
        let segments = ["channels", channel, "rtp_statistics"];
        self.0.fetch(Operation::new("rtpstatistics", Method::GET, &segments)).await
    }

    /// Makes a channel with our id that listens in on another, or speaks into it. Wait for its StasisStart before it
    /// joins a bridge.
    pub async fn snoop_channel(
        self,
        channel: &str,
        snoop_channel: &str,
        snoop: &Snoop,
    ) -> Result<Channel, RequestError> {
        let segments = ["channels", channel, "snoop", snoop_channel];
        let operation = Operation::new("snoopChannelWithId", Method::POST, &segments)
            .body(snoop)
            .repeat(Repeat::Safe);
        self.0.fetch(operation).await
    }

    /// Listens in through a channel whose id Asterisk chooses. Prefer [`snoop_channel`](Self::snoop_channel).
    pub async fn snoop_channel_without_id(
        self,
        channel: &str,
        snoop: &Snoop,
    ) -> Result<Channel, RequestError> {
        let segments = ["channels", channel, "snoop"];
        self.0.fetch(Operation::new("snoopChannel", Method::POST, &segments).body(snoop)).await
    }

    /// Makes a channel with our id whose media flows to and from us. Wait for its StasisStart before it joins a
    /// bridge. Over RTP the reply says where Asterisk receives: [`Channel::local_address`].
    pub async fn external_media(
        self,
        channel: &str,
        media: &ExternalMedia,
    ) -> Result<Channel, RequestError> {
        let operation =
            Operation::new("externalMedia", Method::POST, &["channels", "externalMedia"])
                .body(&media.with_id(channel))
                .repeat(Repeat::Safe)
                .conflict(Conflict::DuplicateId)
                .completion(Completion::Slow);
        self.0.fetch(operation).await
    }
}

/// Something that a channel in Stasis is told to begin.
fn post(name: &'static str, channel: &str, verb: &str) -> Operation {
    Operation::new(name, Method::POST, &["channels", channel, verb])
        .conflict(Conflict::NotInStasis)
        .completion(Completion::Queued)
}

/// Something that a channel in Stasis is told to end.
fn delete(name: &'static str, channel: &str, verb: &str) -> Operation {
    Operation::new(name, Method::DELETE, &["channels", channel, verb])
        .conflict(Conflict::NotInStasis)
        .completion(Completion::Queued)
}
