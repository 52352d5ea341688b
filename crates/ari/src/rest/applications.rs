//! `/applications`.

use http::Method;
use serde::Serialize;
use serde_json::json;

use super::error::RequestError;
use super::operation::{Operation, Repeat};
use super::roads::Roads;
use crate::models::Application;

/// Operations on Stasis applications. [`Client::applications`](crate::Client::applications) has them.
#[derive(Clone, Copy, Debug)]
pub struct Applications<'a>(pub(crate) &'a Roads);

impl Applications<'_> {
    /// All applications that are registered.
    pub async fn list(self) -> Result<Vec<Application>, RequestError> {
        self.0.fetch(Operation::new("list applications", Method::GET, &["applications"])).await
    }

    /// One application, with what it is subscribed to.
    pub async fn get(self, application: &str) -> Result<Application, RequestError> {
        let segments = ["applications", application];
        self.0.fetch(Operation::new("get application", Method::GET, &segments)).await
    }

    /// Lets an application see what happens to others than its own channels and bridges. A source is such as
    /// `channel:ID`, `bridge:ID`, `endpoint:TECH/RESOURCE` or `deviceState:NAME`; without what follows the colon it is
    /// all of that kind.
    pub async fn subscribe(
        self,
        application: &str,
        sources: &[&str],
    ) -> Result<Application, RequestError> {
        let segments = ["applications", application, "subscription"];
        let operation = Operation::new("subscribe", Method::POST, &segments)
            .body(&json!({ "eventSource": sources }))
            .repeat(Repeat::Safe);
        self.0.fetch(operation).await
    }

    /// Takes back what [`subscribe`](Self::subscribe) did.
    pub async fn unsubscribe(
        self,
        application: &str,
        sources: &[&str],
    ) -> Result<Application, RequestError> {
        let segments = ["applications", application, "subscription"];
        let operation = Operation::new("unsubscribe", Method::DELETE, &segments)
            .body(&json!({ "eventSource": sources }));
        self.0.fetch(operation).await
    }

    /// Sets which kinds of events reach an application. Asterisk forgets it with the application's last channel.
    pub async fn filter(
        self,
        application: &str,
        filter: &EventFilter,
    ) -> Result<Application, RequestError> {
        let segments = ["applications", application, "eventFilter"];
        self.0.fetch(Operation::new("filter", Method::PUT, &segments).body(filter)).await
    }
}

/// Which kinds of events reach an application. A list that is absent stays as it was; what both name is held back.
///
/// Replies to requests over the event socket are events, too: RESTResponse must pass for them to arrive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EventFilter {
    /// Names of kinds that pass, such as `StasisStart`; empty lets all pass.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "kinds")]
    pub allowed: Option<Vec<String>>,
    /// Names of kinds that are held back.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "kinds")]
    pub disallowed: Option<Vec<String>>,
}

fn kinds<S: serde::Serializer>(
    names: &Option<Vec<String>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(names.iter().flatten().map(|name| json!({ "type": name })))
}
