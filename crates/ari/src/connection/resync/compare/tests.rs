//! The comparison, case by case and over arbitrary states.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::routing::Origin;

const INSIDE: Told = Told::Inside(Origin::Live);
const PATIENCE: Duration = Duration::from_secs(10);

fn channel(id: &str) -> Resource {
    Resource::Channel(id.to_owned())
}

fn bridge(id: &str) -> Resource {
    Resource::Bridge(id.to_owned())
}

/// Who watches what, seen `age` ago.
fn ours(watched: &[(Resource, Told)], age: Duration) -> Ours {
    let since = Instant::now();
    let standing = |told: &Told| Standing { told: *told, since };
    Ours {
        app: "frontdesk".into(),
        watched: watched.iter().map(|(it, told)| (it.clone(), standing(told))).collect(),
        let_go: Vec::new(),
        held: Held::default(),
        now: since + age,
        patience: PATIENCE,
    }
}

fn running(id: &str, app_name: &str, app_data: &str) -> (String, Value) {
    let dialplan = json!({ "app_name": app_name, "app_data": app_data });
    (id.to_owned(), json!({ "id": id, "dialplan": dialplan }))
}

/// Asterisk with these channels, to which our application is subscribed.
fn theirs(channels: Vec<(String, Value)>) -> Theirs {
    Theirs {
        channel_ids: channels.iter().map(|(id, _)| id.clone()).collect(),
        channels: channels.into_iter().collect(),
        ..Theirs::default()
    }
}

fn changes(findings: &Findings) -> Vec<(&Resource, &'static str)> {
    let name = |change: &Change| match change {
        Change::Entered(_) => "entered",
        Change::Left(None) => "left, gone",
        Change::Left(Some(_)) => "left",
        Change::Gone => "gone",
    };
    findings.missed.iter().map(|missed| (&missed.resource, name(&missed.change))).collect()
}

#[test]
fn what_was_missed_of_a_channel_follows_from_what_was_told() {
    let here = || running("c1", "Stasis", "frontdesk,main");
    let elsewhere = || running("c1", "Queue", "sales");
    let ringing = || running("c1", "AppDial2", "(Outgoing Line)");
    for (told, now, expected) in [
        (INSIDE, None, Some("left, gone")),
        (INSIDE, Some(elsewhere()), Some("left")),
        (INSIDE, Some(here()), None),
        // Moved to us from another application: its own place in the dialplan still names that.
        (INSIDE, Some(running("c1", "Stasis", "other")), None),
        (INSIDE, Some(running("c1", "", "")), None),
        (Told::Exists, None, Some("gone")),
        (Told::Exists, Some(ringing()), None),
        (Told::Exists, Some(here()), Some("entered")),
        (Told::Nothing, Some(here()), Some("entered")),
        (Told::Nothing, Some(ringing()), None),
        (Told::Ended(Origin::Live), None, None),
        (Told::Ended(Origin::Resync), Some(elsewhere()), None),
        (Told::Ended(Origin::Live), Some(here()), Some("entered")),
    ] {
        let label = format!("{told:?} {now:?}");
        let ours = ours(&[(channel("c1"), told)], Duration::ZERO);
        let findings = compare(&ours, &theirs(now.into_iter().collect()));
        let found: Vec<_> = changes(&findings).into_iter().map(|(_, change)| change).collect();
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{label}");
        assert!(findings.arrivals.is_empty() && findings.sweep.is_empty(), "{label}");
    }
}

#[test]
fn a_channel_that_lost_its_subscription_has_left() {
    let ours = ours(&[(channel("c1"), INSIDE)], Duration::ZERO);
    let mut theirs = theirs(vec![running("c1", "Stasis", "another")]);
    theirs.channel_ids.clear();
    assert_eq!(changes(&compare(&ours, &theirs)), [(&channel("c1"), "left")]);
}

