//! Holds the operations to the inventory: every method is called against a server that notes what it is sent.

#![allow(clippy::print_stdout, reason = "what is covered is printed")]

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::inventory::{self, Operation as Row, Place, sample};
use crate::models::ConfigTuple;
use crate::testing::{Exchange, Server};
use crate::{Client, ConnectionState};

/// Parameters that a method leaves out on purpose.
const LEFT_OUT: &[(&str, &str)] = &[
    // Whoever chooses an id has the method that is named after doing so.
    ("bridges.create", "bridgeId"),
    ("bridges.play", "playbackId"),
    ("channels.originate", "channelId"),
    ("channels.play", "playbackId"),
    ("channels.snoopChannel", "snoopId"),
    // A listener to everything is no client of calls.
    ("events.eventWebsocket", "subscribeAll"),
];

type Call = Box<dyn Fn(Client) -> Outcome>;
type Outcome = Pin<Box<dyn Future<Output = Result<(), RequestError>> + Send>>;

/// Calls of methods, by the operation that each is. Ids are the names of the parameters that they are, and the calls
/// of one operation together give every parameter that it has.
macro_rules! calls {
    ($client:ident; $( $operation:literal => $call:expr, )*) => {
        vec![$((
            $operation,
            Box::new(move |$client: Client| {
                Box::pin(async move { $call.await.map(drop) }) as Outcome
            }) as Call,
        )),*]
    };
}

fn calls() -> Vec<(&'static str, Call)> {
    [applications(), asterisk(), bridges(), channels(), others()].into_iter().flatten().collect()
}

fn applications() -> Vec<(&'static str, Call)> {
    let sources = ["channel:c1", "bridge:"];
    calls! { client;
        "applications.list" => client.applications().list(),
        "applications.get" => client.applications().get("applicationName"),
        "applications.subscribe" => client.applications().subscribe("applicationName", &sources),
        "applications.unsubscribe" =>
            client.applications().unsubscribe("applicationName", &sources),
        "applications.filter" => client.applications().filter("applicationName", &EventFilter {
            allowed: Some(vec!["StasisStart".into()]),
            disallowed: Some(Vec::new()),
        }),
    }
}

fn asterisk() -> Vec<(&'static str, Call)> {
    let object = ConfigObject { config_class: "configClass", object_type: "objectType", id: "id" };
    calls! { client;
        "asterisk.getInfo" => client.asterisk().get_info_only(&[InfoPart::Build, InfoPart::System]),
        "asterisk.listModules" => client.asterisk().list_modules(),
        "asterisk.getModule" => client.asterisk().get_module("moduleName"),
        "asterisk.loadModule" => client.asterisk().load_module("moduleName"),
        "asterisk.unloadModule" => client.asterisk().unload_module("moduleName"),
        "asterisk.reloadModule" => client.asterisk().reload_module("moduleName"),
        "asterisk.listLogChannels" => client.asterisk().list_log_channels(),
        "asterisk.addLog" => client.asterisk().add_log("logChannelName", "notice,warning"),
        "asterisk.deleteLog" => client.asterisk().delete_log("logChannelName"),
        "asterisk.rotateLog" => client.asterisk().rotate_log("logChannelName"),
        "asterisk.getObject" => client.asterisk().get_object(object),
        "asterisk.updateObject" =>
            client.asterisk().update_object(object, &[ConfigTuple::new("context", "desk")]),
        "asterisk.deleteObject" => client.asterisk().delete_object(object),
        "asterisk.getGlobalVar" => client.asterisk().get_global_var("V"),
        "asterisk.setGlobalVar" => client.asterisk().set_global_var("V", "1"),
    }
}

