//! `patchcord ari`, `patchcord events` and the examples of the `ari` crate, as people run them.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;
use tests::asterisk::Asterisk;
use tests::patchcord::program;

use crate::{PATIENCE, unless_skipped};

/// An Asterisk, and a configuration that leads to it.
struct Desk {
    asterisk: Asterisk,
    folder: PathBuf,
}

impl Desk {
    fn set() -> Option<Desk> {
        let asterisk = unless_skipped(Asterisk::start())?;
        let name = format!("command-line-{}-{}", std::process::id(), asterisk.sip_port());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("writable");
        let config = format!(
            "receptionist = \"none.toml\"\n[ari]\nurl = \"{}\"\nusername = \"{}\"\npassword_env = \"ARI_PASSWORD\"\n",
            asterisk.ari_url(),
            asterisk.username()
        );
        std::fs::write(folder.join("patchcord.toml"), config).expect("writable");
        Some(Desk { asterisk, folder })
    }

    /// A program with everything that leads to Asterisk; the configuration is found where it is started.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.folder)
            .env("ARI_URL", self.asterisk.ari_url())
            .env("ARI_USERNAME", self.asterisk.username())
            .env("ARI_PASSWORD", self.asterisk.password())
            .stdin(Stdio::null());
        command
    }

    fn patchcord(&self, words: &[&str]) -> Output {
        self.command(&program().expect("built")).args(words).output().expect("it runs")
    }

    /// What a command prints that goes well.
    fn says(&self, words: &[&str]) -> String {
        let output = self.patchcord(words);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{words:?}: {complaint}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// What a command complains of, with its exit code.
    fn complains(&self, words: &[&str]) -> (Option<i32>, String) {
        let output = self.patchcord(words);
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{words:?}");
        (output.status.code(), String::from_utf8(output.stderr).expect("UTF-8"))
    }

    fn run(&self, program: &Path, words: &[&str]) -> Running {
        let mut command = self.command(program);
        let child = command.args(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.expect("it runs");
        let complaints: ChildStderr = child.stderr.take().expect("piped");
        Running { complaints: lines(complaints), child }
    }

    /// `patchcord events`, looking on already.
    fn events(&self, words: &[&str]) -> Running {
        let words: Vec<&str> = ["events"].iter().chain(words).copied().collect();
        let running = self.run(&program().expect("built"), &words);
        wait(&running.complaints, "events of http://127.0.0.1:");
        running
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A program that runs until it is told to end, or dropped.
struct Running {
    child: Child,
    complaints: Receiver<String>,
}

impl Running {
    fn stdout(&mut self) -> ChildStdout {
        self.child.stdout.take().expect("piped, and taken once")
    }

    fn interrupt(mut self) -> Option<i32> {
        let interrupt = ["-INT", &self.child.id().to_string()].map(str::to_owned);
        Command::new("kill").args(interrupt).status().expect("it runs");
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only if it is over already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (said, hears) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if said.send(line).is_err() {
                return;
            }
        }
    });
    hears
}

/// The first line with that text in it.
fn wait(lines: &Receiver<String>, text: &str) -> String {
    loop {
        let line =
            lines.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("\"{text}\": {error}"));
        println!("{line}");
        if line.contains(text) {
            return line;
        }
    }
}

#[test]
fn any_operation_is_called_by_its_path() {
    let Some(desk) = Desk::set() else { return };
    let json = |words: &[&str]| -> Value { serde_json::from_str(&desk.says(words)).expect("JSON") };
    assert_eq!(json(&["ari", "GET", "asterisk/ping"])["ping"], "pong");
    let made = json(&["ari", "POST", "bridges", "type=mixing", "name=lobby", "bridgeId=b+1"]);
    assert_eq!((&made["id"], &made["name"]), (&Value::from("b+1"), &Value::from("lobby")));
    assert_eq!(json(&["ari", "get", "/ari/bridges/b+1"])["id"], "b+1");
    assert_eq!(desk.says(&["ari", "DELETE", "bridges/b+1"]), "");
    assert_eq!(json(&["ari", "GET", "bridges"]), Value::Array(Vec::new()));

    // Asterisk passes over a number that is written as text; this one must not ring for ever.
    let words = [
        "ari",
        "POST",
        "channels/c1",
        "endpoint=Local/tone@queues",
        "extension=tone",
        "context=queues",
    ];
    assert_eq!(json(&[&words[..], &["timeout=5", "variables.CALL=7"]].concat())["id"], "c1");
    let call = json(&["ari", "GET", "channels/c1/variable", "variable=CALL"]);
    assert_eq!(call["value"], "7");
    assert_eq!(desk.says(&["ari", "DELETE", "channels/c1", "reason=normal"]), "");
}

