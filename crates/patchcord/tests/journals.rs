//! Journals from one process in another: the program as its users run it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use call::journal::{Document, Header, Journaled, VERSION};
use call::{Call, Command as Done, Heard, Input, PlayId, Receptionist, Why};
use flow::{Civil, Facts};
use intent::{Cut, Understanding};

const MS: Duration = Duration::from_millis(1);

/// A folder with journals of calls to the sample receptionist.
struct Kept {
    folder: PathBuf,
    text: String,
    receptionist: Arc<Receptionist>,
    understanding: Understanding,
}

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/receptionist.toml")
}

impl Kept {
    fn new(name: &str) -> Self {
        let name = format!("patchcord-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        let text = std::fs::read_to_string(sample()).expect("the sample is there");
        let receptionist = Receptionist::parse("desk.toml", &text).expect("well formed");
        let understanding = receptionist.understanding().expect("learned");
        Self { folder, text, receptionist: Arc::new(receptionist), understanding }
    }

    /// A caller who says something, and to whom this then happens; gives the journal.
    fn call(&self, id: &str, words: &str, then: &[Input]) -> PathBuf {
        let facts = Facts {
            caller_number: "+441234".to_owned(),
            caller_name: "Ann".to_owned(),
            called_number: "100".to_owned(),
            clock: Civil::parse("2026-03-03 10:00:07").expect("a moment"),
            language: None,
            caller: [("tier".to_owned(), "gold".into())].into(),
        };
        let header = Header {
            journal: VERSION,
            program: "0.0.1".to_owned(),
            call: id.to_owned(),
            began: "2026-03-03T10:00:07Z".to_owned(),
            capture: None,
            facts: facts.clone(),
            receptionist: Document { file: "desk.toml".to_owned(), text: self.text.clone() },
            fallback: "operator".to_owned(),
            flows: Vec::new(),
        };
        let course = self.receptionist.course().expect("a flow");
        let call = Call::new(self.receptionist.clone(), course, facts);
        let mut call = Journaled::new(call, Some(&header));
        let mut now = Duration::ZERO;
        let begin = [Input::Answered, Input::MediaUp, Input::FirstAudio];
        let says = [
            Input::PromptEnded(PlayId(1)),
            Input::SpeechStarted { at: 2_000 * MS },
            Input::SpeechEnded { at: 3_000 * MS },
            Input::Heard(self.heard(words)),
        ];
        for input in begin.iter().chain(&says).chain(then) {
            now += 500 * MS;
            call.handle(now, input.clone());
            while let Some(command) = call.poll() {
                if command == Done::HangUp {
                    call.handle(now, Input::CallerHungUp);
                }
            }
        }
        let path = self.folder.join(format!("{id}.journal"));
        std::fs::write(&path, call.written()).expect("writable");
        path
    }

    fn heard(&self, words: &str) -> Heard {
        Heard {
            cut: Cut::Final,
            text: words.to_owned(),
            ranking: self.understanding.of(words).ranking,
            slots: Vec::new(),
            through: 3_000 * MS,
            asked: 3_100 * MS,
            done: 3_200 * MS,
            ranked_in: MS,
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn connected() -> Vec<Input> {
    vec![Input::Accepted { attempt: 1 }, Input::Connected { attempt: 1 }, Input::AgentHungUp]
}

fn patchcord(words: &[&str], paths: &[&Path]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchcord"));
    command.args(words).args(paths).output().expect("it runs")
}

/// What it said, and its exit code.
fn said(output: &Output) -> (Option<i32>, String) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.code(), String::from_utf8(text).expect("UTF-8"))
}

#[test]
fn a_journal_from_one_process_replays_in_another() {
    let kept = Kept::new("replays");
    let billing = kept.call("1.1", "it is about my invoice", &connected());
    let nobody = kept.call("1.2", "a lemon cake with sugar please", &[]);
    let (code, text) = said(&patchcord(&["replay"], &[&billing, &nobody]));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("1.1.journal: identical, "), "{text}");
    assert!(text.contains("it was cut off there"), "{text}");
    let (code, text) = said(&patchcord(&["replay", "--json"], &[&billing]));
    assert_eq!(code, Some(0), "{text}");
    let line: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&line["whole"], &line["difference"]), (&true.into(), &serde_json::Value::Null));
}