fn bridges() -> Vec<(&'static str, Call)> {
    let create = || CreateBridge {
        features: vec![BridgeFeature::DtmfEvents],
        name: Some("desk".into()),
        variables: variables(),
        ..CreateBridge::default()
    };
    let play = || BridgePlay { play: play(), announcer_format: Some("slin16".into()) };
    let record = || BridgeRecord { record: record(), recorder_format: Some("slin16".into()) };
    let add = || AddChannel {
        role: Some(ChannelRole::Participant),
        absorb_dtmf: true,
        mute: true,
        inhibit_connected_line_updates: true,
        ..AddChannel::one("c1")
    };
    calls! { client;
        "bridges.list" => client.bridges().list(),
        "bridges.create" => client.bridges().create_without_id(&create()),
        "bridges.createWithId" => client.bridges().create("bridgeId", &create()),
        "bridges.get" => client.bridges().get("bridgeId"),
        "bridges.destroy" => client.bridges().destroy("bridgeId"),
        "bridges.getBridgeVar" => client.bridges().get_bridge_var("bridgeId", "V"),
        "bridges.setBridgeVar" => client.bridges().set_bridge_var("bridgeId", "V", reported()),
        "bridges.getBridgeVars" => client.bridges().get_bridge_vars("bridgeId", &["V", "W"]),
        "bridges.setBridgeVars" => client.bridges().set_bridge_vars("bridgeId", &variables()),
        "bridges.addChannel" => client.bridges().add_channel("bridgeId", &add()),
        "bridges.removeChannel" => client.bridges().remove_channel("bridgeId", &["c1", "c2"]),
        "bridges.setVideoSource" => client.bridges().set_video_source("bridgeId", "channelId"),
        "bridges.clearVideoSource" => client.bridges().clear_video_source("bridgeId"),
        "bridges.startMoh" => client.bridges().start_moh("bridgeId", Some("desk")),
        "bridges.stopMoh" => client.bridges().stop_moh("bridgeId"),
        "bridges.play" => client.bridges().play_without_id("bridgeId", &play()),
        "bridges.playWithId" => client.bridges().play("bridgeId", "playbackId", &play()),
        "bridges.record" => client.bridges().record("bridgeId", &record()),
    }
}

