//! What Asterisk is: its version and how safe that is, what it cannot do, which known bugs it has, and who else uses it.

use ari::features::{
    self, BELOW_FLOOR, Feature, Features, Fixed, GO_TO, Standing, Support, Version,
};
use ari::{Application, Client};

use super::{Finding, failure, note, refused, warning, well};

/// The oldest release line that Patchcord is made for.
const OLDEST: u16 = 20;

/// What calls need of Asterisk.
const MODULES: &[&str] = &[
    "res_ari.so",
    "res_ari_channels.so",
    "res_ari_bridges.so",
    "res_ari_events.so",
    "res_stasis.so",
    "res_stasis_answer.so",
    "res_rtp_asterisk.so",
    "app_stasis.so",
    "chan_rtp.so",
    "codec_ulaw.so",
    "bridge_softmix.so",
    "bridge_simple.so",
];

/// What Patchcord does better with than without.
const WELCOME: &[Feature] = &[
    Feature::DuplicateBridgeIdRefused,
    Feature::RestOverWebSocket,
    Feature::OutboundWebSockets,
    Feature::TechCause,
    Feature::ChanWebSocketJson,
    Feature::MultiVariable,
];

/// `app` is the application that `serve` takes.
pub(super) async fn look(client: &Client, app: &str, findings: &mut Vec<Finding>) {
    let features = match features::detect(client).await {
        Ok(features) => features,
        Err(error) => {
            findings.push(refused("version", &error));
            return;
        }
    };
    findings.push(version(&features));
    findings.extend(identity(&features));
    findings.push(modules(&features));
    findings.extend(missing(&features));
    findings.extend(bugs(&features));
    findings.push(match client.applications().list().await {
        Ok(applications) => others(&applications, app, client.config().app()),
        Err(error) => refused("applications", &error),
    });
}

fn version(features: &Features) -> Finding {
    let text = features.version_text();
    let Ok(version) = features.version() else {
        return warning(
            "version",
            format!("Asterisk calls its version \"{text}\", which is no release"),
            "run a release: which bugs and features a build from the repository has, nobody can say",
        );
    };
    let safe = Version::floor(GO_TO).map_or_else(|| GO_TO.to_string(), |floor| floor.to_string());
    if version.line < OLDEST {
        return failure(
            "version",
            format!("Asterisk {text} is older than {OLDEST}"),
            &format!("install Asterisk {safe} (long-term support) or later"),
        );
    }
    match version.standing() {
        Standing::Sound => well("version", format!("Asterisk {text}")),
        Standing::BelowFloor { floor } => warning(
            "version",
            format!("Asterisk {text} is below {floor}: {BELOW_FLOOR}"),
            &format!("upgrade to {floor} or later"),
        ),
        Standing::EndOfLife => warning(
            "version",
            format!("Asterisk {text}: nobody mends line {} any more", version.line),
            &format!("install Asterisk {safe} (long-term support) or later"),
        ),
        Standing::Untold => note(
            "version",
            format!("Asterisk {text} is younger than this doctor, who knows no bugs of it"),
            "",
        ),
    }
}

/// Asterisk takes a network card's address for its name if it is given none.
fn identity(features: &Features) -> Option<Finding> {
    let id = &features.info().system.as_ref()?.entity_id;
    is_mac(id).then(|| {
        note(
            "identity",
            format!("Asterisk calls itself {id}, as if by a network card: two in containers may share it"),
            "set entityid in asterisk.conf to a name of its own",
        )
    })
}

fn is_mac(id: &str) -> bool {
    let pairs: Vec<&str> = id.split(':').collect();
    let hex = |pair: &&str| pair.len() == 2 && pair.chars().all(|c| c.is_ascii_hexdigit());
    pairs.len() == 6 && pairs.iter().all(hex)
}

fn modules(features: &Features) -> Finding {
    if features.modules().is_none() {
        let mend = "let this user read asterisk/modules";
        return warning("modules", "Asterisk does not tell which modules run".to_owned(), mend);
    }
    let missing: Vec<&str> =
        MODULES.iter().filter(|name| features.runs(name) == Some(false)).copied().collect();
    if missing.is_empty() {
        return well("modules", format!("all {} that calls need are running", MODULES.len()));
    }
    failure(
        "modules",
        format!("not running: {}", missing.join(", ")),
        "load them (autoload = yes in modules.conf, or: asterisk -rx \"module load NAME\")",
    )
}

fn missing(features: &Features) -> impl Iterator<Item = Finding> {
    WELCOME.iter().filter_map(|feature| {
        let lacks = |mend: String| note("feature", format!("it lacks {}", feature.what()), &mend);
        match features.support(*feature).0 {
            Support::Yes | Support::Unknown => None,
            Support::No { since: Some(since) } => Some(lacks(format!("Asterisk {since} has it"))),
            Support::No { since: None } => {
                Some(lacks(format!("Asterisk {GO_TO} has it; this line never will")))
            }
            Support::NotLoaded { module } => Some(lacks(format!("load {module} if you want it"))),
        }
    })
}

