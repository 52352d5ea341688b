//! How a database is opened, and what is said when it is not.

use std::os::unix::fs::PermissionsExt as _;

use store::{EditError, Location, Store, StoreError, Writer};

use crate::folder::Folder;
use crate::ground::{Ground, batch, by, call, in_time, until};
use crate::on_both;
use crate::postgres::{PASSWORD, Postgres};

on_both! {
    tables_are_made_once_and_by_one_of_many,
    a_newer_database_is_refused,
    what_is_down_says_so_and_is_used_again_when_it_is_up,
}

async fn tables_are_made_once_and_by_one_of_many(ground: Ground) {
    let opens = (0..8).map(|_| {
        let location = ground.location();
        tokio::spawn(async move { Store::open(&location).await })
    });
    for open in opens.collect::<Vec<_>>() {
        open.await.unwrap().unwrap();
    }
    let store = ground.store().await;
    store.write(batch([call("1", 0).into()])).await.unwrap();
    assert!(ground.store().await.call("1").await.unwrap().is_some());
}

async fn a_newer_database_is_refused(ground: Ground) {
    drop(ground.store().await);
    let newer =
        |at| format!("INSERT INTO patchcord_migrations VALUES (99, 'from the future', {at})");
    ground.by_hand(&newer("0"), &newer("now()")).await.unwrap();
    let error = Store::open(&ground.location()).await.unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, known: 1, .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("version 99") && text.contains("mend: run the newer program"), "{text}");
    assert!(!text.contains(PASSWORD), "{text}");
}

async fn what_is_down_says_so_and_is_used_again_when_it_is_up(mut ground: Ground) {
    let store = ground.store().await;
    store.publish("desk", store::Source::Text("one".into()), &by("maria")).await.unwrap();
    ground.take_away();
    let error = store.point("desk", 1, &by("tom")).await.unwrap_err();
    let away =
        matches!(error, EditError::Store(StoreError::Busy { .. } | StoreError::Unreachable { .. }));
    assert!(away, "{error}");
    let text = error.to_string();
    assert!(text.contains("mend: ") && !text.contains(PASSWORD), "{text}");
    ground.bring_back();
    store.point("desk", 1, &by("tom")).await.unwrap();
    assert_eq!(store.history("desk").await.unwrap().len(), 2, "what failed was not done");
}

#[tokio::test]
async fn an_sqlite_file_is_for_its_owner_alone() {
    let folder = Folder::new("owner");
    let file = folder.path().join("a.db");
    let store = Store::open(&Location::sqlite(&file)).await.unwrap();
    store.write(batch([call("1", 0).into()])).await.unwrap();
    for name in ["a.db", "a.db-wal", "a.db-shm"] {
        let mode = folder.path().join(name).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn an_sqlite_file_that_cannot_be_says_why() {
    let folder = Folder::new("cannot");
    let said = async |path: &std::path::Path| {
        Store::open(&Location::sqlite(path)).await.unwrap_err().to_string()
    };
    let missing = folder.path().join("no/such/folder.db");
    let text = said(&missing).await;
    assert!(
        text.contains("no/such/folder.db: No such file") && text.contains("\nmend: "),
        "{text}"
    );
    let text = said(folder.path()).await;
    assert!(text.contains("Is a directory"), "{text}");
    let other = folder.path().join("other.db");
    std::fs::write(&other, "this is a letter to the editor, not a database at all").unwrap();
    let text = said(&other).await;
    assert!(text.contains("is damaged or is not Patchcord's"), "{text}");
    assert!(std::fs::read_to_string(other).unwrap().starts_with("this is a letter"));
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_says_who_is_not_let_in_and_never_with_what() {
    let Some(server) = Postgres::start(&[]) else { return };
    let wrong = Location::parse(&server.url()).unwrap().with_password("let-me-in");
    let error = Store::open(&wrong).await.unwrap_err();
    let text = format!("{error} {error:?} {wrong} {wrong:?} {:?}", Store::lazy(&wrong));
    assert!(text.contains("password authentication failed for user"), "{text}");
    assert!(text.contains("mend: correct the user or the password"), "{text}");
    assert!(!text.contains("let-me-in") && !text.contains(PASSWORD), "{text}");

    let nowhere = format!("{}/nowhere", server.url().strip_suffix("/postgres").unwrap());
    let error = Store::open(&Location::parse(&nowhere).unwrap()).await.unwrap_err().to_string();
    assert!(error.contains("\"nowhere\" does not exist\nmend: create it"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgresql_that_may_only_be_read_is_waited_for() {
    let Some(ground) = Ground::postgres() else { return };
    drop(ground.store().await);
    let only_read = async |only: bool| {
        let role = format!(
            "BEGIN READ WRITE;
             ALTER ROLE patchcord SET default_transaction_read_only = {only};
             COMMIT;
             SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE usename = 'patchcord' AND pid <> pg_backend_pid()"
        );
        ground.by_hand("", &role).await
    };
    only_read(true).await.unwrap();
    let store = ground.store().await;
    let error = store.write(batch([call("1", 0).into()])).await.unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
    let writer = Writer::start(store.clone(), ground.spool()).unwrap();
    writer.write(call("1", 0)).unwrap();
    let trouble = until(async || writer.status().trouble).await;
    assert!(trouble.contains("is read-only\nmend: "), "{trouble}");
    only_read(false).await.unwrap();
    in_time(writer.written()).await;
    assert!(store.call("1").await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_over_tls_must_have_a_certificate_that_is_trusted() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listens = ["listen_addresses=127.0.0.1".to_owned(), format!("port={port}")];
    let [address, port_setting] = &listens;
    let Some(mut server) = Postgres::start(&[address, port_setting]) else { return };
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    for (name, text) in
        [("server.crt", made.cert.pem()), ("server.key", made.signing_key.serialize_pem())]
    {
        let path = server.data().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        server.give(&path);
    }
    server.kill();
    server.add_option("ssl=on");
    server.begin();

    let url =
        format!("postgresql://patchcord:{PASSWORD}@127.0.0.1:{port}/postgres?sslmode=require");
    let location = Location::parse(&url).unwrap();
    let error = Store::open(&location).await.unwrap_err();
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("certificate"), "{error}");

    let folder = Folder::new("roots");
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, made.cert.pem()).unwrap();
    let store = Store::open(&location.with_roots(roots)).await.unwrap();
    store.write(batch([call("1", 0).into()])).await.unwrap();
}
