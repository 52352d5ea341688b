//! `/mailboxes`: counts of voice messages, which light a phone's lamp.

use http::Method;
use serde_json::json;

use super::error::RequestError;
use super::operation::Operation;
use super::roads::Roads;
use crate::models::VoiceMailbox;

/// Operations on voice mailboxes. [`Client::mailboxes`](crate::Client::mailboxes) has them.
#[derive(Clone, Copy, Debug)]
pub struct Mailboxes<'a>(pub(crate) &'a Roads);

impl Mailboxes<'_> {
    /// All mailboxes.
    pub async fn list(self) -> Result<Vec<VoiceMailbox>, RequestError> {
        self.0.fetch(Operation::new("list mailboxes", Method::GET, &["mailboxes"])).await
    }

    /// One mailbox.
    pub async fn get(self, mailbox: &str) -> Result<VoiceMailbox, RequestError> {
        self.0.fetch(Operation::new("get mailbox", Method::GET, &["mailboxes", mailbox])).await
    }

    /// Sets the counts of a mailbox, and makes it if need be.
    pub async fn update(
        self,
        mailbox: &str,
        old_messages: u32,
        new_messages: u32,
    ) -> Result<(), RequestError> {
        let operation = Operation::new("update mailbox", Method::PUT, &["mailboxes", mailbox]);
        let body = json!({ "oldMessages": old_messages, "newMessages": new_messages });
        self.0.perform(operation.body(&body)).await
    }

    /// Deletes a mailbox.
    pub async fn delete(self, mailbox: &str) -> Result<(), RequestError> {
        let segments = ["mailboxes", mailbox];
        self.0.perform(Operation::new("delete mailbox", Method::DELETE, &segments)).await
    }
}
