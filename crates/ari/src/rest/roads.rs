//! Which way a request takes: over pooled HTTP, or over the event socket.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::error::RequestError;
use super::http::Http;
use super::operation::Operation;
use super::socket::{Holds, SocketRoad};
use crate::config::Config;
use crate::connection::ConnectError;

/// Which road requests take to Asterisk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Road {
    /// The better one for each operation: what may keep its reply back goes over HTTP, where it holds up nothing
    /// else. Where only one road exists, or the other is closed, that one.
    #[default]
    ByClass,
    /// HTTP only.
    Http,
    /// The event socket only: Asterisk 20.14, 22.4, 23.0 and later. It does one request after another.
    Socket,
}

/// The road of operations that nothing keeps back, as measured against Asterisk 22.
const QUICK: Way = Way::Http;

/// Both roads to one Asterisk.
#[derive(Debug)]
pub(crate) struct Roads {
    /// Absent when Asterisk opened the socket, and nobody said where its HTTP is.
    http: Option<Http>,
    socket: Arc<SocketRoad>,
    road: Road,
    request_timeout: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Http,
    Socket,
}

impl Roads {
    pub(crate) fn new(config: &Config) -> Result<Self, ConnectError> {
        let http = config.base().map(|base| Http::new(config, base)).transpose()?;
        let socket = Arc::default();
        Ok(Self { http, socket, road: config.road, request_timeout: config.request_timeout })
    }

    /// The part that whoever reads the event socket must serve.
    pub(crate) fn socket(&self) -> Arc<SocketRoad> {
        Arc::clone(&self.socket)
    }

    /// Does an operation and reads its reply.
    pub(crate) async fn fetch<T: DeserializeOwned>(
        &self,
        operation: Operation,
    ) -> Result<T, RequestError> {
        let body = self.reply(&operation).await?;
        operation.read(&body)
    }

    /// Does an operation whose reply says nothing more.
    pub(crate) async fn perform(&self, operation: Operation) -> Result<(), RequestError> {
        self.reply(&operation).await.map(drop)
    }

    /// The body of a successful reply, empty for 204.
    pub(crate) async fn reply(&self, operation: &Operation) -> Result<Vec<u8>, RequestError> {
        let deadline = Instant::now() + self.request_timeout;
        let holds = holds(operation);
        match (self.way(holds), &self.http) {
            (Way::Http, Some(http)) => http.reply(operation).await,
            (Way::Http, None) => Err(RequestError::NotSent {
                operation: operation.name.clone(),
                cause: "no ARI url is configured, and requests may not take the event socket"
                    .into(),
            }),
            (Way::Socket, http) => {
                match (self.socket.reply(operation, holds, deadline).await, http) {
                    (Err(RequestError::NotSent { .. }), Some(http))
                        if self.road == Road::ByClass && Instant::now() < deadline =>
                    {
                        http.reply(operation).await
                    }
                    (outcome, _) => outcome,
                }
            }
        }
    }

    /// Keeps one HTTP connection from going idle, so that the next request finds it open. Runs until dropped.
    pub(crate) async fn keep_warm(&self) {
        if let Some(http) = &self.http {
            http.keep_warm().await;
        }
    }

    fn way(&self, holds: Holds) -> Way {
        match (self.road, &self.http) {
            (Road::Http, _) => Way::Http,
            (Road::Socket, _) | (Road::ByClass, None) => Way::Socket,
            (Road::ByClass, Some(_)) => match holds {
                Holds::Nothing => QUICK,
                Holds::TheSocket => Way::Http,
            },
        }
    }
}

/// Whether an operation may keep its reply back, and with it everything else on the event socket.
fn holds(operation: &Operation) -> Holds {
    match &*operation.name {
        "answer" | "setChannelVar" | "addChannel" | "removeChannel" | "externalMedia" => {
            Holds::TheSocket
        }
        // Nobody knows what an operation does that the caller wrote as a path: its name holds a space.
        raw if raw.contains(" /") => Holds::TheSocket,
        _ => Holds::Nothing,
    }
}
