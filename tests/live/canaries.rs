//! Cards are given where they should not be, on a real Asterisk: by key, by tones in the sound and by voice, before the zone
//! for cards, in it and after it. Then all that was kept is searched for them.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use audio::tone::{DtmfDetector, KeyEvent};
use serde_json::Value;
use tests::asterisk::Asterisk;
use tests::patchcord::Patchcord;
use tests::sipp::{Act, Caller, Keys};

use crate::keeping::till;
use crate::reading::{read, recognizer};
use crate::{DID, PATIENCE, Stage, unless_skipped};

/// How many call; more if `PATCHCORD_CANARIES` says so: a thousand take an hour.
const CANARIES: usize = 9;
const AT_ONCE: usize = 18;
/// From one who calls to the next.
const APART: Duration = Duration::from_millis(300);

/// So many digits of a card in a row are a find. The first six and the last four of a card anybody may see (PCI DSS 4.0.1,
/// 3.4.1).
const A_FIND: usize = 8;
/// The same in captures, where bytes of sound are digits by chance.
const A_FIND_IN_SOUND: usize = 12;

const FOLDERS: &str =
    "[recording]\nfolder = \"recordings\"\n[media]\ncapture = \"captures\"\n[store]\n";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Before,
    Within,
    After,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Keys,
    Tones,
    Voice,
}

/// One caller, and the card that nobody else has.
struct Canary {
    when: When,
    by: By,
    card: String,
}

impl Canary {
    fn new(number: usize) -> Canary {
        let when = [When::Before, When::Within, When::After][number % 3];
        let by = [By::Keys, By::Tones, By::Voice][number / 3 % 3];
        Canary { when, by, card: card(number) }
    }

    /// What the flow tells callers apart by.
    fn number(&self) -> String {
        format!("{}{}", self.when as u8 + 1, self.by as u8 + 1)
    }

    fn caller(&self, says: &[i16]) -> Caller {
        // Those who give it after the zone sit that out.
        let from = Duration::from_millis(if self.when == When::After { 6_500 } else { 2_500 });
        let mut caller = Caller::new(&self.number(), DID);
        if self.by == By::Voice {
            return caller.at(from, Act::Say(says.to_vec()));
        }
        if self.by == By::Tones {
            caller.keys = Keys::Tones;
        }
        let pause = Duration::from_millis(300);
        let cvc = if self.when == When::Within { "739#" } else { "" };
        for (row, begin) in [(format!("{}#", self.card), from), (cvc.into(), 4 * from)] {
            for (key, at) in row.chars().zip(0..) {
                caller = caller.at(begin + at * pause, Act::Press(key));
            }
        }
        caller
    }
}

/// A card's number: sixteen digits with the right check digit.
fn card(number: usize) -> String {
    let digits =
        format!("52{:013}", (number as u64 + 7).wrapping_mul(7_938_376_273) % 10_u64.pow(13));
    let sum = digits.bytes().rev().enumerate().map(|(at, digit)| {
        let digit = u32::from(digit - b'0') << u32::from(at % 2 == 0);
        digit / 10 + digit % 10
    });
    format!("{digits}{}", (10 - sum.sum::<u32>() % 10) % 10)
}

/// A caller who reads out a card, at 8 kHz.
fn read_out(card: &str, folder: &Path) -> Vec<i16> {
    const NAMES: [&str; 10] =
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    let name = |digit: &u8| NAMES[usize::from(digit - b'0')];
    let groups = card.as_bytes().chunks(4).map(|group| group.iter().map(name).collect::<Vec<_>>());
    let groups: Vec<String> = groups.map(|group| group.join(" ")).collect();
    let text = format!("My card number is {}.", groups.join(", "));
    let file = folder.join(format!("{card}.wav"));
    let spoken =
        Command::new("flite").args(["-voice", "slt", "-t", &text, "-o"]).arg(&file).status();
    assert!(spoken.is_ok_and(|status| status.success()), "flite speaks");
    let samples = audio::wav::read(&std::fs::read(&file).expect("written")).expect("a WAV file");
    std::fs::remove_file(file).expect("it is there");
    samples
}