fn channels() -> Vec<(&'static str, Call)> {
    let originate = |to| Originate {
        to,
        caller_id: Some("100".into()),
        timeout: Some(Duration::from_secs(20)),
        originator: Some("c1".into()),
        formats: vec!["ulaw".into()],
        other_channel_id: Some("c2".into()),
        variables: variables(),
        ..Originate::to_app("PJSIP/helpdesk", "")
    };
    let to_app = || OriginateTo::App { app: "frontdesk".into(), app_args: Some("main".into()) };
    let to_priority = || OriginateTo::Dialplan {
        context: Some("desk".into()),
        extension: "100".into(),
        priority: Some(2),
    };
    let to_label =
        || OriginateTo::Label { context: None, extension: "100".into(), label: "busy".into() };
    let create = || CreateChannel {
        endpoint: "PJSIP/helpdesk".into(),
        app: "frontdesk".into(),
        app_args: Some("main".into()),
        originator: Some("c1".into()),
        formats: vec!["ulaw".into()],
        other_channel_id: Some("c2".into()),
        variables: variables(),
    };
    let dial = || DialChannel { caller: Some("c1".into()), timeout: Some(Duration::from_secs(9)) };
    let place = || Continue {
        context: Some("desk".into()),
        extension: Some("100".into()),
        priority: Some(2),
        label: Some("busy".into()),
    };
    let dtmf = || Dtmf {
        digits: "12#".into(),
        before: Some(Duration::ZERO),
        between: Some(Duration::ZERO),
        duration: Some(Duration::ZERO),
        after: Some(Duration::ZERO),
    };
    let media = || ExternalMedia {
        transport: MediaTransport::WebSocketServer,
        direction: MediaDirection::Both,
        transport_data: Some("f(json)".into()),
        app_args: Some("main".into()),
        variables: variables(),
        ..ExternalMedia::rtp_ulaw("frontdesk", "")
    };
    let snoop = || Snoop {
        spy: SnoopDirection::Both,
        whisper: SnoopDirection::Out,
        app: "frontdesk".into(),
        app_args: Some("main".into()),
    };
    let app = || Move { app: "queue".into(), app_args: Some("main".into()) };
    calls! { client;
        "channels.list" => client.channels().list(),
        "channels.originate" => client.channels().originate_without_id(&originate(to_app())),
        "channels.originate" => client.channels().originate_without_id(&originate(to_priority())),
        "channels.originate" => client.channels().originate_without_id(&originate(to_label())),
        "channels.originateWithId" => client.channels().originate("channelId", &originate(to_app())),
        "channels.originateWithId" =>
            client.channels().originate("channelId", &originate(to_priority())),
        "channels.originateWithId" =>
            client.channels().originate("channelId", &originate(to_label())),
        "channels.create" => client.channels().create("channelId", &create()),
        "channels.get" => client.channels().get("channelId"),
        "channels.hangup" => client.channels().hangup("channelId", Hangup::default()),
        "channels.hangup" => client.channels().hangup("channelId", Hangup::Cause(17)),
        "channels.continueInDialplan" =>
            client.channels().continue_in_dialplan("channelId", &place()),
        "channels.move" => client.channels().move_to("channelId", &app()),
        "channels.redirect" => client.channels().redirect("channelId", "PJSIP/sales"),
        "channels.answer" => client.channels().answer("channelId"),
        "channels.ring" => client.channels().ring("channelId"),
        "channels.ringStop" => client.channels().ring_stop("channelId"),
        "channels.progress" => client.channels().progress("channelId"),
        "channels.sendDTMF" => client.channels().send_dtmf("channelId", &dtmf()),
        "channels.mute" => client.channels().mute("channelId", MuteDirection::In),
        "channels.unmute" => client.channels().unmute("channelId", MuteDirection::Out),
        "channels.hold" => client.channels().hold("channelId"),
        "channels.unhold" => client.channels().unhold("channelId"),
        "channels.startMoh" => client.channels().start_moh("channelId", Some("desk")),
        "channels.stopMoh" => client.channels().stop_moh("channelId"),
        "channels.startSilence" => client.channels().start_silence("channelId"),
        "channels.stopSilence" => client.channels().stop_silence("channelId"),
        "channels.play" => client.channels().play_without_id("channelId", &play()),
        "channels.playWithId" => client.channels().play("channelId", "playbackId", &play()),
        "channels.record" => client.channels().record("channelId", &record()),
        "channels.getChannelVar" => client.channels().get_channel_var("channelId", "V"),
        "channels.setChannelVar" => client.channels().set_channel_var("channelId", "V", reported()),
        "channels.getChannelVars" => client.channels().get_channel_vars("channelId", &["V", "W"]),
        "channels.setChannelVars" => client.channels().set_channel_vars("channelId", &variables()),
        "channels.snoopChannel" => client.channels().snoop_channel_without_id("channelId", &snoop()),
        "channels.snoopChannelWithId" =>
            client.channels().snoop_channel("channelId", "snoopId", &snoop()),
        "channels.dial" => client.channels().dial("channelId", &dial()),
        "channels.rtpstatistics" => client.channels().rtpstatistics("channelId"),
        "channels.externalMedia" => client.channels().external_media("channelId", &media()),
        "channels.transfer_progress" =>
            client.channels().transfer_progress("channelId", TransferProgress::ChannelAnswered),
    }
}

