//! The WebSocket of an application: `GET /ari/events`.

use crate::{
    http::{authorised, refuse, unauthorised},
    params::Params,
    reply::Refusal,
    shared::{Counted, Shared},
    switch::SocketId,
};
use axum::{
    extract::{
        FromRequestParts, Request, State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    response::Response,
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

/// What a WebSocket is told to do.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// Send an event, no earlier than at this moment; nothing behind it overtakes it.
    Event { not_before: Instant, text: String },
    /// Close with a handshake.
    Close,
    /// Fall silent, with the connection open.
    Silence,
}

/// Upgrades to the WebSocket on which the events of `app` are sent.
pub(crate) async fn events(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default();
    let params = match Params::new(query, "", b"") {
        Ok(params) => params,
        Err(refusal) => return refuse(refusal),
    };
    if !authorised(&shared.credentials, &parts.headers, &params) {
        return unauthorised();
    }
    if parts.method != axum::http::Method::GET {
        return refuse(Refusal::new(405, "Invalid method"));
    }
    let apps = params.list("app");
    if apps.is_empty() {
        return refuse(Refusal::new(400, "HTTP request is missing param: [app]"));
    }
    let subscribes_all = matches!(params.text("subscribeAll"), Some("true" | "yes" | "1" | "on"));
    match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => {
            let task = shared.tasks.count_one();
            let upgrade = upgrade.protocols(["ari"]);
            upgrade.on_upgrade(move |socket| serve(shared, socket, apps, subscribes_all, task))
        }
        Err(_) => refuse(Refusal::new(426, "Upgrade to a WebSocket required")),
    }
}

async fn serve(
    shared: Arc<Shared>,
    mut socket: WebSocket,
    apps: Vec<String>,
    subscribes_all: bool,
    _task: Counted,
) {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let id = SocketId(NEXT.fetch_add(1, Ordering::Relaxed));
    let _open = shared.sockets.count_one();
    let (sender, events) = mpsc::unbounded_channel();
    shared.with(|core, now| {
        core.sockets.insert(id, sender);
        core.switch.attach(now, id, &apps, subscribes_all);
    });
    tokio::select! {
        () = shared.stopped() => {}
        () = carry(&mut socket, events) => {}
    }
    shared.with(|core, now| {
        core.sockets.remove(&id);
        core.switch.detach(now, id);
    });
}

/// Sends events until either side closes. What the client says is read, for its pings, and ignored.
async fn carry(socket: &mut WebSocket, mut events: mpsc::UnboundedReceiver<Outgoing>) {
    let mut next: Option<(Instant, String)> = None;
    loop {
        let due = next.as_ref().map(|(not_before, _)| *not_before);
        tokio::select! {
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                let Some((_, text)) = next.take() else { continue };
                if socket.send(Message::Text(text.into())).await.is_err() {
                    return;
                }
            }
            event = events.recv(), if due.is_none() => match event {
                Some(Outgoing::Event { not_before, text }) => next = Some((not_before, text)),
                Some(Outgoing::Close) => {
                    // A client that is gone needs no goodbye.
                    let _ = socket.send(Message::Close(None)).await;
                    return;
                }
                Some(Outgoing::Silence) => return std::future::pending().await,
                None => return,
            },
            message = socket.recv() => match message {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
        }
    }
}
