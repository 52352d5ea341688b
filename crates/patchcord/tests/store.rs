//! The commands that work with the store, as people run them: what they print, to the letter.

use std::path::PathBuf;
use std::process::Command;

use store::{Call, Entry, FlowRef, Json, Location, Speaker, Store, Timestamp, Turn};

/// A folder with a configuration, a receptionist and a few flows; gone with its test.
struct Shop(PathBuf);

const CONFIG: &str =
    "receptionist = \"receptionist.toml\"\n[ari]\nusername = \"u\"\npassword = \"p\"\n";
const DESK: &str = "schema = 1\nname = \"desk\"\nstart = \"go\"\n\n[node.go]\nconnect = { destination = \"operator\" }\n";

impl Shop {
    fn new(name: &str, config: &str) -> Shop {
        let folder = std::env::temp_dir().join(format!("patchcord-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("writable");
        let assets = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/receptionist.toml");
        std::fs::copy(assets, folder.join("receptionist.toml")).expect("the sample is there");
        let shop = Shop(folder);
        shop.file("patchcord.toml", &format!("{CONFIG}{config}"));
        shop.file("desk.toml", DESK);
        shop
    }

    fn file(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).expect("writable");
    }

    /// What a command prints, and what it complains of, with its exit code.
    fn run(&self, words: &str) -> (i32, String, String) {
        let words = words.split(' ').map(|word| word.replace('_', " "));
        let mut command = Command::new(env!("CARGO_BIN_EXE_patchcord"));
        command.current_dir(&self.0).args(words).env("USER", "maria").env("TZ", "UTC");
        let output = command.output().expect("it runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
    }

    #[track_caller]
    fn says(&self, words: &str, expected: &str) {
        let (code, said, complaint) = self.run(words);
        assert_eq!((code, said.as_str()), (0, expected), "{complaint}");
    }

    #[track_caller]
    fn complains(&self, words: &str, expected: &str) {
        let (code, said, complaint) = self.run(words);
        assert_eq!((code, said.as_str(), complaint.as_str()), (2, "", expected));
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn flows_are_published_compared_and_rolled_back() {
    let shop = Shop::new("flows", "[store]\n");
    shop.says("flow list", "flow  published  newest  draft\n");
    shop.says("flow publish desk.toml --as desk --reason first", "desk: version 1 is published\n");
    shop.says(
        "flow publish desk.toml --as desk --reason again",
        "desk: version 1 is published, and is this text already\n",
    );
    shop.file("desk.toml", &DESK.replace("operator", "helpdesk"));
    let changed = "@@ -3,4 +3,4 @@\n start = \"go\"\n \n [node.go]\n-connect = { destination = \"operator\" }\n\
                   +connect = { destination = \"helpdesk\" }\n";
    shop.says("flow diff desk.toml", &format!("--- desk version 1\n+++ desk.toml\n{changed}"));
    shop.says("flow draft desk.toml --as desk", "desk: the draft is saved as edit 1\n");
    shop.says(
        "flow diff desk",
        &format!("--- desk version 1\n+++ desk draft (edit 1, by maria)\n{changed}"),
    );
    shop.says(
        "flow publish --as desk --by tom --reason the_help_desk_answers",
        "desk: version 2 is published; it was 1\n",
    );
    shop.says("flow diff desk", &format!("--- desk version 1\n+++ desk version 2\n{changed}"));
    shop.says("flow show desk 1", DESK);
    shop.says("flow rollback desk 1 --reason oops", "desk: version 1 is published; it was 2\n");
    shop.says("flow list", "flow  published  newest  draft\ndesk  1          2       -\n");
    let (_, history, _) = shop.run("flow list desk");
    for line in ["2 -> 1", "tom", "the help desk answers", "maria", "oops"] {
        assert!(history.contains(line), "{history}");
    }
}

#[test]
fn what_cannot_be_published_is_told_with_its_place_and_mend() {
    let shop = Shop::new("refusals", "[store]\n");
    shop.complains(
        "flow publish desk.toml --as desk --by  --reason first",
        "patchcord: nobody is said to do this, and nobody is logged in\n  mend: add --by WHO\n",
    );
    shop.complains(
        "flow publish none.toml --as desk --reason first",
        "patchcord: cannot read none.toml: No such file or directory (os error 2)\n  mend: name a flow's file, in UTF-8\n",
    );
    shop.file("desk.toml", &DESK.replace("operator", "operater"));
    shop.complains(
        "flow publish desk.toml --as desk --reason first",
        "patchcord: desk.toml:6: there is no destination \"operater\"\n  mend: did you mean \"operator\"?\n",
    );
    shop.file("desk.toml", "schema = 1\nname = \"d\"\nstart = \"q\"\n[node.q]\nflow = \"inner\"\n");
    shop.complains(
        "flow publish desk.toml --as desk --reason first",
        "patchcord: desk.toml goes through the flow \"inner\", which is not published\n  mend: publish that one first, --as inner\n",
    );
    shop.complains(
        "flow publish --as desk --reason first",
        "patchcord: the flow \"desk\" has no draft\n  mend: patchcord flow draft FLOW --as desk\n",
    );
    shop.complains(
        "flow rollback desk 3 --reason oops",
        "patchcord: no flow \"desk\" is published\n  mend: publish one: patchcord flow publish FLOW --as desk --reason TEXT\n",
    );
    shop.file("desk.toml", DESK);
    shop.run("flow publish desk.toml --as desk --reason first");
    shop.complains(
        "flow rollback desk 3 --reason oops",
        "patchcord: the flow \"desk\" has no version 3\n  mend: choose one from 1 to 1\n",
    );
    shop.complains(
        "flow diff desc",
        "patchcord: no flow \"desc\" is published\n  mend: use one of: desk\n",
    );
    shop.complains(
        "flow diff desk",
        "patchcord: desk has nothing that it could be compared with: one version, no draft\n  mend: name a file: patchcord flow diff FLOW --as desk\n",
    );
    shop.run("flow draft desk.toml --as desk");
    shop.complains(
        "flow draft desk.toml --as desk --by tom",
        "patchcord: the draft of the flow \"desk\" has been changed meanwhile, by maria\nmend: read it again (edit 1), and bring both changes together\n",
    );
    shop.says("flow draft desk.toml --as desk --over 1", "desk: the draft is saved as edit 2\n");
}

#[test]
fn numbers_are_set_listed_and_forgotten() {
    let shop = Shop::new("numbers", "[store]\n");
    shop.complains(
        "number set 5550100 --flow desk --reason first",
        "patchcord: number 5550100 goes through the flow \"desk\", which is not published\n  mend: publish that one first, --as desk\n",
    );
    shop.run("flow publish desk.toml --as desk --reason first");
    shop.complains(
        "number set 5550100 --flow desk --fallback opertor --reason first",
        "patchcord: number 5550100: its fallback \"opertor\" is no destination of Fabrikam front desk\n  mend: use one of: \
         billing, helpdesk, hours, maria, operator, sales, security, tom\n",
    );
    shop.complains(
        "number set 5550100 --flow desk --hours office --reason first",
        "patchcord: number 5550100, flow desk version 1: there are no hours \"office\"\n  mend: add a table [hours.office]\n",
    );
    shop.says(
        "number set 5550100 --flow desk --fallback sales --language en --greeting Good_morning. --reason first",
        "5550100 is answered by desk\n",
    );
    shop.says("number set 555* --flow desk --reason first", "555* is answered by desk\n");
    shop.says(
        "number list",
        "number   flow  version  language  hours  fallback  greeting\n\
         555*     desk  1        -         -      -         -\n\
         5550100  desk  1        en        -      sales     Good morning.\n",
    );
    shop.says("number remove 555* --reason moved", "555* is forgotten\n");
    shop.complains(
        "number remove 555* --reason moved",
        "patchcord: nothing is set for the number 555*\n  mend: use one of: 5550100\n",
    );
}

#[test]
fn calls_are_listed_and_shown() {
    let shop = Shop::new("calls", "[store]\nlocation = \"sqlite:kept.db\"\n");
    shop.says("calls", "came  took  caller  called  outcome  intent  flow  id\n");
    let call = Call {
        id: "17.4-1700000000000".to_owned(),
        started: Timestamp(1_700_000_000_000),
        ended: Some(Timestamp(1_700_000_012_500)),
        caller: Some("5550123".to_owned()),
        called: Some("5550100".to_owned()),
        destination: Some("helpdesk".to_owned()),
        outcome: Some("connected".to_owned()),
        intent: Some("reset_password".to_owned()),
        flow: Some(FlowRef { name: "desk".to_owned(), version: 3 }),
        node: Some("go".to_owned()),
        record: Json::parse(r#"{"path":["ask","go"],"act_ms":3.5,"troubles":[]}"#.to_owned())
            .expect("JSON"),
    };
    let turn = Turn {
        call: call.id.clone(),
        number: 0,
        speaker: Speaker::Caller,
        from_ms: 2_400,
        to_ms: Some(3_900),
        words: "my account is locked".to_owned(),
        intent: call.intent.clone(),
        node: Some("ask".to_owned()),
    };
    let entries: Vec<Entry> = vec![call.into(), turn.into()];
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let store = Store::open(&Location::sqlite(shop.0.join("kept.db"))).await.expect("there");
        store.write(entries.into()).await.expect("written");
    });
    let row = "came                 took  caller   called   outcome             intent          flow    id\n\
               2023-11-14 22:13:20  12 s  5550123  5550100  connected helpdesk  reset_password  desk 3  17.4-1700000000000\n";
    shop.says("calls", row);
    shop.says("calls --caller 5550123 --outcome connected --since 2023-11-14", row);
    shop.says("calls --since 2h", "came  took  caller  called  outcome  intent  flow  id\n");
    shop.says(
        "calls show 17.4-1700000000000",
        "call      17.4-1700000000000\n\
         came      2023-11-14 22:13:20\n\
         took      12.5 s\n\
         caller    5550123\n\
         called    5550100\n\
         flow      desk version 3\n\
         path      ask > go\n\
         intent    reset_password\n\
         outcome   connected\n\
         to        helpdesk\n\
         act       3.5 ms\n    \
             2.4 s caller: my account is locked  [reset_password]\n",
    );
    shop.complains(
        "calls show 17.5",
        "patchcord: there is no call \"17.5\"\n  mend: take an id from: patchcord calls\n",
    );
}

#[test]
fn a_store_that_is_not_there_is_told() {
    let shop = Shop::new("nowhere", "");
    shop.complains(
        "flow list",
        "patchcord: patchcord.toml: there is no [store]\n  mend: add that section; assets/patchcord.toml explains it\n",
    );
    let shop =
        Shop::new("refused", "[store]\nlocation = \"postgresql://desk@127.0.0.1:1/calls\"\n");
    let (code, _, complaint) = shop.run("calls");
    assert_eq!(code, 2);
    let says = "patchcord: cannot reach the database postgresql://desk@127.0.0.1:1/calls: ";
    assert!(complaint.starts_with(says), "{complaint}");
}