fn others() -> Vec<(&'static str, Call)> {
    let message = || SendMessage {
        from: "pjsip:desk".into(),
        body: "hello".into(),
        variables: BTreeMap::from([("X-Desk".into(), "1".into())]),
    };
    let refer = || Refer {
        from: "pjsip:desk".into(),
        refer_to: "pjsip:sales".into(),
        via: ReferVia::Asterisk,
        variables: BTreeMap::from([("X-Desk".into(), "1".into())]),
    };
    let event = || UserEvent {
        application: "frontdesk".into(),
        sources: vec!["channel:c1".into()],
        variables: serde_json::Map::from_iter([("key".to_owned(), json!("value"))]),
    };
    calls! { client;
        "deviceStates.list" => client.device_states().list(),
        "deviceStates.get" => client.device_states().get("deviceName"),
        "deviceStates.update" => client.device_states().update("deviceName", SetDeviceState::InUse),
        "deviceStates.delete" => client.device_states().delete("deviceName"),
        "endpoints.list" => client.endpoints().list(),
        "endpoints.sendMessage" => client.endpoints().send_message("pjsip:alice", &message()),
        "endpoints.refer" => client.endpoints().refer("pjsip:alice", &refer()),
        "endpoints.listByTech" => client.endpoints().list_by_tech("tech"),
        "endpoints.get" => client.endpoints().get("tech", "resource"),
        "endpoints.sendMessageToEndpoint" =>
            client.endpoints().send_message_to_endpoint("tech", "resource", &message()),
        "endpoints.referToEndpoint" =>
            client.endpoints().refer_to_endpoint("tech", "resource", &refer()),
        "events.userEvent" => client.events().user_event("eventName", &event()),
        "events.claimChannel" => client.events().claim_channel("channelId", "frontdesk"),
        "mailboxes.list" => client.mailboxes().list(),
        "mailboxes.get" => client.mailboxes().get("mailboxName"),
        "mailboxes.update" => client.mailboxes().update("mailboxName", 1, 2),
        "mailboxes.delete" => client.mailboxes().delete("mailboxName"),
        "playbacks.get" => client.playbacks().get("playbackId"),
        "playbacks.stop" => client.playbacks().stop("playbackId"),
        "playbacks.control" => client.playbacks().control("playbackId", PlaybackControl::Reverse),
        "recordings.listStored" => client.recordings().list_stored(),
        "recordings.getStored" => client.recordings().get_stored("recordingName"),
        "recordings.deleteStored" => client.recordings().delete_stored("recordingName"),
        "recordings.getStoredFile" => client.recordings().get_stored_file("recordingName"),
        "recordings.copyStored" => client.recordings().copy_stored("recordingName", "copy"),
        "recordings.getLive" => client.recordings().get_live("recordingName"),
        "recordings.cancel" => client.recordings().cancel("recordingName"),
        "recordings.stop" => client.recordings().stop("recordingName"),
        "recordings.pause" => client.recordings().pause("recordingName"),
        "recordings.unpause" => client.recordings().unpause("recordingName"),
        "recordings.mute" => client.recordings().mute("recordingName"),
        "recordings.unmute" => client.recordings().unmute("recordingName"),
        "sounds.list" => client.sounds().list(Some("en"), Some("gsm")),
        "sounds.get" => client.sounds().get("soundId"),
    }
}

fn reported() -> VariableValue {
    VariableValue { value: "1".into(), report: Report::InEvents }
}

fn variables() -> SetVariables {
    SetVariables::from([("V".into(), "1".into()), ("W".into(), reported())])
}

fn play() -> Play {
    let time = Some(Duration::from_millis(20));
    Play { lang: Some("en".into()), offset: time, skip: time, ..Play::one("sound:hello-world") }
}

fn record() -> Record {
    Record {
        max_duration: Some(Duration::from_secs(60)),
        max_silence: Some(Duration::from_secs(5)),
        start: Beep::Beep,
        ..Record::new("r1", "wav")
    }
}

#[tokio::test]
async fn every_operation_is_sent_as_asterisk_describes_it() {
    let mut server = Server::start().await;
    let (client, _arrivals) = Client::connect(server.config()).await.unwrap();
    let socket = server.socket().await;
    let mut sent: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    note_socket(&socket.uri, &mut sent);
    let mut state = client.state();
    state.wait_for(|state| *state == ConnectionState::Live).await.unwrap();
    for resource in ["channels", "bridges"] {
        server.asks(&format!("GET /ari/{resource}"));
    }
    // The test server answers these itself.
    client.asterisk().ping().await.unwrap();
    sent.insert("asterisk.ping".into(), BTreeSet::new());

    for (name, call) in calls() {
        let row = row(name);
        let accepted = tokio::spawn(call(client.clone()));
        let exchange = server.exchange().await;
        let parameters = judged(row, &exchange);
        sent.entry(name.to_owned()).or_default().extend(parameters);
        exchange.reply(if row.reply == "void" { 204 } else { 200 }, reply(row));
        accepted.await.unwrap().unwrap_or_else(|error| panic!("{name}: {error}"));

        let refused = tokio::spawn(call(client.clone()));
        server.exchange().await.reply(418, json!({ "message": "for its name" }));
        let error = refused.await.unwrap().unwrap_err();
        assert_eq!(error.operation().split(' ').next(), Some(row.name), "{name}");
    }

    for row in inventory::operations() {
        let name = format!("{}.{}", row.resource, row.name);
        let described: BTreeSet<_> = parameters(row).map(|p| p.field.name.to_owned()).collect();
        let sent = sent.get(&name).unwrap_or_else(|| panic!("{name} has no method"));
        assert_eq!(*sent, described, "{name}");
    }
    println!("{} of 109 operations", sent.len());
    assert_eq!((sent.len(), inventory::operations().len()), (109, 109));
}

