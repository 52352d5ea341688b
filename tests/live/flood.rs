//! Many events at once: a slow consumer holds up nobody else, and the socket stays up.

use std::time::{Duration, Instant};

use ari::{Client, Config, ConnectionState, Delivery, Event, Mailbox, Method, Resource};
use serde_json::{Value, json};
use tests::asterisk::Asterisk;

use crate::{PATIENCE, unless_skipped};

/// A call that sets a variable so many times as fast as Asterisk can; each is an event.
const DIALPLAN: &str = "
[flood]
exten => hold,1,Answer()
 same => n,Wait(600)
exten => busy,1,Set(N=0)
 same => n(again),Set(N=$[${N}+1])
 same => n,GotoIf($[${N}<${LAST}]?again)
 same => n,Wait(600)
";
const CALLS: usize = 4;
const EVENTS: usize = 5_000;
/// How long the slow consumer sleeps.
const SLEEP: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_that_sleeps_delays_no_other_call_and_the_socket_survives_the_flood() {
    let asterisk = Asterisk::start_with(&[("extensions.conf", DIALPLAN)]);
    let Some(asterisk) = unless_skipped(asterisk) else { return };
    let config =
        Config::new(&asterisk.ari_url(), asterisk.username(), asterisk.password(), "flood");
    let mut config = config.expect("a good configuration");
    // Each step of the dialplan is an event, too.
    (config.mailbox_capacity, config.mailbox_bytes) = (8 * EVENTS, 64 << 20);
    let (client, _arrivals) = Client::connect(config).await.expect("Asterisk is there");
    let mut state = client.state();
    let slow = call(&client, "slow").await;
    let mut quick = Vec::new();
    for n in 0..CALLS {
        quick.push(call(&client, &format!("quick-{n}")).await);
    }
    let sleeper = tokio::spawn(async move {
        tokio::time::sleep(SLEEP).await;
        slow
    });
    assert_eq!(*state.borrow_and_update(), ConnectionState::Live);
    let began = Instant::now();
    for n in 0..CALLS {
        go_on(&client, &format!("quick-{n}")).await;
    }
    go_on(&client, "slow").await;
    // Each call has all its events, in order, while the sleeper sleeps.
    for mailbox in &mut quick {
        assert_eq!(counted(mailbox).await, (1..=EVENTS).collect::<Vec<_>>());
    }
    let took = began.elapsed();
    assert!(!sleeper.is_finished(), "the others were served only after the slow consumer");
    println!(
        "{} events in {took:?}: {:.0} a second",
        client.counters().events,
        client.counters().events as f64 / took.as_secs_f64()
    );
    // The slow one finds its own when it wakes up.
    let mut slow = sleeper.await.expect("it sleeps");
    assert_eq!(counted(&mut slow).await, (1..=EVENTS).collect::<Vec<_>>());
    assert!(!state.has_changed().expect("the client lives"), "the socket was lost");
    let counters = client.counters();
    assert_eq!((counters.lost, counters.arrivals_lost), (0, 0), "{counters:?}");
}

async fn ask(client: &Client, method: Method, path: &str, body: Value) {
    client
        .request(method, path, Some(body))
        .await
        .unwrap_or_else(|error| panic!("{path}: {error}"));
}

/// A call in the application, and the mailbox that watches it, also after it has left.
async fn call(client: &Client, id: &str) -> Mailbox {
    let mut mailbox = client.mailbox();
    mailbox.watch(Resource::Channel(id.to_owned()));
    let call = json!({
        "endpoint": "Local/hold@flood/n", "app": "flood", "variables": { "LAST": EVENTS.to_string() },
    });
    ask(client, Method::POST, &format!("channels/{id}"), call).await;
    next(&mut mailbox, |event| matches!(event, Event::StasisStart(_)).then_some(())).await;
    mailbox
}

/// Sends the call to where it sets its variable.
async fn go_on(client: &Client, id: &str) {
    let to = json!({ "context": "flood", "extension": "busy", "priority": 1 });
    ask(client, Method::POST, &format!("channels/{id}/continue"), to).await;
}

/// The values of `N` in the order of their events, until the last one.
async fn counted(mailbox: &mut Mailbox) -> Vec<usize> {
    let mut values = Vec::new();
    while values.last() != Some(&EVENTS) {
        let n = next(mailbox, |event| match event {
            Event::ChannelVarset(set) if set.variable == "N" => set.value.parse().ok(),
            _ => None,
        });
        let n: usize = n.await;
        if n > 0 {
            values.push(n);
        }
    }
    values
}

/// What the next event of interest says.
async fn next<T>(mailbox: &mut Mailbox, interest: impl Fn(&Event) -> Option<T>) -> T {
    loop {
        match tokio::time::timeout(PATIENCE, mailbox.recv()).await {
            Ok(Some(Delivery::Event(received))) => {
                if let Some(found) = interest(&received.event) {
                    return found;
                }
            }
            other => panic!("{other:?} instead of an event"),
        }
    }
}