#[test]
fn what_is_not_there_yet_may_still_come() {
    let watched = [(channel("c1"), Told::Nothing), (bridge("b1"), Told::Nothing)];
    let young = compare(&ours(&watched, PATIENCE / 2), &Theirs::default());
    assert!(young.missed.is_empty() && young.look_again.is_some());
    let old = compare(&ours(&watched, PATIENCE), &Theirs::default());
    assert_eq!(changes(&old), [(&channel("c1"), "gone"), (&bridge("b1"), "gone")]);
    assert_eq!(old.look_again, None);
}

#[test]
fn events_that_wait_are_left_to_tell_it() {
    let watched = [
        (channel("left"), INSIDE),
        (channel("entered"), Told::Exists),
        (bridge("gone"), Told::Exists),
    ];
    let mut ours = ours(&watched, Duration::ZERO);
    ours.held.ends.extend(["left".to_owned(), "leaving".to_owned()]);
    ours.held.starts.extend(["entered".to_owned(), "new".to_owned()]);
    ours.held.bridge_ends.insert("gone".to_owned());
    let theirs =
        theirs(["entered", "new", "leaving"].map(|id| running(id, "Stasis", "frontdesk")).to_vec());
    let findings = compare(&ours, &theirs);
    assert_eq!(findings, Findings::default());
}

#[test]
fn only_channels_of_our_application_arrive() {
    let mut theirs = theirs(vec![
        running("ours", "Stasis", "frontdesk,main"),
        // We subscribed to these, and they are somebody else's.
        running("subscribed", "Queue", "sales"),
        running("others", "Stasis", "frontdesk2"),
    ]);
    let (id, unsubscribed) = running("unsubscribed", "Stasis", "frontdesk");
    theirs.channels.insert(id, unsubscribed);
    let findings = compare(&ours(&[], Duration::ZERO), &theirs);
    let arrived: Vec<_> = findings.arrivals.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(arrived, ["ours"]);
    assert!(findings.sweep.is_empty());
}

#[test]
fn what_nobody_watches_of_ours_is_swept() {
    let [watched, ringing, foreign] = ["agent", "agent", "agent"].map(ids::unique);
    let [empty, busy, unknown, kept] = ["b", "b", "b", "b"].map(ids::unique);
    let mut ours =
        ours(&[(channel(&watched), INSIDE), (bridge(&kept), Told::Exists)], Duration::ZERO);
    ours.let_go = vec![empty.clone(), "destroyed".to_owned()];
    let mut theirs = theirs(vec![
        running(&watched, "Stasis", "frontdesk"),
        running(&ringing, "AppDial2", "(Outgoing Line)"),
    ]);
    let (id, other_clients) = running(&foreign, "Stasis", "frontdesk2");
    theirs.channels.insert(id, other_clients);
    theirs.bridges.extend([&empty, &busy, &unknown, &kept].map(String::clone));
    theirs.bridges.insert("theirs".to_owned());
    theirs.bridge_ids.extend([busy.clone(), kept, "theirs".to_owned()]);
    let findings = compare(&ours, &theirs);
    let swept: HashSet<_> = findings.sweep.into_iter().collect();
    assert_eq!(swept, HashSet::from([channel(&ringing), bridge(&empty), bridge(&busy)]));
    assert!(findings.missed.is_empty() && findings.arrivals.is_empty());
}

/// Any state of one id, on both sides.
#[derive(Clone, Debug)]
struct Case {
    watched: Option<Told>,
    /// Application and its arguments, if the channel exists.
    place: Option<(&'static str, &'static str)>,
    subscribed: bool,
    of_ours: bool,
    start_held: bool,
    end_held: bool,
}

prop_compose! {
    fn case()(
        watched in proptest::option::of(proptest::sample::select(vec![
            Told::Nothing, Told::Exists, INSIDE, Told::Inside(Origin::Resync),
            Told::Ended(Origin::Live), Told::Ended(Origin::Resync),
        ])),
        place in proptest::option::of(proptest::sample::select(vec![
            ("Stasis", "frontdesk"), ("Stasis", "frontdesk,x"), ("Stasis", "other"),
            ("Queue", "sales"), ("AppDial2", "(Outgoing Line)"), ("", ""),
        ])),
        subscribed: bool, of_ours: bool, start_held: bool, end_held: bool,
    ) -> Case {
        Case { watched, place, subscribed, of_ours, start_held, end_held }
    }
}

