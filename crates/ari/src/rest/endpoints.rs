//! `/endpoints`.

use std::collections::BTreeMap;

use http::Method;
use serde::Serialize;
use serde_json::{Value, json};

use super::error::RequestError;
use super::operation::{Completion, Operation, Repeat};
use super::roads::Roads;
use crate::models::Endpoint;

/// Operations on endpoints. [`Client::endpoints`](crate::Client::endpoints) has them.
#[derive(Clone, Copy, Debug)]
pub struct Endpoints<'a>(pub(crate) &'a Roads);

impl Endpoints<'_> {
    /// All endpoints.
    pub async fn list(self) -> Result<Vec<Endpoint>, RequestError> {
        self.0.fetch(Operation::new("list endpoints", Method::GET, &["endpoints"])).await
    }

    /// The endpoints of one technology, such as `PJSIP`.
    pub async fn list_by_tech(self, tech: &str) -> Result<Vec<Endpoint>, RequestError> {
        self.0.fetch(Operation::new("listByTech", Method::GET, &["endpoints", tech])).await
    }

    /// One endpoint.
    pub async fn get(self, tech: &str, resource: &str) -> Result<Endpoint, RequestError> {
        let segments = ["endpoints", tech, resource];
        self.0.fetch(Operation::new("get endpoint", Method::GET, &segments)).await
    }

    /// Sends a text message to an address such as `pjsip:alice`.
    pub async fn send_message(self, to: &str, message: &SendMessage) -> Result<(), RequestError> {
        let operation = Operation::new("sendMessage", Method::PUT, &["endpoints", "sendMessage"]);
        self.once(operation.body(&addressed(to, message))).await
    }

    /// Sends a text message to an endpoint.
    pub async fn send_message_to_endpoint(
        self,
        tech: &str,
        resource: &str,
        message: &SendMessage,
    ) -> Result<(), RequestError> {
        let segments = ["endpoints", tech, resource, "sendMessage"];
        self.once(Operation::new("sendMessageToEndpoint", Method::PUT, &segments).body(message))
            .await
    }

    /// Asks an address such as `pjsip:alice` to call somebody. Since 18.20.
    pub async fn refer(self, to: &str, refer: &Refer) -> Result<(), RequestError> {
        let operation = Operation::new("refer", Method::POST, &["endpoints", "refer"]);
        self.once(operation.body(&addressed(to, refer))).await
    }

    /// Asks an endpoint to call somebody. Since 18.20.
    pub async fn refer_to_endpoint(
        self,
        tech: &str,
        resource: &str,
        refer: &Refer,
    ) -> Result<(), RequestError> {
        let segments = ["endpoints", tech, resource, "refer"];
        self.once(Operation::new("referToEndpoint", Method::POST, &segments).body(refer)).await
    }

    /// What would be sent twice if it were repeated, to a host whose name may have to be looked up.
    async fn once(self, operation: Operation) -> Result<(), RequestError> {
        let operation = operation.repeat(Repeat::Unsafe).completion(Completion::Slow);
        self.0.perform(operation).await
    }
}

/// A text message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SendMessage {
    /// Who sends it, such as `pjsip:desk`.
    pub from: String,
    /// Its text.
    pub body: String,
    /// Values that the technology sends along, as SIP headers for one.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
}

/// A wish that somebody call somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Refer {
    /// Who wishes it.
    pub from: String,
    /// Who is to be called.
    pub refer_to: String,
    /// Where a call to an endpoint of this Asterisk goes.
    #[serde(
        rename = "to_self",
        skip_serializing_if = "ReferVia::is_default",
        serialize_with = "ReferVia::write"
    )]
    pub via: ReferVia,
    /// Values that the technology sends along, as SIP headers for one.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
}

/// Where a call to an endpoint of this Asterisk goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReferVia {
    /// To where the endpoint itself is reached.
    #[default]
    Contact,
    /// To this Asterisk.
    Asterisk,
}

impl ReferVia {
    fn is_default(&self) -> bool {
        *self == Self::Contact
    }

    fn write<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(*self == Self::Asterisk)
    }
}

fn addressed(to: &str, parameters: &impl Serialize) -> Value {
    let mut body = json!(parameters);
    body["to"] = to.into();
    body
}
