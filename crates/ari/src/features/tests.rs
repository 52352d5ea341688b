use serde_json::json;

use super::*;

/// An Asterisk that tells its version and nothing else.
fn version(text: &str) -> Features {
    asterisk(text, None, None)
}

fn asterisk(text: &str, modules: Option<&[&str]>, description: Option<Description>) -> Features {
    let info = serde_json::from_value(json!({ "system": { "version": text, "entity_id": "pbx" } }));
    let modules = modules.map(|names| {
        let module = |name: &&str| json!({ "name": name, "status": "Running" });
        serde_json::from_value(names.iter().map(module).collect()).unwrap()
    });
    Features::new(info.unwrap(), modules, description)
}

fn claim() -> Description {
    let claim = json!([{ "httpMethod": "POST", "nickname": "claimChannel" }]);
    Description::read(json!({ "apis": [{ "path": "/events/claim", "operations": claim }] }))
}

#[test]
fn the_minor_release_decides_and_not_the_line() {
    let feature = Feature::RestOverWebSocket;
    for (text, has) in [
        ("18.26.4", false),
        ("20.13.0", false),
        ("20.14.0", true),
        ("20.14.0-rc1", true),
        ("certified-20.7-cert11", false),
        ("21.8.0", false),
        ("21.9.1", true),
        ("22.3.0", false),
        ("22.4.0", true),
        ("22.10.1+dfsg+~cs6.17.60671434-1", true),
        ("certified-22.8-cert3", true),
        ("23.0.0", true),
        ("24.0.0", true),
    ] {
        assert_eq!(version(text).has(feature), has, "{text}");
    }
}

#[test]
fn what_is_missing_names_the_release_to_go_to() {
    let support = |text, feature| version(text).support(feature);
    let no = |since| (Support::No { since }, Evidence::Version);
    let since = |line, minor| Some(Version::new(line, minor, 0));
    assert_eq!(support("22.9.0", Feature::MultiVariable), no(since(22, 10)));
    assert_eq!(support("20.19.0", Feature::MultiVariable), no(since(20, 20)));
    assert_eq!(support("21.12.3", Feature::MultiVariable), no(None));
    assert_eq!(support("16.30.0", Feature::FailedPlaybacks), no(None));
    let nothing = (Support::Unknown, Evidence::Nothing);
    assert_eq!(support("19.8.1", Feature::Refer), nothing);
    assert_eq!(support("GIT-22-6f5c3M", Feature::Refer), nothing);
}

#[test]
fn the_description_is_believed_before_the_version() {
    let backport = asterisk("22.9.0", None, Some(claim()));
    let yes = (Support::Yes, Evidence::Description);
    assert_eq!(backport.support(Feature::StasisBroadcast), yes);
    let repository = asterisk("GIT-22-6f5c3M", None, Some(claim()));
    assert_eq!(repository.support(Feature::StasisBroadcast), yes);
    let no = (Support::No { since: None }, Evidence::Description);
    assert_eq!(repository.support(Feature::MultiVariable), no);
    let other = (Support::Unknown, Evidence::Nothing);
    assert_eq!(repository.support(Feature::RestOverWebSocket), other, "it has no operation");
}

#[test]
fn a_feature_needs_its_module() {
    let module = "res_stasis_broadcast.so";
    let without = asterisk("22.10.1", Some(&["res_ari.so"]), Some(claim()));
    let missing = (Support::NotLoaded { module }, Evidence::Modules);
    assert_eq!(without.support(Feature::StasisBroadcast), missing);
    assert!(asterisk("22.10.1", Some(&[module]), Some(claim())).has(Feature::StasisBroadcast));
    let older = asterisk("22.5.0", Some(&[]), None).support(Feature::ChanWebSocket).0;
    let since = Some(Version::new(22, 6, 0));
    assert_eq!(older, Support::No { since }, "loading it would not help");
}

#[test]
fn bugs_switch_defaults() {
    for (text, avoided) in [
        ("22.5.0", [true, false, true, false]),
        ("22.7.0", [true, true, true, true]),
        ("22.8.2", [true, true, false, false]),
        ("20.18.0", [true, true, false, false]),
        ("22.9.0", [false, true, false, false]),
        ("22.10.1", [false, false, false, false]),
        ("23.4.1", [false, false, false, false]),
        ("24.0.0", [false, false, false, false]),
        ("21.12.3", [true, true, true, true]),
        ("GIT-master-1a2b3c", [true, true, true, true]),
    ] {
        let features = version(text);
        let asked = [
            Avoid::WebSocketMedia,
            Avoid::Fragmentation,
            Avoid::JsonMediaControl,
            Avoid::MediaPing,
        ];
        assert_eq!(asked.map(|what| features.avoid(what)), avoided, "{text}");
    }
}

#[test]
fn what_is_not_loaded_is_left_off() {
    let avoids = |modules| asterisk("22.10.1", Some(modules), None).avoid(Avoid::WebSocketMedia);
    assert!(avoids(&["res_ari.so"]));
    assert!(!avoids(&["chan_websocket.so"]));
}

#[test]
fn every_default_that_can_be_switched_is_switched_by_something() {
    let switched = |what| {
        let by_bug = KnownBug::all().iter().any(|bug| bug.avoid == Some(what));
        by_bug || what.needs().is_some()
    };
    for what in [
        Avoid::WebSocketMedia,
        Avoid::AudioSocketMedia,
        Avoid::SilentAudioSocket,
        Avoid::JsonMediaControl,
        Avoid::Fragmentation,
        Avoid::UnsolicitedPong,
        Avoid::MediaPing,
        Avoid::MediaPause,
        Avoid::MediaStartFirst,
        Avoid::PartialLastFrame,
        Avoid::MediaBacklog,
        Avoid::SlowMediaReader,
        Avoid::Slin8OverRtp,
        Avoid::MuteWhileRecording,
    ] {
        assert!(switched(what), "{what:?}");
    }
}

#[test]
fn a_bug_in_a_module_that_does_not_run_is_no_concern() {
    let ids = |modules| {
        let features = asterisk("22.10.1", modules, None);
        features.bugs().map(|bug| bug.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(Some(&["res_ari.so"])), ["external-media-crash"]);
    let loaded = ids(Some(&["chan_websocket.so"]));
    assert!(loaded.contains(&"media-websocket-tail") && !loaded.contains(&"audiosocket-silence"));
    let untold = ids(None);
    assert!(untold.contains(&"media-websocket-tail") && untold.contains(&"audiosocket-silence"));
    assert_eq!(version("GIT-22-6f5c3M").bugs().count(), 0, "nothing can be said");
}