/// What the mailbox of a channel knows once a finding has been told.
fn after(told: Told, change: Option<&Change>) -> Told {
    match change {
        None => told,
        Some(Change::Entered(_)) => Told::Inside(Origin::Resync),
        Some(Change::Left(_) | Change::Gone) => Told::Ended(Origin::Resync),
    }
}

proptest! {
    #[test]
    fn every_channel_is_looked_after_and_nobody_elses_is_touched(
        cases in proptest::collection::vec(case(), 0..12),
    ) {
        let named: Vec<(String, Case)> = cases
            .into_iter()
            .enumerate()
            .map(|(n, case)| {
                (if case.of_ours { ids::unique("leg") } else { format!("1795.{n}") }, case)
            })
            .collect();
        let watched: Vec<_> = named
            .iter()
            .filter_map(|(id, case)| Some((channel(id), case.watched?)))
            .collect();
        let mut ours = ours(&watched, 2 * PATIENCE);
        let mut theirs = Theirs::default();
        for (id, case) in &named {
            if let Some((app, data)) = case.place {
                let (id, channel) = running(id, app, data);
                theirs.channels.insert(id, channel);
            }
            if case.subscribed {
                theirs.channel_ids.insert(id.clone());
            }
            if case.start_held {
                ours.held.starts.insert(id.clone());
            }
            if case.end_held {
                ours.held.ends.insert(id.clone());
            }
        }
        let findings = compare(&ours, &theirs);
        prop_assert_eq!(findings.look_again, None);
        for (id, case) in &named {
            let resource = channel(id);
            let told: Vec<_> =
                findings.missed.iter().filter(|missed| missed.resource == resource).collect();
            let arrives = findings.arrivals.iter().any(|(found, _)| found == id);
            let swept = findings.sweep.contains(&resource);
            let inside = case.subscribed
                && matches!(case.place, Some(("Stasis", "frontdesk" | "frontdesk,x")));
            // At most one thing follows, and nothing of what waiting events tell.
            prop_assert!(told.len() + usize::from(arrives) + usize::from(swept) <= 1);
            prop_assert!(!case.end_held || told.is_empty() && !arrives && !swept);
            prop_assert!(!case.start_held || told.is_empty() && !arrives);
            // Whoever is not subscribed to by our application is left alone.
            prop_assert!(case.subscribed || !arrives && !swept);
            prop_assert!(!swept || case.of_ours);
            prop_assert!(!arrives || !case.of_ours && inside);
            let Some(before) = case.watched else {
                prop_assert!(told.is_empty());
                let quiet = !case.start_held && !case.end_held;
                prop_assert!(!(inside && quiet) || arrives || swept);
                continue;
            };
            prop_assert!(!arrives && !swept);
            if case.start_held || case.end_held {
                continue;
            }
            let knows = after(before, told.first().map(|missed| &missed.change));
            if case.place.is_none() {
                prop_assert!(matches!(knows, Told::Ended(_)));
            } else if inside {
                prop_assert!(matches!(knows, Told::Inside(_)));
            }
        }
    }

    /// Told once what the comparison found, it finds nothing more.
    #[test]
    fn a_second_comparison_finds_nothing(case in case()) {
        let Some(told) = case.watched else { return Ok(()) };
        let mut now = theirs(
            case.place.map(|(app, data)| running("c1", app, data)).into_iter().collect(),
        );
        if !case.subscribed {
            now.channel_ids.clear();
        }
        let first = compare(&ours(&[(channel("c1"), told)], 2 * PATIENCE), &now);
        let told = after(told, first.missed.first().map(|missed| &missed.change));
        let second = compare(&ours(&[(channel("c1"), told)], 2 * PATIENCE), &now);
        prop_assert!(second.missed.is_empty(), "{:?} then {:?}", first, second);
    }
}