#[test]
fn a_changed_prompt_and_a_draft_show_up_as_the_first_difference() {
    let kept = Kept::new("changed");
    let journal = kept.call("1.1", "it is about my invoice", &connected());
    let changed = kept.text.replace("\"prompts/greeting.wav\"", "{ say = \"Good morning.\" }");
    let desk = kept.folder.join("changed.toml");
    std::fs::write(&desk, changed).expect("writable");
    let replaced = ["replay", "--receptionist", desk.to_str().expect("UTF-8")];
    let (code, text) = said(&patchcord(&replaced, &[&journal]));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("0.500 s into the call") || text.contains("1.000 s into"), "{text}");
    assert!(text.contains("greeting.wav") && text.contains("Good morning."), "{text}");
    let draft = kept.folder.join("draft.toml");
    let flow =
        "schema = 1\nname = \"draft\"\nstart = \"a\"\n[node.a]\nhang_up = { prompt = \"No.\" }\n";
    std::fs::write(&draft, flow).expect("writable");
    let replaced = ["replay", "--flow", draft.to_str().expect("UTF-8")];
    let (code, text) = said(&patchcord(&replaced, &[&journal]));
    assert!(code == Some(1) && text.contains("\"No.\""), "{text}");
}

#[test]
fn what_is_no_journal_is_told_with_a_mend() {
    let kept = Kept::new("broken");
    let journal = kept.call("1.1", "it is about my invoice", &connected());
    let text = std::fs::read_to_string(&journal).expect("written");
    for (changed, says) in [
        (text.replacen("Answered", "Answerer", 1), "line "),
        (text.replacen("\"nanos\":500000000", "\"nanos\":500000001", 1), "not as it was written"),
        (text.replacen("\"journal\":1", "\"journal\":7", 1), "version 7"),
        (String::new(), "this is no journal"),
    ] {
        std::fs::write(&journal, changed).expect("writable");
        let (code, text) = said(&patchcord(&["replay"], &[&journal]));
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains(says) && text.contains("mend: "), "{says}: {text}");
        assert!(text.contains("1.1.journal"), "{text}");
    }
    let (code, text) = said(&patchcord(&["replay", "--flow", "x.toml"], &[]));
    assert!(code == Some(2) && text.contains("--flow is for journals"), "{text}");
}

#[test]
fn a_draft_is_held_to_calls_of_the_past() {
    let kept = Kept::new("whatif");
    kept.call("1.1", "it is about my invoice", &connected());
    kept.call("1.2", "i forgot my password", &connected());
    kept.call("1.3", "i want to buy something", &connected());
    let busy = [Input::Accepted { attempt: 1 }, Input::NotConnected { attempt: 1, why: Why::Busy }];
    kept.call("1.4", "it is about my invoice", &busy);
    let draft = kept.folder.join("draft.toml");
    let flow = |billing: &str, sales: &str| {
        let flow = format!(
            "schema = 1\nname = \"draft\"\nstart = \"greet\"\n[node.greet.ask]\nprompt = \"Yes?\"\nwishes = true\n\
             [node.greet.to]\nwish = \"connect\"\nemergency = \"sure\"\nbroken_laptop = \"tom\"\nbilling = \"{billing}\"\nsales = \"{sales}\"\n\
             [node.connect]\nconnect = {{ destination = \"wish\" }}\n\
             [node.tom]\nconnect = {{ destination = \"tom\" }}\n\
             [node.sure.ask]\nprompt = \"Sure?\"\nanswers = {{ yes = [\"yes\"], no = [\"no\"] }}\n\
             [node.sure.to]\nyes = \"connect\"\nno = \"hang_up\"\n"
        );
        std::fs::write(&draft, flow).expect("writable");
    };
    let what_if = || {
        let folder = kept.folder.to_str().expect("UTF-8");
        said(&patchcord(&["flow", "whatif", "--journals", folder], &[&draft]))
    };
    flow("connect", "connect");
    let (code, text) = what_if();
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("4 calls: 3 as before, 0 elsewhere, 1 cannot be judged"), "{text}");
    assert!(text.contains("1.4: cannot be judged: its journal was cut off"), "{text}");
    flow("tom", "sure");
    let (code, text) = what_if();
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("1.1: went to billing, would go to tom"), "{text}");
    assert!(text.contains("1.3: cannot be judged: its caller was never asked so much"), "{text}");
    assert!(text.contains("4 calls: 1 as before, 1 elsewhere, 2 cannot be judged"), "{text}");
    let folder = kept.folder.to_str().expect("UTF-8");
    let last = ["flow", "whatif", "--last", "1", "--journals", folder];
    let (_, text) = said(&patchcord(&last, &[&draft]));
    assert!(text.contains("1 calls: "), "{text}");
}
