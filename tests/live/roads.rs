//! Both directions and both roads: sockets that Asterisk opens, requests over the event socket, TLS either way.

use std::time::{Duration, Instant};

use ari::{
    AcceptConfig, Acceptor, AddChannel, Arrivals, Client, Clients, Config, ConnectError,
    CreateBridge, Delivery, Event, Hangup, Identity, Listener, Mailbox, Originate, Reason,
    Resource, Road, ServerTls,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tests::asterisk::{Asterisk, USERNAME};
use tokio::time::timeout;

use crate::{PATIENCE, unless_skipped};

/// The dialplan of these scenarios: a line that enters the application, and somebody who answers.
const DIALPLAN: &str = "
[roads]
exten => desk,1,Stasis(desk)
 same => n,Hangup()
exten => somebody,1,Answer()
 same => n,Wait(60)
";

const MODULES: &str = "\nload = res_clioriginate.so\n";

/// What Asterisk says to us when it opens a socket.
const OURS: (&str, &str) = ("from-asterisk", "a secret of its own");

/// An Asterisk with lines added to its configuration; `None` where there can be none, with the reason printed.
fn asterisk(added: &[(&str, &str)]) -> Option<Asterisk> {
    let mut all = vec![("extensions.conf", DIALPLAN), ("modules.conf", MODULES)];
    all.extend_from_slice(added);
    unless_skipped(Asterisk::start_with(&all))
}

/// A caller who enters the application and stays.
fn call(asterisk: &Asterisk) {
    let said = asterisk.cli("channel originate Local/desk@roads application Wait 60");
    said.expect("Asterisk takes commands");
}

fn config(asterisk: &Asterisk, road: Road) -> Config {
    let url = asterisk.ari_url();
    let mut config = Config::new(&url, USERNAME, asterisk.password(), "desk").expect("it is right");
    config.road = road;
    config
}

async fn soon<T>(what: &str, wait: impl Future<Output = T>) -> T {
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("{what} did not come"))
}

async fn until(mailbox: &mut Mailbox, what: &str, enough: impl Fn(&Event) -> bool) {
    soon(what, async {
        loop {
            match mailbox.recv().await.unwrap_or_else(|| panic!("no {what} before the end")) {
                Delivery::Event(received) if enough(&received.event) => return,
                _ => {}
            }
        }
    })
    .await;
}