fn flow(port: u16) -> String {
    format!(
        r#"
        schema = 1
        name = "canaries"
        start = "on"
        [lookup.charge]
        url = "http://127.0.0.1:{port}/"
        method = "POST"
        fields = {{ receipt = "/receipt" }}
        [node.on]
        record = {{ turn = "on" }}
        to = {{ done = "first" }}
        [node.first]
        decide = [
          {{ when = "caller.number == \"11\" or caller.number == \"12\"", exit = "account" }},
          {{ when = "caller.number == \"13\"", exit = "help" }},
          {{ when = "caller.number == \"21\" or caller.number == \"22\" or caller.number == \"23\"", exit = "card" }},
        ]
        to = {{ account = "account_before", help = "help_before", card = "card", otherwise = "brief" }}
        [node.account_before]
        collect = {{ slot = "account", kind = {{ digits = {{ least = 4, most = 12 }} }}, prompt = "Your account number?", tries = 1, wait_s = 3 }}
        to = {{ done = "brief", no_match = "brief", no_input = "brief" }}
        [node.help_before.ask]
        prompt = "How can I help?"
        answers = {{ pay = ["I want to pay"] }}
        tries = 1
        wait_s = 3
        [node.help_before.to]
        pay = "brief"
        no_match = "brief"
        no_input = "brief"
        [node.card]
        zone = {{ card = "Your card?", cvc = "Its code?", lookup = "charge", tries = 1, wait_s = 12 }}
        to = {{ paid = "bye", declined = "bye", no_match = "bye", no_input = "bye", cut_failed = "bye" }}
        [node.brief]
        zone = {{ card = "Your card?", lookup = "charge", tries = 1, wait_s = 1 }}
        to = {{ paid = "then", declined = "then", no_match = "then", no_input = "then", cut_failed = "then" }}
        [node.then]
        decide = [
          {{ when = "caller.number == \"31\" or caller.number == \"32\"", exit = "account" }},
          {{ when = "caller.number == \"33\"", exit = "help" }},
        ]
        to = {{ account = "account_after", help = "help_after", otherwise = "bye" }}
        [node.account_after]
        collect = {{ slot = "account", kind = {{ digits = {{ least = 4, most = 12 }} }}, prompt = "Your account number?", tries = 1, wait_s = 5 }}
        to = {{ done = "bye", no_match = "bye", no_input = "bye" }}
        [node.help_after.ask]
        prompt = "How can I help?"
        answers = {{ pay = ["I want to pay"] }}
        tries = 1
        wait_s = 5
        [node.help_after.to]
        pay = "bye"
        no_match = "bye"
        no_input = "bye"
        [node.bye]
        hang_up = {{ prompt = "Thank you for calling. We are here for you again tomorrow, from nine to five. Goodbye." }}
        "#
    )
}

/// Whether a card was given where the call was asked, so that there was something to be found.
fn was_given(call: &Value, journal: &str) -> bool {
    let said = call["words"].as_str().is_some_and(|words| words.contains("[card]"));
    // On a busy machine the last reading may come too late, and what may be a card is not told before.
    let late = call["overruns"].as_array().is_some_and(|overruns| !overruns.is_empty());
    said || late || journal.contains('•')
}

/// The one trouble that a call may have.
const TOO_LATE: &str = "the recognizer gave no answer in time";

/// What must not be found: every row of so many digits in a card.
struct Cards(usize, HashSet<Vec<u8>>);

impl Cards {
    fn of(canaries: &[Canary], least: usize) -> Cards {
        let parts = canaries.iter().flat_map(|canary| canary.card.as_bytes().windows(least));
        Cards(least, parts.map(<[u8]>::to_vec).collect())
    }

    /// Where digits of cards are in a file, with what stands before them.
    fn finds(&self, bytes: &[u8]) -> Vec<String> {
        let (mut found, mut at) = (Vec::new(), 0);
        for row in bytes.split(|byte| !byte.is_ascii_digit()) {
            if !is_time_or_fraction(&bytes[..at], row) {
                let parts = row.windows(self.0).filter(|part| self.1.contains(*part));
                let around = &bytes[at.saturating_sub(20)..at + row.len()];
                found.extend(parts.map(|_| String::from_utf8_lossy(around).into_owned()));
            }
            at += row.len() + 1;
        }
        found
    }
}