#[test]
fn a_refusal_says_what_to_do() {
    let Some(desk) = Desk::set() else { return };
    for (words, code, says) in [
        (&["GET", "channels/none"][..], 1, "Channel not found"),
        (&["GET", "chanels"], 1, "mend: did you mean channels?"),
        (&["POST", "channels/1/anser"], 1, "did you mean channels/1/answer?"),
        (&["GET", "channels/1/answer"], 1, "channels/1/answer takes POST, not GET"),
        (&["GET", "mailboxes"], 1, "the path is right; load the module res_ari_mailboxes.so"),
        (
            &["POST", "channels", "endpoint=Local/1@nowhere"],
            1,
            "mend: it takes endpoint (needed), ",
        ),
        (
            &["POST", "bridges", "typ=mixing"],
            2,
            "POST bridges does not know typ\n  mend: did you mean type?",
        ),
        (&["POST", "channels", "timeout=soon"], 2, "timeout is a whole number, not \"soon\""),
        (&["GET", "events"], 2, "mend: patchcord events"),
        (&["FETCH", "channels"], 2, "[possible values: GET, POST, PUT, DELETE]"),
    ] {
        let words: Vec<&str> = ["ari"].iter().chain(words).copied().collect();
        let (found, complaint) = desk.complains(&words);
        println!("{complaint}");
        assert_eq!(found, Some(code), "{words:?}: {complaint}");
        assert!(complaint.contains(says), "{words:?}: {complaint}");
        assert!(!complaint.contains(desk.asterisk.password()), "the password must not be repeated");
    }
}

#[test]
fn known_paths_are_listed_and_completed() {
    let Some(desk) = Desk::set() else { return };
    let list = desk.says(&["ari", "--list"]);
    assert!(list.lines().count() >= 109, "{list}");
    assert!(
        list.lines().any(|line| line.starts_with("POST   channels/{channelId}/answer ")),
        "{list}"
    );
    desk.says(&["ari", "POST", "bridges", "type=mixing", "bridgeId=lobby"]);
    for (words, expected) in [
        (&["g"][..], "GET"),
        (&["GET", "chan"], "channels channels/"),
        (&["GET", "bridges/"], "bridges/lobby bridges/lobby/"),
        (&["POST", "bridges/lobby/pl"], "bridges/lobby/play bridges/lobby/play/"),
        (&["POST", "bridges", "t"], "type="),
        (&["GET", "xyzzy"], ""),
    ] {
        let words: Vec<&str> = ["ari", "--complete"].iter().chain(words).copied().collect();
        let found = desk.says(&words);
        assert_eq!(found.lines().collect::<Vec<_>>().join(" "), expected, "{words:?}");
    }
}

#[test]
fn events_are_printed_as_they_come() {
    let Some(desk) = Desk::set() else { return };
    let mut all = desk.events(&["--channel", "c1"]);
    let mut some = desk.events(&["--json", "--type", "bridgecreated", "--type", "BridgeDestroyed"]);
    let (all_lines, some_lines) = (lines(all.stdout()), lines(some.stdout()));
    for id in ["c1", "c2"] {
        let path = format!("channels/{id}");
        desk.says(&[
            "ari",
            "POST",
            &path,
            "endpoint=Local/tone@queues",
            "extension=tone",
            "context=queues",
        ]);
    }
    desk.says(&["ari", "POST", "bridges/b1", "type=mixing"]);
    desk.says(&["ari", "DELETE", "bridges/b1"]);
    desk.says(&["ari", "DELETE", "channels/c2"]);
    desk.says(&["ari", "DELETE", "channels/c1", "reason=busy"]);
    let created = wait(&all_lines, "ChannelCreated");
    assert!(created.contains(" channel=c1 Local/tone@queues-"), "{created}");
    let destroyed = wait(&all_lines, "ChannelDestroyed");
    assert!(destroyed.contains(" channel=c1 ") && destroyed.contains(" cause=17 "), "{destroyed}");
    for kind in ["BridgeCreated", "BridgeDestroyed"] {
        let event: Value = serde_json::from_str(&wait(&some_lines, "{")).expect("JSON");
        assert_eq!((&event["type"], &event["bridge"]["id"]), (&kind.into(), &"b1".into()));
    }
    assert_eq!(all.interrupt(), Some(0), "Ctrl-C is a good end");
    assert_eq!(some.interrupt(), Some(0));
    assert_eq!(desk.says(&["ari", "GET", "applications"]).matches("patchcord-events").count(), 0);
}

