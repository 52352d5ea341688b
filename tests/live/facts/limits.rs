//! Where Asterisk's patience with connections ends.

use super::Probe;
use super::media::{MODULES, Media};

const SESSIONS: usize = 10;

/// Said of 22.10. Before 22.8 a media socket is said to count for as long as its call; no such release can be had here.
#[tokio::test]
async fn inbound_media_sockets_do_not_count_against_the_session_limit_and_event_sockets_do() {
    let limit = format!("sessionlimit = {SESSIONS}\n");
    let Some(probe) = Probe::start_with(&[MODULES, ("http.conf", &limit)]) else { return };
    let mut sockets = vec![probe.events("app=facts").await];
    let mut media = Vec::new();
    for n in 0..SESSIONS + 2 {
        media.push(Media::open(&probe, &format!("media-{n}")).await);
    }
    while let Ok(socket) = probe.try_events(&format!("app=more-{}", sockets.len())).await {
        sockets.push(socket);
        assert!(sockets.len() <= SESSIONS, "event sockets do not count");
    }
    // The connection of a request that is over counts for a moment longer.
    println!("{} event sockets beside {} media sockets", sockets.len(), media.len());
    assert!(sockets.len() >= SESSIONS - 2, "{} event sockets only", sockets.len());
}