/// Answers a caller, calls somebody into the same application, joins the two, and hangs up.
async fn serve(client: &Client, arrivals: &mut Arrivals) {
    let mut caller = soon("the caller", arrivals.recv()).await.expect("the client lives");
    let caller_id = caller.start.channel.id.clone();
    client.channels().answer(&caller_id).await.expect("answered");

    let (agent, bridge) = (ari::ids::unique("agent"), ari::ids::unique("bridge"));
    let mut agent_box = client.mailbox();
    agent_box.watch(Resource::Channel(agent.clone()));
    let app = client.config().app();
    let originate = Originate::to_app("Local/somebody@roads", app);
    client.channels().originate(&agent, &originate).await.expect("originated");
    until(&mut agent_box, "the agent", |event| matches!(event, Event::StasisStart(_))).await;

    client.bridges().create(&bridge, &CreateBridge::default()).await.expect("created");
    for channel in [&caller_id, &agent] {
        client.bridges().add_channel(&bridge, &AddChannel::one(channel)).await.expect("added");
    }
    until(&mut caller.mailbox, "the join", |event| matches!(event, Event::ChannelEnteredBridge(_)))
        .await;
    client.channels().hangup(&agent, Hangup::default()).await.expect("hung up");
    client.channels().hangup(&caller_id, Hangup::default()).await.expect("hung up");
    until(&mut caller.mailbox, "the end", |event| matches!(event, Event::StasisEnd(_))).await;
    client.bridges().destroy(&bridge).await.expect("destroyed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_served_over_http_and_over_the_socket_alike() {
    let Some(asterisk) = asterisk(&[]) else { return };
    for road in [Road::Http, Road::Socket, Road::ByClass] {
        let (client, mut arrivals) =
            Client::connect(config(&asterisk, road)).await.expect("connected");
        call(&asterisk);
        serve(&client, &mut arrivals).await;
        client.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_roads_give_the_same_answers_and_this_is_what_they_cost() {
    let Some(asterisk) = asterisk(&[]) else { return };
    let mut answers = Vec::new();
    for road in [Road::Http, Road::Socket] {
        let (client, mut arrivals) =
            Client::connect(config(&asterisk, road)).await.expect("connected");
        let channels = client.channels();
        call(&asterisk);
        let caller = soon("the caller", arrivals.recv()).await.expect("the client lives");
        let id = &caller.start.channel.id;
        channels.answer(id).await.expect("answered");
        channels.set_channel_var(id, "ROAD", "a+b & c=ü").await.expect("set");
        answers.push((
            channels.get_channel_var(id, "ROAD").await,
            channels.get("no+such/channel").await.map(drop).map_err(|error| error.reason()),
            client.bridges().get("none").await.map(drop).map_err(|error| error.reason()),
            client.asterisk().get_info().await.map(|info| info.system.map(|system| system.version)),
        ));
        let mut timings = Timings::new(road);
        for _ in 0..200 {
            timings.time("list channels", channels.list()).await;
            timings.time("ring", channels.ring(id)).await;
            timings.time("ringStop", channels.ring_stop(id)).await;
            timings.time("getChannelVar", channels.get_channel_var(id, "ROAD")).await;
            timings.time("setChannelVar", channels.set_channel_var(id, "ROAD", "2")).await;
        }
        timings.print();
        channels.hangup(id, Hangup::default()).await.expect("hung up");
        client.close().await;
    }
    let [http, socket] = &answers[..] else { unreachable!() };
    assert_eq!(http, socket);
    assert_eq!(http.0.as_deref(), Ok("a+b & c=ü"));
    assert_eq!(http.1, Err(Some(Reason::Gone)));
}

/// How long operations took on one road.
struct Timings {
    road: Road,
    taken: Vec<(&'static str, Vec<Duration>)>,
}

impl Timings {
    fn new(road: Road) -> Self {
        Self { road, taken: Vec::new() }
    }

    async fn time<T>(
        &mut self,
        name: &'static str,
        operation: impl Future<Output = Result<T, ari::RequestError>>,
    ) {
        let start = Instant::now();
        operation.await.unwrap_or_else(|error| panic!("{error}"));
        let taken = start.elapsed();
        match self.taken.iter_mut().find(|(known, _)| *known == name) {
            Some((_, all)) => all.push(taken),
            None => self.taken.push((name, vec![taken])),
        }
    }

    fn print(&mut self) {
        for (name, all) in &mut self.taken {
            all.sort_unstable();
            let (half, most) = (all[all.len() / 2], all[all.len() * 99 / 100]);
            println!("{:?} {name}: p50 {half:?}, p99 {most:?}", self.road);
        }
    }
}

/// A root of this test's own, and a certificate for loopback that it signed, as PEM.
struct Certificates {
    root: String,
    certificate: String,
    key: String,
}

impl Certificates {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("it has no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Asterisk takes a certificate that bears its issuer's name for one that signed itself.
        params.distinguished_name.push(DnType::CommonName, "root of a scenario");
        let root_key = KeyPair::generate().expect("ring makes keys");
        let root = CertifiedIssuer::self_signed(params, root_key).expect("signed");
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let key = KeyPair::generate().expect("ring makes keys");
        let params = CertificateParams::new(names).expect("they are names");
        let certificate = params.signed_by(&key, &root).expect("signed");
        Self { root: root.pem(), certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

/// A folder of one scenario's files, gone when it is dropped.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("roads-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("writable");
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> std::path::PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("writable");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_events_go_over_tls_to_a_certificate_of_a_private_root() {
    let (folder, signed) = (Folder::new("inbound"), Certificates::new());
    let root = folder.file("root.pem", &signed.root);
    // A port that the system gives; nobody else on this machine asks for the same one so soon.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = free.local_addr().expect("it is bound");
    drop(free);
    let http = format!(
        "\ntlsenable = yes\ntlsbindaddr = {address}\ntlscertfile = /rig/etc/asterisk.pem\n\
         tlsprivatekey = /rig/etc/asterisk.key\n"
    );
    let added = [
        ("http.conf", http.as_str()),
        ("asterisk.pem", &signed.certificate),
        ("asterisk.key", &signed.key),
    ];
    let Some(asterisk) = asterisk(&added) else { return };
    let url = format!("https://localhost:{}/ari", address.port());
    let mut config = Config::new(&url, USERNAME, asterisk.password(), "desk").expect("it is right");

    let unknown = Client::connect(config.clone()).await.map(drop).expect_err("nobody knows it");
    println!("without the root: {unknown}");
    assert!(matches!(unknown, ConnectError::Tls { .. } | ConnectError::TlsFiles(_)), "{unknown:?}");

    config.tls.root = Some(root);
    for road in [Road::Http, Road::Socket] {
        config.road = road;
        let (client, mut arrivals) = Client::connect(config.clone()).await.expect("connected");
        call(&asterisk);
        serve(&client, &mut arrivals).await;
        client.close().await;
    }
}

/// Configuration by which Asterisk opens sockets to us.
struct Outbound {
    ari: String,
    websocket_client: String,
}

impl Outbound {
    fn new(kind: &str, listener: &Listener, scheme: &str, more: &str) -> Self {
        let (username, password) = OURS;
        let ari = format!(
            "\n[desk-socket]\ntype = outbound_websocket\nwebsocket_client_id = to-us\napps = desk\n\
             local_ari_user = {USERNAME}\n"
        );
        let port = listener.local_addr().port();
        let websocket_client = format!(
            "[to-us]\ntype = websocket_client\nconnection_type = {kind}\n\
             uri = {scheme}://localhost:{port}/events\nprotocols = ari\n\
             username = {username}\npassword = {password}\n{more}"
        );
        Self { ari, websocket_client }
    }

    fn added(&self) -> Vec<(&str, &str)> {
        vec![("ari.conf", &self.ari), ("websocket_client.conf", &self.websocket_client)]
    }
}

fn accept_config() -> AcceptConfig {
    AcceptConfig::new("/events", OURS.0, OURS.1).expect("it is right")
}

async fn listening(tls: Option<&ServerTls>) -> (Clients, Listener) {
    let (acceptor, clients) = Acceptor::new(accept_config()).expect("it is right");
    let listener = acceptor.listen("127.0.0.1:0", tls).await.expect("listening");
    (clients, listener)
}

#[tokio::test(flavor = "multi_thread")]
async fn asterisk_opens_a_persistent_socket_and_keeps_what_happens_while_it_is_down() {
    let (mut clients, listener) = listening(None).await;
    let outbound = Outbound::new("persistent", &listener, "ws", "");
    let Some(asterisk) = asterisk(&outbound.added()) else { return };
    let (client, mut arrivals) = soon("the client", clients.next()).await.expect("listening");
    assert_eq!(client.config().app(), "desk");
    for _ in 0..2 {
        call(&asterisk);
        serve(&client, &mut arrivals).await;
    }

    // Nobody listens while the next caller comes: he waits in the application, and is served after it.
    let port = listener.local_addr().port();
    drop(listener);
    client.close().await;
    drop((client, arrivals));
    // What Asterisk writes into a socket whose end it has not noticed is lost.
    let noticed = crate::poll(PATIENCE, || asterisk.log(), |log| log.contains("Reconnecting"));
    assert!(noticed.contains("Websocket disconnected"), "{noticed}");
    call(&asterisk);
    let waiting = crate::poll(PATIENCE, || asterisk.log(), |log| log.contains("StasisStart"));
    assert!(waiting.contains("Queued"), "{waiting}");
    let (acceptor, mut clients) = Acceptor::new(accept_config()).expect("it is right");
    let _listener = acceptor.listen(("127.0.0.1", port), None).await.expect("listening");
    let (client, mut arrivals) = soon("the client", clients.next()).await.expect("listening");
    serve(&client, &mut arrivals).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asterisk_opens_a_socket_for_each_call_over_tls() {
    let (folder, signed) = (Folder::new("outbound"), Certificates::new());
    let tls = ServerTls {
        identity: Identity {
            certificate: folder.file("ours.pem", &signed.certificate),
            key: folder.file("ours.key", &signed.key),
        },
        clients: None,
    };
    let (mut clients, listener) = listening(Some(&tls)).await;
    let trust = "tls_enabled = yes\nca_list_file = /rig/etc/root.pem\n";
    let outbound = Outbound::new("per_call_config", &listener, "wss", trust);
    let mut added = outbound.added();
    added.push(("root.pem", &signed.root));
    let Some(asterisk) = asterisk(&added) else { return };
    for _ in 0..2 {
        call(&asterisk);
        let (client, mut arrivals) = soon("the client", clients.next()).await.expect("listening");
        let app = client.config().app().to_owned();
        println!("the call's own application: {app}");
        assert!(app.starts_with("desk:Local/desk@roads-"), "{app}");
        serve(&client, &mut arrivals).await;
        // Asterisk closes the socket some seconds after the call's end, and the client ends with it.
        assert!(soon("the end", arrivals.recv()).await.is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_asterisk_with_a_wrong_password_stays_outside() {
    let (mut clients, listener) = listening(None).await;
    let mut outbound = Outbound::new("persistent", &listener, "ws", "");
    outbound.websocket_client = outbound.websocket_client.replace(OURS.1, "another secret");
    let Some(asterisk) = asterisk(&outbound.added()) else { return };
    let log = crate::poll(PATIENCE, || asterisk.log(), |log| log.contains("Unauthorized"));
    assert!(log.contains("Unauthorized"), "{log}");
    drop(listener);
    assert!(soon("the end", clients.next()).await.is_none(), "nobody came in");
}
