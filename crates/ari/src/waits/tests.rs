//! Waits against a scripted server.

use serde_json::json;

use super::*;
use crate::testing::{EventSocket, Server, about, stasis_start};

const LONG: Duration = Duration::from_secs(60);

async fn connected() -> (Server, EventSocket, Client, crate::routing::Arrivals) {
    let mut server = Server::start().await;
    let (client, arrivals) = Client::connect(server.config()).await.unwrap();
    let socket = server.socket().await;
    (server, socket, client, arrivals)
}

#[tokio::test]
async fn a_playback_ends_and_its_owner_is_told_too() {
    let (_server, mut socket, client, mut arrivals) = connected().await;
    socket.send(stasis_start("c1")).await;
    let mut caller = arrivals.recv().await.unwrap();
    let wait = client.until_played("p1", Resource::Channel("c1".into()));
    let finished = |id: &str| {
        json!({ "type": "PlaybackFinished",
            "playback": { "id": id, "target_uri": "channel:c1", "state": "done" } })
    };
    socket.send(finished("p0")).await;
    socket.send(finished("p1")).await;
    let waited = wait.within(LONG).await;
    assert!(matches!(waited, Waited::Done(event) if event.playback.id == "p1"));
    for id in ["p0", "p1"] {
        let Some(Delivery::Event(received)) = caller.mailbox.recv().await else { panic!() };
        assert!(matches!(received.event, Event::PlaybackFinished(e) if e.playback.id == id));
    }
}

#[tokio::test]
async fn a_playback_that_never_ends_ends_with_its_channel() {
    let (_server, mut socket, client, _arrivals) = connected().await;
    let wait = client.until_played("p1", Resource::Channel("c1".into()));
    socket.send(about("StasisEnd", "c1")).await;
    let waited = wait.within(LONG).await;
    assert!(
        matches!(&waited, Waited::Gone { event, origin: Origin::Live } if event.kind() == "StasisEnd"),
        "{waited:?}"
    );
}

#[tokio::test]
async fn a_channel_is_in_its_bridge_once_the_event_says_so() {
    let (_server, mut socket, client, _arrivals) = connected().await;
    let wait = client.until_in_bridge("c1", "b1");
    for bridge in ["b0", "b1"] {
        let channel = json!({ "id": "c1" });
        let event = json!({ "type": "ChannelEnteredBridge", "bridge": { "id": bridge }, "channel": channel });
        socket.send(event).await;
    }
    let waited = wait.within(LONG).await;
    assert!(matches!(waited, Waited::Done(event) if event.bridge.id == "b1"));
}

#[tokio::test]
async fn a_channel_that_rings_is_not_answered() {
    let (_server, mut socket, client, _arrivals) = connected().await;
    let (answered, entered) = (client.until_answered("c1"), client.until_in_stasis("c1"));
    let mut change = about("ChannelStateChange", "c1");
    socket.send(change.clone()).await;
    change["channel"]["state"] = json!("Up");
    socket.send(change).await;
    socket.send(stasis_start("c1")).await;
    let waited = answered.within(LONG).await;
    assert!(matches!(waited, Waited::Done(channel) if channel.state == ChannelState::Up));
    assert!(matches!(entered.within(LONG).await, Waited::Done(_)));
}

#[tokio::test]
async fn a_failed_recording_is_an_end_too() {
    let (_server, mut socket, client, _arrivals) = connected().await;
    let wait = client.until_recorded("r1", Resource::Bridge("b1".into()));
    let recording = json!({ "name": "r1", "target_uri": "bridge:b1", "state": "failed" });
    socket.send(json!({ "type": "RecordingFailed", "recording": recording })).await;
    assert!(matches!(wait.within(LONG).await, Waited::Done(Recorded::Failed(_))));
}

#[tokio::test]
async fn a_wait_ends_with_the_connection_and_with_the_client() {
    let (mut server, socket, client, _arrivals) = connected().await;
    let mut state = client.state();
    state.wait_for(|state| *state == crate::ConnectionState::Live).await.unwrap();
    let wait = client.until_in_stasis("c1");
    drop(socket);
    let waited = wait.within(LONG).await;
    assert!(matches!(waited, Waited::ConnectionLost { .. }), "{waited:?}");
    let _socket = server.socket().await;
    state.wait_for(|state| *state == crate::ConnectionState::Live).await.unwrap();
    client.close().await;
    let waited = client.until_in_stasis("c1").within(LONG).await;
    assert!(matches!(waited, Waited::Closed), "{waited:?}");
}

#[tokio::test]
async fn a_wait_has_a_deadline() {
    let (_server, _socket, client, _arrivals) = connected().await;
    let waited = client.until_in_stasis("c1").within(Duration::ZERO).await;
    assert!(matches!(waited, Waited::DeadlinePassed), "{waited:?}");
}
