//! `/channels`.

use reqwest::Method;
use serde_json::json;

use super::error::RequestError;
use super::operation::{Conflict, Operation, Repeat};
use super::params::{Continue, CreateChannel, DialChannel, Dtmf, ExternalMedia, Hangup, Originate};
use super::roads::Roads;
use crate::models::{Channel, Variable};

/// Operations on channels. [`Client::channels`](crate::Client::channels) has them.
///
/// A reply without a body means that the operation was queued on the channel, not that it is finished, except for
/// [`answer`](Self::answer) and [`set_channel_var`](Self::set_channel_var), which are answered when done, and wait
/// for a playback or recording on the channel to end first.
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
            .conflict(Conflict::DuplicateId);
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
            .conflict(Conflict::DuplicateId);
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
        self.0.perform(post("answer", channel, "answer").repeat(Repeat::Safe)).await
    }

    /// Tells a caller that it rings.
    pub async fn ring(self, channel: &str) -> Result<(), RequestError> {
        self.0.perform(post("ring", channel, "ring").repeat(Repeat::Safe)).await
    }

    /// Tells a caller that it rings no longer.
    pub async fn ring_stop(self, channel: &str) -> Result<(), RequestError> {
        self.0.perform(delete("ringStop", channel, "ring")).await
    }

    /// Sends keys to the far end.
    pub async fn send_dtmf(self, channel: &str, dtmf: &Dtmf) -> Result<(), RequestError> {
        self.0.perform(post("sendDTMF", channel, "dtmf").body(dtmf)).await
    }

    /// Plays music on hold, of the channel's default class if none is named.
    pub async fn start_moh(self, channel: &str, class: Option<&str>) -> Result<(), RequestError> {
        let body = class.map_or_else(|| json!({}), |class| json!({ "mohClass": class }));
        let operation = post("startMoh", channel, "moh").repeat(Repeat::Safe);
        self.0.perform(operation.body(&body)).await
    }

    /// Ends music on hold.
    pub async fn stop_moh(self, channel: &str) -> Result<(), RequestError> {
        self.0.perform(delete("stopMoh", channel, "moh")).await
    }

    /// The value of a variable or function such as `CALLERID(num)`; refused as
    /// [`NoSuchVariable`](super::Reason::NoSuchVariable) when there is none.
    pub async fn get_channel_var(
        self,
        channel: &str,
        variable: &str,
    ) -> Result<String, RequestError> {
        let segments = ["channels", channel, "variable"];
        let operation = Operation::new("getChannelVar", Method::GET, &segments)
            .query("variable", variable)
            .conflict(Conflict::NotInStasis);
        self.0.fetch(operation).await.map(|variable: Variable| variable.value)
    }

    /// Sets a variable or function.
    pub async fn set_channel_var(
        self,
        channel: &str,
        variable: &str,
        value: &str,
    ) -> Result<(), RequestError> {
        let operation = post("setChannelVar", channel, "variable").repeat(Repeat::Safe);
        self.0.perform(operation.body(&json!({ "variable": variable, "value": value }))).await
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
                .conflict(Conflict::DuplicateId);
        self.0.fetch(operation).await
    }
}

fn post(name: &'static str, channel: &str, verb: &str) -> Operation {
    Operation::new(name, Method::POST, &["channels", channel, verb]).conflict(Conflict::NotInStasis)
}

fn delete(name: &'static str, channel: &str, verb: &str) -> Operation {
    Operation::new(name, Method::DELETE, &["channels", channel, verb])
        .conflict(Conflict::NotInStasis)
}
