//! ARI over HTTP: reads a request, lets the switch answer it, writes the reply.

use crate::{
    Operation,
    fault::Manner,
    leg::LegSocket,
    operation::route,
    params::Params,
    reply::{Refusal, Reply},
    shared::{Credentials, Shared},
    socket::events,
    switch::{MediaAddress, Request as SwitchRequest},
};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::Response,
    routing::any,
};
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use std::{net::SocketAddr, sync::Arc};
use tokio::{
    net::{TcpListener, TcpStream, lookup_host},
    time::sleep,
};

/// The longest body that Asterisk reads (bytes).
const MAX_BODY: usize = 40 * 1024;

/// Accepts connections until the PBX stops, and lets go of all of them then.
pub(crate) async fn accept(shared: Arc<Shared>, listener: TcpListener) {
    let router =
        Router::new().route("/ari/events", any(events)).fallback(rest).with_state(shared.clone());
    let stopped = shared.stopped();
    tokio::pin!(stopped);
    loop {
        let stream = tokio::select! {
            () = &mut stopped => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    continue;
                }
            },
        };
        tokio::spawn(connection(shared.clone(), router.clone(), stream));
    }
}

async fn connection(shared: Arc<Shared>, router: Router, stream: TcpStream) {
    let _open = shared.connections.count_one();
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection stays with Nagle's algorithm");
    }
    let service = TowerToHyperService::new(router);
    let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        () = shared.stopped() => {}
        result = served.with_upgrades() => if let Err(error) = result {
            tracing::debug!(%error, "a connection ended badly");
        },
    }
}

/// Every operation of REST.
async fn rest(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    match answer(&shared, request).await {
        Ok(reply) => write(&reply),
        Err(Rejection::Unauthorised) => unauthorised(),
        Err(Rejection::Refused(refusal)) => refuse(refusal),
    }
}

enum Rejection {
    Unauthorised,
    Refused(Refusal),
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Rejection {
        Rejection::Refused(refusal)
    }
}

async fn answer(shared: &Arc<Shared>, request: Request) -> Result<Reply, Rejection> {
    let (parts, body) = request.into_parts();
    let body =
        to_bytes(body, MAX_BODY).await.map_err(|_| Refusal::new(413, "Request body too large"))?;
    let content_type = parts.headers.get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let query = parts.uri.query().unwrap_or_default();
    let path = parts.uri.path().strip_prefix("/ari/");
    let path = path.ok_or(Refusal::new(404, "The requested URL was not found on this server."))?;
    let params = Params::new(query, content_type, &body)?;
    if !authorised(&shared.credentials, &parts.headers, &params) {
        return Err(Rejection::Unauthorised);
    }
    let route = route(parts.method.as_str(), path)?;
    let operation = route.operation;
    let manner = shared.with(|core, _| Manner::of(operation, core.switch.faults()));
    sleep(manner.delay).await;
    if let Some(status) = manner.fail {
        return Err(Refusal::new(status, reason(status)).into());
    }
    let offered = match operation {
        Operation::ExternalMedia => offer_media(shared, &params).await,
        _ => None,
    };
    let (socket, media) = offered.unzip();
    let request = SwitchRequest { operation, ids: route.ids, params, media };
    let reply = shared.with(|core, now| {
        core.offered = socket;
        core.switch.request(now, &request, manner.hold_events)
    });
    // Had the request been refused, its port would still be open.
    shared.with(|core, _| drop(core.offered.take()));
    sleep(manner.hold_reply).await;
    Ok(reply)
}

/// Opens a port towards the host that the request names, before the switch looks at the request,
/// because the reply tells the port.
async fn offer_media(shared: &Shared, params: &Params) -> Option<(LegSocket, MediaAddress)> {
    let remote: SocketAddr = lookup_host(params.text("external_host")?).await.ok()?.next()?;
    let socket = LegSocket::bind(shared, shared.ip).await.ok()?;
    let media = MediaAddress { local: socket.local_addr().ok()?, remote };
    Some((socket, media))
}

/// Basic authentication, or `api_key=user:password` in the query.
pub(crate) fn authorised(credentials: &Credentials, headers: &HeaderMap, params: &Params) -> bool {
    let Credentials { username, password } = credentials;
    let key = format!("{username}:{password}");
    if params.text("api_key") == Some(&key) {
        return true;
    }
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some((scheme, token)) = given.and_then(|given| given.split_once(' ')) else {
        return false;
    };
    scheme.eq_ignore_ascii_case("basic") && token.trim() == base64(key.as_bytes())
}

pub(crate) fn unauthorised() -> Response {
    let mut response = refuse(Refusal::new(401, "Authentication required"));
    let challenge = header::HeaderValue::from_static("Basic realm=\"Asterisk REST Interface\"");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}

pub(crate) fn refuse(refusal: Refusal) -> Response {
    write(&Reply::from(refusal))
}

fn write(reply: &Reply) -> Response {
    let body = reply.body.as_ref().map(ToString::to_string);
    let mut response = Response::new(body.map_or_else(Body::empty, Body::from));
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// A refusal's words when only its status is known.
fn reason(status: u16) -> &'static str {
    let status = StatusCode::from_u16(status).ok();
    status.and_then(|status| status.canonical_reason()).unwrap_or("Internal Server Error")
}

/// Base64 with padding (RFC 4648 section 4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or_default());
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let symbol = ALPHABET[(group >> (18 - 6 * i) & 63) as usize];
            text.push(if i <= chunk.len() { char::from(symbol) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        let cases =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")];
        for (plain, coded) in cases {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
