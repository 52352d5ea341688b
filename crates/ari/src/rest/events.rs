//! `/events`, apart from the event socket itself, which [`Client::connect`](crate::Client::connect) opens.

use http::Method;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::error::RequestError;
use super::operation::Operation;
use super::roads::Roads;

/// Operations on events. [`Client::events`](crate::Client::events) has them.
#[derive(Clone, Copy, Debug)]
pub struct Events<'a>(pub(crate) &'a Roads);

impl Events<'_> {
    /// Sends an event of our own, a ChannelUserevent with that name, to an application.
    pub async fn user_event(self, name: &str, event: &UserEvent) -> Result<(), RequestError> {
        let operation = Operation::new("userEvent", Method::POST, &["events", "user", name]);
        self.0.perform(operation.body(event)).await
    }

    /// Takes a channel that was offered to several applications by a CallBroadcast. The first to claim it has it;
    /// the others are refused as [`Conflict`](crate::Reason::Conflict). Since 22.10, where `res_stasis_broadcast` is
    /// loaded.
    pub async fn claim_channel(self, channel: &str, application: &str) -> Result<(), RequestError> {
        let operation = Operation::new("claimChannel", Method::POST, &["events", "claim"]);
        let body = json!({ "channelId": channel, "application": application });
        self.0.perform(operation.body(&body)).await
    }
}

/// An event of our own.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct UserEvent {
    /// The application that gets it.
    pub application: String,
    /// What it is about, such as `channel:ID`, `bridge:ID` or `endpoint:TECH/RESOURCE`.
    #[serde(rename = "source", skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// What it says.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub variables: Map<String, Value>,
}
