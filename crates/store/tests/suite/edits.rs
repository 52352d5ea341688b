//! Flows and numbers: who changes what, and what never changes.

use std::collections::BTreeSet;

use store::{AuditFilter, EditError, Source, Store};

use crate::ground::{Ground, by, number};
use crate::on_both;

on_both! {
    publishing_moves_a_pointer_and_a_rollback_moves_it_back,
    a_draft_is_published_as_it_was_seen,
    nobody_saves_over_what_they_have_not_seen,
    many_publish_at_once_and_each_has_a_version,
    what_was_published_stays,
    numbers_are_changed_with_an_audit,
}

fn text(text: &str) -> Source {
    Source::Text(text.to_owned())
}

async fn publishing_moves_a_pointer_and_a_rollback_moves_it_back(ground: Ground) {
    let store = ground.store().await;
    assert_eq!(store.published("desk").await.unwrap(), None);
    assert_eq!(store.point("desk", 1, &by("tom")).await, Err(EditError::NoFlow("desk".to_owned())));
    let first = store.publish("desk", text("one"), &by("maria")).await.unwrap();
    assert_eq!((first.version, first.previous), (1, None));
    let second = store.publish("desk", text("two"), &by("tom")).await.unwrap();
    assert_eq!((second.version, second.previous), (2, Some(1)));
    let now = store.published("desk").await.unwrap().unwrap();
    assert_eq!((now.version, now.text.as_str(), now.author.as_str()), (2, "two", "tom"));
    assert_eq!(now.reason, "tom has a reason");

    let back = store.point("desk", 1, &by("maria")).await.unwrap();
    assert_eq!((back.version, back.previous), (1, Some(2)));
    assert_eq!(store.published("desk").await.unwrap().unwrap().text, "one");
    assert_eq!(store.version("desk", 2).await.unwrap().unwrap().text, "two");
    assert_eq!(store.version("desk", 3).await.unwrap(), None);
    let no_such = EditError::NoVersion { flow: "desk".to_owned(), version: 3 };
    assert_eq!(store.point("desk", 3, &by("tom")).await, Err(no_such));
    // The next version is new, whatever is published.
    store.publish("desk", text("three"), &by("tom")).await.unwrap();

    let history = store.history("desk").await.unwrap();
    let moves: Vec<_> =
        history.iter().map(|p| (p.version, p.previous, p.author.as_str())).collect();
    let expected =
        [(3, Some(1), "tom"), (1, Some(2), "maria"), (2, Some(1), "tom"), (1, None, "maria")];
    assert_eq!(moves, expected);
    assert_eq!(history[3], first);
    let versions = store.versions("desk").await.unwrap();
    assert_eq!(versions.iter().map(|v| v.version).collect::<Vec<_>>(), [3, 2, 1]);

    let filter = AuditFilter { subject: Some("desk".to_owned()), ..AuditFilter::default() };
    let audit = store.audit(&filter, 10).await.unwrap();
    let rows: Vec<_> = audit
        .iter()
        .map(|row| (row.audit.what.as_str(), row.audit.who.as_str(), row.audit.after.clone()))
        .map(|(what, who, after)| (what, who, after.unwrap().to_string()))
        .collect();
    assert_eq!(rows[0], ("flow.publish", "tom", "3".to_owned()));
    assert_eq!(rows.len(), 4);
}

async fn a_draft_is_published_as_it_was_seen(ground: Ground) {
    let store = ground.store().await;
    let by_maria = by("maria");
    let nothing = store.publish("desk", Source::Draft { edit: 1 }, &by_maria).await;
    assert_eq!(nothing, Err(EditError::NoDraft("desk".to_owned())));
    let draft = store.save_draft("desk", "checked", "maria", None).await.unwrap();
    let listed = &store.flows().await.unwrap()[0];
    assert_eq!((listed.draft, listed.published, listed.newest), (Some(draft.edit), None, None));
    let later = store.save_draft("desk", "unchecked", "tom", Some(draft.edit)).await.unwrap();
    let seen = Source::Draft { edit: draft.edit };
    let changed = store.publish("desk", seen, &by_maria).await.unwrap_err();
    let by_tom =
        EditError::Changed { flow: "desk".to_owned(), edit: later.edit, author: "tom".to_owned() };
    assert_eq!(changed, by_tom);
    assert_eq!(store.published("desk").await.unwrap(), None);

    store.publish("desk", Source::Draft { edit: later.edit }, &by_maria).await.unwrap();
    assert_eq!(store.published("desk").await.unwrap().unwrap().text, "unchecked");
    assert_eq!(store.draft("desk").await.unwrap(), None);
    let listed = &store.flows().await.unwrap()[0];
    assert_eq!((listed.draft, listed.published, listed.newest), (None, Some(1), Some(1)));
    // The number of an edit never comes again.
    let next = store.save_draft("desk", "next", "maria", None).await.unwrap();
    assert!(next.edit > later.edit);
}