#[test]
fn nobody_who_reads_is_no_fault() {
    let Some(desk) = Desk::set() else { return };
    let mut events = desk.events(&["--type", "BridgeCreated"]);
    drop(events.stdout());
    desk.says(&["ari", "POST", "bridges", "type=mixing"]);
    assert_eq!(events.child.wait().expect("it ends").code(), Some(0));
    let complaints: Vec<String> = events.complaints.iter().collect();
    assert!(complaints.is_empty(), "{complaints:?}");
}

#[test]
fn a_kind_of_event_that_is_none_is_told() {
    let Some(desk) = Desk::set() else { return };
    let (code, complaint) = desk.complains(&["events", "--type", "ChannelDtmfRecieved"]);
    assert_eq!(code, Some(2));
    assert!(complaint.contains("did you mean ChannelDtmfReceived?"), "{complaint}");
}

/// An example of the `ari` crate, built beside this test by `cargo build --workspace --examples`.
fn example(name: &str) -> PathBuf {
    let here = std::env::current_exe().expect("a test is a file");
    let built = here.ancestors().nth(2).expect("in a folder of the profile");
    let program = built.join("examples").join(name);
    assert!(program.exists(), "no {}: cargo build --workspace --examples", program.display());
    program
}

/// The sounds that come with Asterisk are GSM.
fn with_sounds(desk: &Desk) {
    for module in ["codec_gsm.so", "format_gsm.so"] {
        desk.says(&["ari", "POST", &format!("asterisk/modules/{module}")]);
    }
}

#[test]
fn the_hello_world_example_walks_the_walk() {
    let Some(desk) = Desk::set() else { return };
    with_sounds(&desk);
    let mut hello = desk.run(&example("hello_world"), &[]);
    let said = lines(hello.stdout());
    wait(&said, "waiting for calls");
    desk.says(&["ari", "POST", "channels/c1", "endpoint=Local/tone@queues", "app=hello-world"]);
    for step in
        ["StasisStart", "answered", "PlaybackStarted", "PlaybackFinished", "hung up", "StasisEnd"]
    {
        wait(&said, &format!("c1: {step}"));
    }
}

#[test]
fn the_menu_example_connects_who_presses_one() {
    let Some(desk) = Desk::set() else { return };
    with_sounds(&desk);
    desk.says(&["ari", "POST", "asterisk/modules/app_senddtmf.so"]);
    // A caller who listens for a second, presses 2, then 1, and hangs up when connected for a second.
    let caller = ["Answer", "Wait,1", "SendDTMF,2", "Wait,1", "SendDTMF,1", "Wait,1", "Hangup"];
    for (step, what) in caller.iter().enumerate() {
        let line = format!("dialplan add extension caller,{},{what} into people", step + 1);
        desk.asterisk.cli(&line).expect("cli");
    }
    let mut command = desk.command(&example("menu"));
    let menu =
        command.env("ARI_SALES", "Local/tone@queues").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = menu.spawn().expect("it runs");
    let complaints = lines(child.stderr.take().expect("piped"));
    let mut menu = Running { child, complaints };
    let said = lines(menu.stdout());
    wait(&said, "waiting for calls");
    desk.says(&["ari", "POST", "channels/c1", "endpoint=Local/caller@people/n", "app=menu"]);
    for step in [
        "answered",
        "pressed 2",
        "pressed 1",
        "calls Local/tone@queues",
        "connected",
        "the caller hung up",
        "over",
    ] {
        wait(&said, &format!("c1: {step}"));
    }
    let left = || desk.asterisk.holdings().expect("Asterisk answers");
    let held = crate::poll(PATIENCE, left, |held| held.channels + held.bridges == 0);
    assert_eq!((held.channels, held.bridges), (0, 0), "nothing outlives its call");
}