fn bugs(features: &Features) -> impl Iterator<Item = Finding> {
    let version = features.version().ok();
    features.bugs().filter_map(move |bug| {
        let fixed = match bug.fixed(version?)? {
            Fixed::In(version) => format!("Asterisk {version} mends it"),
            Fixed::NotYet => "no release of this line mends it yet".to_owned(),
        };
        let says = match bug.issue {
            0 => bug.effect.to_owned(),
            issue => format!("{} (issue {issue})", bug.effect),
        };
        let way_round = if bug.avoid.is_some() { "; Patchcord keeps clear of it" } else { "" };
        Some(note("known bug", says, &format!("{fixed}{way_round}")))
    })
}

/// Who else has applications here, and whether `app` hides events from the client that serves it.
fn others(applications: &[Application], app: &str, doctor: &str) -> Finding {
    let hides = |known: &&Application| {
        known.name == app
            && !(known.events_allowed.is_empty() && known.events_disallowed.is_empty())
    };
    if applications.iter().any(|known| hides(&known)) {
        return warning(
            "applications",
            format!("an event filter is set on {app}, which may hide what Patchcord needs"),
            &format!("patchcord ari PUT applications/{app}/eventFilter filter:='{{}}'"),
        );
    }
    let served = match applications.iter().any(|known| known.name == app) {
        true => format!("{app} is being served"),
        false => format!("nobody serves {app} now"),
    };
    let beside: Vec<&str> = applications
        .iter()
        .map(|known| known.name.as_str())
        .filter(|name| ![app, doctor].contains(name))
        .collect();
    well(
        "applications",
        if beside.is_empty() {
            served
        } else {
            format!("{served}; beside it: {}", beside.join(", "))
        },
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::State;
    use super::*;

    fn asterisk(version: &str, modules: &[&str]) -> Features {
        let module = |name: &&str| json!({ "name": name, "status": "Running" });
        let modules: Value = modules.iter().map(module).collect();
        let info = json!({ "system": { "version": version, "entity_id": "02:42:ac:11:00:02" } });
        let read = "a reply of Asterisk's shape";
        Features::new(
            serde_json::from_value(info).expect(read),
            Some(serde_json::from_value(modules).expect(read)),
            None,
        )
    }

    #[test]
    fn versions_are_judged_by_the_floor_of_their_line() {
        for (text, state, says) in [
            ("22.10.1+dfsg-1", State::Well, "Asterisk 22.10.1+dfsg-1"),
            ("22.9.0", State::Warning, "22.9.0 is below 22.10.1: a read-only ARI user"),
            ("20.15.0", State::Warning, "20.15.0 is below 20.20.1"),
            ("21.12.3", State::Warning, "nobody mends line 21"),
            ("18.26.4", State::Failure, "older than 20"),
            ("GIT-master-1a2b", State::Warning, "no release"),
            ("24.1.0", State::Note, "younger than this doctor"),
        ] {
            let finding = version(&asterisk(text, &[]));
            assert_eq!(finding.state, state, "{text}: {}", finding.says);
            assert!(finding.says.contains(says), "{text}: {}", finding.says);
        }
    }

    #[test]
    fn a_card_s_address_is_no_name() {
        assert!(identity(&asterisk("22.10.1", &[])).is_some());
        for id in ["pbx-1", "", "02:42:ac:11:00", "02:42:ac:11:00:0g", "2:42:ac:11:00:020"] {
            assert!(!is_mac(id), "{id}");
        }
    }

    #[test]
    fn bugs_and_what_is_missing_name_the_release_that_has_better() {
        let old = asterisk("22.2.0", &["chan_websocket.so"]);
        let lacks: Vec<Finding> = missing(&old).collect();
        assert!(
            lacks.iter().any(|finding| finding.mend == "Asterisk 22.4.0 has it"),
            "no release is named"
        );
        let found: Vec<Finding> = bugs(&asterisk("22.9.0", &["chan_websocket.so"])).collect();
        let deadlock = found.iter().find(|finding| finding.says.contains("issue 1928"));
        assert_eq!(
            deadlock.map(|finding| finding.mend.as_str()),
            Some("Asterisk 22.10.0 mends it")
        );
        assert!(found.iter().all(|finding| finding.state == State::Note));
    }

    #[test]
    fn a_filter_on_our_application_is_told() {
        let application = |name: &str, allowed: Value| -> Application {
            let text = json!({ "name": name, "events_allowed": allowed });
            serde_json::from_value(text).expect("a reply of Asterisk's shape")
        };
        let free =
            [application("patchcord", json!([])), application("other", json!([{"type": "Dial"}]))];
        let finding = others(&free, "patchcord", "doctor");
        assert_eq!(
            (finding.state, finding.says.as_str()),
            (State::Well, "patchcord is being served; beside it: other")
        );
        let filtered = [application("patchcord", json!([{"type": "Dial"}]))];
        assert_eq!(others(&filtered, "patchcord", "doctor").state, State::Warning);
        assert_eq!(others(&[], "patchcord", "doctor").says, "nobody serves patchcord now");
    }
}