/// The event socket is an operation, too, and opened by whoever connects.
fn note_socket(uri: &str, sent: &mut BTreeMap<String, BTreeSet<String>>) {
    let (path, query) = uri.split_once('?').unwrap();
    assert_eq!(path, format!("/ari{}", row("events.eventWebsocket").path));
    sent.insert("events.eventWebsocket".into(), names(query).collect());
}

fn row(name: &str) -> &'static Row {
    let row =
        inventory::operations().iter().find(|row| name == format!("{}.{}", row.resource, row.name));
    row.unwrap_or_else(|| panic!("{name} is not in the inventory"))
}

/// What an operation is described to take besides what stands in its path, less what is left out on purpose.
fn parameters(row: &Row) -> impl Iterator<Item = &inventory::Parameter> {
    row.parameters.iter().filter(|parameter| {
        let name = format!("{}.{}", row.resource, row.name);
        parameter.place != Place::Path && !LEFT_OUT.contains(&(&*name, parameter.field.name))
    })
}

/// The names of the parameters that were sent, once method, path and their types are found to be right.
fn judged(row: &Row, exchange: &Exchange) -> Vec<String> {
    let (path, query) = exchange.path.split_once('?').unwrap_or((&exchange.path, ""));
    let expected = format!("/ari{}", row.path.replace(['{', '}'], ""));
    assert_eq!((exchange.method.as_str(), path), (row.method, &*expected), "{}", row.name);
    if row.name == "filter" {
        // The body as a whole is the parameter. The client lets replies over the event socket pass.
        assert_eq!(
            exchange.body,
            json!({
                "allowed": [{ "type": "StasisStart" }, { "type": "RESTResponse" }],
                "disallowed": [],
            })
        );
        return vec!["filter".into()];
    }
    for parameter in parameters(row) {
        match exchange.body.get(parameter.field.name) {
            Some(value) => well_typed(parameter, value),
            None if query.is_empty() => {
                assert!(!parameter.field.required, "{} lacks {}", row.name, parameter.field.name)
            }
            None => {}
        }
    }
    let in_body = exchange.body.as_object().into_iter().flatten().map(|(name, _)| name.clone());
    names(query).chain(in_body).collect()
}

/// Asterisk passes over a value of another type without a word.
fn well_typed(parameter: &inventory::Parameter, value: &Value) {
    let field = &parameter.field;
    let fits = match field.kind {
        "string" if parameter.several => value.is_array(),
        "string" => {
            value.as_str().is_some_and(|word| field.words.is_empty() || field.words.contains(&word))
        }
        "int" | "long" => value.is_i64(),
        "boolean" => value.is_boolean(),
        "containers" => value.is_object() || field.name == "fields" && value.is_array(),
        other => panic!("{other} is no type of a parameter"),
    };
    assert!(fits, "{} is sent as {value}", field.name);
}

fn names(query: &str) -> impl Iterator<Item = String> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split('=').next().unwrap().to_owned())
}

/// A whole reply of the kind that is described.
fn reply(row: &Row) -> Value {
    match row.reply {
        "void" => Value::Null,
        "binary" => json!("content"),
        kind => sample::value(kind, "", &[]),
    }
}