/// Whether a row of digits is a number of those that a thousand calls leave so many of that some look like a part of a
/// card: the nanoseconds and Unix times of the journals, and probabilities.
fn is_time_or_fraction(before: &[u8], row: &[u8]) -> bool {
    let is_fraction = matches!(before, [.., digit, b'.'] if digit.is_ascii_digit());
    // Of this day, in seconds or milliseconds; bytes before it in a database may be digits, too.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later").as_secs();
    let is_unix =
        row.len() >= 10 && row.windows(5).any(|part| now.to_string().as_bytes().starts_with(part));
    is_fraction || is_unix || before.ends_with(b"\"nanos\":")
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let below = entries.map(|entry| entry.path()).filter(|path| !path.is_symlink());
    below.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The keys whose tones are in the sound.
fn keyed(samples: &[i16]) -> String {
    let (mut detector, mut keys) = (DtmfDetector::new(), String::new());
    detector.push(samples, |event| {
        if let KeyEvent::Pressed { key, .. } = event {
            keys.push(key);
        }
    });
    keys
}

/// The digits of a text, those that are written as words too.
fn digits_of(text: &str) -> String {
    const NAMES: [&str; 11] =
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "oh"];
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let digits = words.map(|word| match NAMES.iter().position(|name| *name == word) {
        Some(digit) => (digit % 10).to_string(),
        None if word.bytes().all(|byte| byte.is_ascii_digit()) => word.to_owned(),
        None => " ".to_owned(),
    });
    digits.collect()
}

/// The left track of a WAV file of ours: the caller.
fn callers_side(path: &Path) -> Vec<i16> {
    let bytes = std::fs::read(path).expect("it is there");
    let channels = usize::from(u16::from_le_bytes([bytes[22], bytes[23]]));
    let samples = bytes[44..].chunks_exact(2).map(|it| i16::from_le_bytes([it[0], it[1]]));
    samples.step_by(channels).collect()
}