async fn nobody_saves_over_what_they_have_not_seen(ground: Ground) {
    let store = ground.store().await;
    let first = store.save_draft("desk", "one", "maria", None).await.unwrap();
    for seen in [None, Some(first.edit + 1), Some(0)] {
        let error = store.save_draft("desk", "mine", "tom", seen).await.unwrap_err();
        assert!(error.to_string().contains("changed meanwhile, by maria\nmend: "), "{error}");
    }
    assert_eq!(store.draft("desk").await.unwrap(), Some(first.clone()));
    assert!(store.discard_draft("desk", first.edit + 1).await.is_err());
    store.discard_draft("desk", first.edit).await.unwrap();
    assert_eq!(store.draft("desk").await.unwrap(), None);
    let gone = store.save_draft("desk", "mine", "tom", Some(first.edit)).await;
    assert_eq!(gone, Err(EditError::NoDraft("desk".to_owned())));

    // Of many who have seen the same, one saves.
    let saves = (0..8).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { store.save_draft("desk", &n.to_string(), "many", None).await })
    });
    let mut saved = 0;
    for save in saves.collect::<Vec<_>>() {
        saved += u32::from(save.await.unwrap().is_ok());
    }
    assert_eq!(saved, 1);
}

async fn many_publish_at_once_and_each_has_a_version(ground: Ground) {
    let stores = [ground.store().await, ground.store().await];
    let publish = |store: Store, n: usize| {
        tokio::spawn(async move { store.publish("desk", text(&n.to_string()), &by("many")).await })
    };
    let published: Vec<_> = (0..12).map(|n| publish(stores[n % 2].clone(), n)).collect();
    let mut versions = BTreeSet::new();
    for (n, publication) in published.into_iter().enumerate() {
        let version = publication.await.unwrap().unwrap().version;
        assert!(versions.insert(version), "version {version} comes twice");
        let text = stores[0].version("desk", version).await.unwrap().unwrap().text;
        assert_eq!(text, n.to_string());
    }
    assert_eq!(versions, (1..=12).collect());
    // The history is a chain: each move begins where the one before had ended.
    let history = stores[1].history("desk").await.unwrap();
    for pair in history.windows(2) {
        assert_eq!(pair[0].previous, Some(pair[1].version));
    }
}

async fn what_was_published_stays(ground: Ground) {
    let store = ground.store().await;
    store.publish("desk", text("one"), &by("maria")).await.unwrap();
    for statement in [
        "UPDATE flow_versions SET text = 'other'",
        "DELETE FROM flow_versions",
        "UPDATE flow_publications SET author = 'nobody'",
        "DELETE FROM flow_publications",
        "UPDATE audit SET who = 'nobody'",
        "DELETE FROM audit",
    ] {
        let error = ground.by_hand(statement, statement).await.unwrap_err();
        let said = ["append-only", "immutable", "never changed"];
        assert!(said.iter().any(|word| error.contains(word)), "{statement}: {error}");
    }
    assert_eq!(store.published("desk").await.unwrap().unwrap().text, "one");
}

async fn numbers_are_changed_with_an_audit(ground: Ground) {
    let store = ground.store().await;
    let desk = number("555*", "desk");
    let unknown = store.set_number(&desk, &by("maria")).await;
    assert_eq!(unknown, Err(EditError::NoFlow("desk".to_owned())));
    store.save_draft("desk", "one", "maria", None).await.unwrap();
    store.publish("night", text("two"), &by("maria")).await.unwrap();
    store.set_number(&desk, &by("maria")).await.unwrap();
    store.set_number(&number("*", "night"), &by("maria")).await.unwrap();
    let mut night = number("555*", "night");
    night.language = None;
    store.set_number(&night, &by("tom")).await.unwrap();
    assert_eq!(store.numbers().await.unwrap(), [number("*", "night"), night.clone()]);
    assert!(store.remove_number(&night.pattern, &by("tom")).await.unwrap());
    assert!(!store.remove_number(&night.pattern, &by("tom")).await.unwrap());
    assert_eq!(store.numbers().await.unwrap(), [number("*", "night")]);

    let filter = AuditFilter { subject: Some("555*".to_owned()), ..AuditFilter::default() };
    let audit = store.audit(&filter, 10).await.unwrap();
    let what: Vec<_> =
        audit.iter().map(|row| (row.audit.who.as_str(), row.audit.what.as_str())).collect();
    assert_eq!(what, [("tom", "number.remove"), ("tom", "number.set"), ("maria", "number.set")]);
    let changed = &audit[1].audit;
    let flow = |json: &Option<store::Json>| {
        let value: serde_json::Value =
            serde_json::from_str(json.as_ref().unwrap().as_str()).unwrap();
        value["flow"].as_str().unwrap().to_owned()
    };
    assert_eq!((flow(&changed.before), flow(&changed.after)), ("desk".into(), "night".into()));
    assert_eq!(audit[2].audit.before, None);
    let reason = |row: &store::AuditRow| {
        let after = row.audit.after.as_ref().unwrap().as_str();
        serde_json::from_str::<serde_json::Value>(after).unwrap()["reason"].clone()
    };
    assert_eq!(reason(&audit[0]), "tom has a reason");
    assert_eq!(reason(&audit[2]), "maria has a reason");
    assert!(!audit[0].audit.after.as_ref().unwrap().as_str().contains("pattern"));
}
