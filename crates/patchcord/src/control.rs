//! The way in for those who look after calls while they go on: rooms, and listening to calls. HTTP and JSON on loopback, for
//! whoever knows the token; `patchcord rooms` and `patchcord supervise` speak it.
//!
//! | request | what |
//! |---|---|
//! | `GET /calls` | the calls that go on |
//! | `POST /calls/{call}` | `{"by", "do": "listen" or "whisper", "from": DESTINATION}` |
//! | `GET /rooms` | the rooms and who is in them |
//! | `POST /rooms/{room}` | `{"by", "do": "lock" or "unlock"}`, `{"by", "do": "add", "destination"}` |
//! | `POST /rooms/{room}/{number}` | `{"by", "do": "remove", "mute", "unmute", "hold", "resume"}`, or as for a call |
//!
//! A reply is JSON: what was asked for, `{"done": ...}` or `{"error": ...}`. Whom to ring is a destination's name, under the
//! same policy as in calls. What was done, by whom, is kept in the audit.

mod deeds;
mod phone;

use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, serve};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::conferences::{Conferences, NotThere};
use crate::desks::Desks;
use crate::dialling::Dialling;
use crate::driver::Shared;
use crate::keep::Keeper;
use crate::live_calls::{LiveCalls, NotHeard};
use crate::settings::ControlSettings;

use deeds::{Asked, OfCall, OfMember, OfRoom};

/// The longest request, in bytes.
const LONGEST: usize = 16 * 1024;

/// How long phones that were rung may take to be taken down.
const TAKE_DOWN: Duration = Duration::from_secs(15);

/// The open way in.
pub(crate) struct Control {
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
    office: Arc<Office>,
}

/// What every request works with.
struct Office {
    token: ari::Secret,
    client: ari::Client,
    conferences: Conferences,
    calls: LiveCalls,
    dialling: Arc<Dialling>,
    desks: Desks,
    keeper: Keeper,
    /// The phones that were rung for somebody.
    rung: Mutex<JoinSet<()>>,
    stopped: watch::Receiver<bool>,
}

/// Why something was not done.
#[derive(Debug)]
struct Refusal(StatusCode, String);

impl Control {
    /// Opens the way in.
    pub(crate) async fn open(settings: ControlSettings, shared: &Shared) -> Result<Self, String> {
        let ControlSettings { address, token } = settings;
        let cannot = |error: std::io::Error| {
            format!(
                "[control] address: {address} cannot be listened on: {error}\n  mend: name another port"
            )
        };
        let listener = TcpListener::bind(address).await.map_err(cannot)?;
        let (stop, stopped) = watch::channel(false);
        let office = Arc::new(Office {
            token,
            client: shared.client.clone(),
            conferences: shared.conferences.clone(),
            calls: shared.calls.clone(),
            dialling: shared.dialling.clone(),
            desks: shared.desks.clone(),
            keeper: shared.keeper.clone(),
            rung: Mutex::default(),
            stopped: stopped.clone(),
        });
        let router = Router::new()
            .route("/calls", get(|State(it): State<Arc<Office>>| ready(reply(&it.calls.list()))))
            .route("/calls/{call}", post(call))
            .route(
                "/rooms",
                get(|State(it): State<Arc<Office>>| ready(reply(&it.conferences.list()))),
            )
            .route("/rooms/{room}", post(room))
            .route("/rooms/{room}/{number}", post(member))
            .layer(DefaultBodyLimit::max(LONGEST))
            .layer(from_fn_with_state(office.clone(), admitted))
            .with_state(office.clone());
        let mut closed = stopped;
        let server = tokio::spawn(async move {
            // An error means that nobody can say stop any more.
            let closed = async move { drop(closed.wait_for(|&stop| stop).await) };
            if let Err(error) = serve(listener, router).with_graceful_shutdown(closed).await {
                tracing::error!(%error, "the way in for those who look after calls is closed");
            }
        });
        Ok(Self { stop, server, office })
    }

    /// Closes it, and lets go of every phone that was rung.
    pub(crate) async fn close(self) {
        self.stop.send_replace(true);
        self.server.abort();
        let rung = std::mem::take(&mut *self.office.rung());
        if tokio::time::timeout(TAKE_DOWN, rung.join_all()).await.is_err() {
            tracing::warn!("phones that were rung for others took too long to be let go");
        }
    }
}

impl Office {
    fn rung(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on with a phone beside the request.
    fn beside(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut rung = self.rung();
        // Those that are over need no place any more.
        while rung.try_join_next().is_some() {}
        rung.spawn(task);
    }
}

/// Lets in whoever shows the token.
async fn admitted(State(office): State<Arc<Office>>, request: Request, next: Next) -> Response {
    let shown = request.headers().get(header::AUTHORIZATION).map(|it| it.as_bytes());
    let token = shown.and_then(|shown| shown.strip_prefix(b"Bearer ")).unwrap_or_default();
    match same(token, office.token.expose().as_bytes()) {
        true => next.run(request).await,
        false => Refusal(StatusCode::UNAUTHORIZED, "the token is not the one of [control]".into())
            .into_response(),
    }
}

/// Compares in a time that tells nothing of where two texts differ.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

async fn call(
    State(office): State<Arc<Office>>,
    Path(call): Path<String>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let asked: Asked<OfCall> = read(&body)?;
    deeds::of_call(&office, &call, asked).await.map(|told| done(&told))
}

async fn room(
    State(office): State<Arc<Office>>,
    Path(room): Path<String>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let asked: Asked<OfRoom> = read(&body)?;
    deeds::of_room(&office, &room, asked).await.map(|told| done(&told))
}

async fn member(
    State(office): State<Arc<Office>>,
    Path((room, number)): Path<(String, u64)>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let asked: Asked<OfMember> = read(&body)?;
    deeds::of_member(&office, &room, number, asked).await.map(|told| done(&told))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body)
        .map_err(|error| Refusal(StatusCode::BAD_REQUEST, format!("this cannot be read: {error}")))
}

fn done(told: &str) -> Response {
    reply(&json!({ "done": told }))
}

fn reply(value: &impl Serialize) -> Response {
    let text = serde_json::to_string(value).expect("texts and numbers can be written");
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, reply(&json!({ "error": self.1 }))).into_response()
    }
}

impl From<NotThere> for Refusal {
    fn from(cause: NotThere) -> Self {
        Self(StatusCode::NOT_FOUND, cause.to_string())
    }
}

impl From<NotHeard> for Refusal {
    fn from(cause: NotHeard) -> Self {
        let status = match cause {
            NotHeard::NoSuchCall => StatusCode::NOT_FOUND,
            NotHeard::Several(_) | NotHeard::NoAgent | NotHeard::Private => StatusCode::CONFLICT,
        };
        Self(status, cause.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_the_same_or_it_is_not() {
        assert!(same(b"token", b"token"));
        for other in [&b"tokem"[..], b"toke", b"tokens", b""] {
            assert!(!same(b"token", other));
        }
    }
}
