//! The doctor finds nothing wrong with the rig, says what it lacks and which bugs it has, and says what is wrong with a bad password and with no Asterisk at all.

use std::process::{Command, Output};

use tests::patchcord::{Patchcord, program};

use crate::Stage;

fn doctor(patchcord: &Patchcord, password: &str, change: impl Fn(String) -> String) -> Output {
    let config = patchcord.folder().join("doctor.toml");
    let text = std::fs::read_to_string(patchcord.folder().join("patchcord.toml")).expect("written");
    std::fs::write(&config, change(text)).expect("writable");
    Command::new(program().expect("built"))
        .args(["doctor", "--config"])
        .arg(config)
        .env("PATCHCORD_ARI_PASSWORD", password)
        .output()
        .expect("it runs")
}

#[test]
fn the_doctor_finds_what_is_wrong_and_nothing_else() {
    let Some(stage) = Stage::set() else { return };
    let same = |text| text;

    let well = doctor(&stage.patchcord, stage.asterisk.password(), same);
    let says = String::from_utf8_lossy(&well.stdout);
    println!("{says}");
    assert_eq!(well.status.code(), Some(0), "{says}");
    assert!(says.contains("a tone went to Asterisk and came back"), "{says}");
    let line =
        |start: &str, text: &str| says.lines().any(|l| l.starts_with(start) && l.contains(text));
    assert!(line("ok       version", "Asterisk 22."), "{says}");
    assert!(line("note     identity", "as if by a network card"), "{says}");
    assert!(line("note     feature", "it lacks media WebSockets controlled in JSON"), "{says}");
    assert!(says.contains("mend: load chan_websocket.so if you want it"), "{says}");
    assert!(line("note     known bug", "externalMedia with wrong parameters"), "{says}");
    assert!(says.contains("mend: Asterisk 22.11.0 mends it"), "{says}");
    assert!(
        !says.contains("AudioSocket"),
        "bugs of modules that do not run are no concern: {says}"
    );
    assert!(line("ok       applications", "patchcord is being served"), "{says}");

    let wrong = doctor(&stage.patchcord, "not this one", same);
    let says = String::from_utf8_lossy(&wrong.stdout);
    println!("{says}");
    assert_eq!(wrong.status.code(), Some(2), "{says}");
    assert!(says.contains("mend: compare username and password with ari.conf"), "{says}");
    assert!(!says.contains("not this one"), "the password must not be repeated: {says}");

    let nobody = doctor(&stage.patchcord, "any", |text| {
        text.replace(&stage.asterisk.ari_url(), "http://127.0.0.1:9/ari")
    });
    let says = String::from_utf8_lossy(&nobody.stdout);
    println!("{says}");
    assert_eq!(nobody.status.code(), Some(2), "{says}");
    assert!(says.contains("mend: start Asterisk"), "{says}");
    stage.nothing_is_left();
}