#[test]
fn no_card_is_kept_whenever_and_however_it_is_given() {
    let many = std::env::var("PATCHCORD_CANARIES").ok().and_then(|text| text.parse().ok());
    let many: usize = many.unwrap_or(CANARIES);
    let (port, taken) = till();
    let started =
        Asterisk::start_with(&[("pjsip.conf", "\n[provider](+type=endpoint)\ndtmf_mode = auto\n")]);
    let stage = started.and_then(|asterisk| {
        let patchcord = Patchcord::start_tracing(&asterisk, &flow(port), FOLDERS)?;
        Ok(Stage { asterisk, patchcord })
    });
    let Some(stage) = unless_skipped(stage) else { return };
    let folder = stage.patchcord.folder();
    let canaries: Vec<Canary> = (0..many).map(Canary::new).collect();
    let mut calls = Vec::new();
    for crowd in canaries.chunks(AT_ONCE) {
        let mut callers = Vec::new();
        for canary in crowd {
            let says =
                if canary.by == By::Voice { read_out(&canary.card, folder) } else { Vec::new() };
            callers.push(canary.caller(&says).start(&stage.asterisk).expect("a caller"));
            sleep(APART);
        }
        calls.extend(crowd.iter().map(|_| stage.next_call()));
        for caller in callers {
            caller.finish(PATIENCE).expect("it is over");
        }
    }
    stage.nothing_is_left();

    // Each was given, and where there was a zone, it was taken there. A phone that a thousand callers keep busy may lose a key.
    let lost = many / 100;
    // All that is wrong is told at once: a thousand calls are not soon called again.
    let (mut unpaid, mut wrong) = (0, Vec::new());
    for canary in &canaries {
        let paid = || {
            let taken = taken.lock().expect("nobody panics");
            taken.iter().any(|body| body.contains(&canary.card))
        };
        let pays = canary.when == When::Within && canary.by != By::Voice;
        let here = |call: &&Value| call["call"] == canary.number();
        let lived: Vec<_> = calls.iter().filter(here).collect();
        if pays && !paid() && unpaid < lost {
            unpaid += 1;
            continue;
        }
        if paid() != pays {
            wrong.push(format!("{} paid: {}; {lived:?}", canary.number(), paid()));
        }
    }
    let (mut misheard, mut incomplete) = (Vec::new(), 0);
    for call in &calls {
        let number = call["call"].as_str().unwrap_or_else(|| panic!("{call}"));
        let id = call["id"].as_str().and_then(|id| id.rsplit_once('-'));
        let (channel, _) = id.unwrap_or_else(|| panic!("{call}"));
        let journal = folder.join("journals").join(format!("{channel}.journal"));
        let journal = std::fs::read_to_string(&journal)
            .unwrap_or_else(|e| panic!("{}: {e}", journal.display()));
        let outside = !number.starts_with('2');
        match was_given(call, &journal) {
            // Words that the recogniser makes no digits of are no card's to anybody.
            false if outside && number.ends_with('3') => misheard.push(channel.to_owned()),
            false if outside && incomplete < lost => incomplete += 1,
            given if given != outside => wrong.push(format!("given: {given}; {call}")),
            _ => {}
        }
        // What a busy machine does not read is told, too; that what is kept may hold a card is not to be.
        let mut troubles = call["troubles"].as_array().expect("a list").iter();
        if call["recordings"][0]["ended"] != "stopped" || !troubles.all(|why| why == TOO_LATE) {
            wrong.push(call.to_string());
        }
    }
    assert!(misheard.len() * 4 <= many, "{} of {many} were misheard", misheard.len());

    // And is nowhere: not in the journals, the database and its spool, captures and recordings, the log, the lines of calls.
    let (cards, cards_in_sound) =
        (Cards::of(&canaries, A_FIND), Cards::of(&canaries, A_FIND_IN_SOUND));
    let log = stage.patchcord.log();
    assert!(log.contains("TRACE"), "all is logged");
    let mut found = |sought: &Cards, bytes: &[u8], place: &dyn Fn() -> String| {
        let finds = sought.finds(bytes);
        if !finds.is_empty() {
            wrong.push(format!("{finds:?} in {}", place()));
        }
    };
    for line in log.lines() {
        found(&cards, line.as_bytes(), &|| line.to_owned());
    }
    for call in &calls {
        found(&cards, call.to_string().as_bytes(), &|| call.to_string());
    }
    let (mut recognizer, mut sounds) = (recognizer(), 0);
    let kept = files(folder);
    for file in &kept {
        let (shown, bytes) = (file.display(), std::fs::read(file).expect("it can be read"));
        let is_capture = file.extension().is_some_and(|ending| ending == "pcapng");
        let sought = if is_capture { &cards_in_sound } else { &cards };
        found(sought, &bytes, &|| shown.to_string());
        if file.extension().is_some_and(|ending| ending == "wav") {
            sounds += 1;
            let sound = callers_side(file);
            let (keyed, said) = (keyed(&sound), read(&mut recognizer, &sound));
            let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
            let is_misheard =
                |channel: &String| name.as_ref().is_some_and(|it| it.contains(channel));
            let heard = match misheard.iter().any(is_misheard) {
                true => keyed.clone(),
                false => [keyed.clone(), digits_of(&said)].concat(),
            };
            found(&cards, heard.as_bytes(), &|| format!("{shown}: {keyed}, {said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(kept.iter().any(|file| file.ends_with("patchcord.db")), "{kept:?}");
    // The search itself finds what there is to find.
    for canary in canaries.iter().take(CANARIES) {
        assert_eq!(cards.finds(canary.card.as_bytes()).len(), 9, "{}", canary.card);
    }
    let spoken = canaries.iter().take(CANARIES).filter(|canary| canary.by == By::Voice);
    let spoken: Vec<_> = spoken.map(|canary| read_out(&canary.card, folder)).collect();
    let said = spoken.iter().map(|sound| digits_of(&read(&mut recognizer, sound)));
    assert!(said.filter(|said| !cards.finds(said.as_bytes()).is_empty()).count() >= 2);
    assert_eq!(sounds, 3 * many, "a recording, its mix and a capture each");
    println!(
        "{many} cards: none in {} files, {sounds} of them sound, and {} bytes of log; {} were misheard, {} of the keyed ones incomplete",
        kept.len(),
        log.len(),
        misheard.len(),
        unpaid + incomplete
    );
}
