//! A call, its clock, and short words for what happens to it.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use std::collections::BTreeMap;

use call::{
    Call, Command, Course, Fallback, Heard, Input, PlayId, Played, Receptionist, Record, Sound,
    What,
};
use flow::{Civil, Errand, Facts, Flow};
use intent::{Cut, IntentId, Ranking, Scored};

pub(super) const DESK: &str = r#"
name = "Test desk"
fallback = "operator"
[prompts]
greeting = "greeting.wav"
again = "again.wav"
still_there = "still_there.wav"
menu = "menu.wav"
busy = "busy.wav"
goodbye = "goodbye.wav"
[[intent]]
name = "billing"
destination = "billing"
phrases = ["it is about my bill"]
[[intent]]
name = "tom"
destination = "tom"
phrases = ["tom becker please"]
[destination.operator]
endpoint = "PJSIP/operator"
[destination.billing]
endpoint = "PJSIP/billing"
announce = "billing.wav"
[destination.tom]
endpoint = "PJSIP/tom"
next = "billing"
[destination.hours]
dialplan = "announcements,hours,1"
[digits]
0 = "operator"
2 = "billing"
4 = "hours"
"#;

pub(super) fn desk() -> (Arc<Receptionist>, Course) {
    let desk = Receptionist::parse("desk.toml", DESK).expect("the desk is well formed");
    let course = desk.course().expect("it can be a flow");
    (Arc::new(desk), course)
}

/// A call to the test desk that has just arrived.
pub(super) fn call() -> Call {
    static DESK: LazyLock<(Arc<Receptionist>, Course)> = LazyLock::new(desk);
    Call::new(DESK.0.clone(), DESK.1.clone(), facts())
}

/// A call to the test desk that has just arrived, and goes through a flow of its own.
pub(super) fn call_through(flow: &str) -> Call {
    let (desk, course) = desk();
    let flow = Flow::parse("flow.toml", flow, &desk.book());
    let flow = flow.unwrap_or_else(|findings| panic!("{findings}"));
    Call::new(desk, Course { flow: Arc::new(flow), ..course }, facts())
}

pub(super) fn facts() -> Facts {
    Facts {
        caller_number: "+441234".to_owned(),
        caller_name: "Ann".to_owned(),
        called_number: "100".to_owned(),
        clock: Civil::parse("2026-03-03 10:00").expect("a moment"),
        language: None,
        caller: BTreeMap::new(),
    }
}

/// A reading that points at one wish with one probability.
pub(super) fn heard(text: &str, cut: Cut, wish: u32, probability: f32, now: Duration) -> Heard {
    let ms = Duration::from_millis;
    Heard {
        cut,
        slots: Vec::new(),
        text: text.to_owned(),
        ranking: points_at(wish, probability),
        through: now.saturating_sub(ms(80)),
        asked: now.saturating_sub(ms(60)),
        done: now,
        ranked_in: Duration::from_micros(50),
    }
}

fn points_at(wish: u32, probability: f32) -> Ranking {
    let intents = vec![Scored { intent: IntentId(wish), probability }];
    Ranking { intents, none: 1.0 - probability, ..Ranking::silence() }
}

/// A call in virtual time.
pub(super) struct Scene {
    call: Call,
    now: Duration,
    /// What was played, by name; the number of each is its place, from 1.
    played: Vec<String>,
}

impl Scene {
    /// A call that has just arrived.
    pub(super) fn arrive() -> Self {
        Self { call: call(), now: Duration::ZERO, played: Vec::new() }
    }

    /// A call that goes through a flow of its own, answered and with the caller's sound.
    pub(super) fn through(flow: &str) -> Self {
        let mut scene = Self { call: call_through(flow), now: Duration::ZERO, played: Vec::new() };
        assert_eq!(scene.commands(), ["answer", "open media"]);
        scene.after(20, Input::Answered).after(5, Input::MediaUp).after(20, Input::FirstAudio);
        scene
    }

    /// A call whose greeting plays; the commands up to there are taken.
    pub(super) fn conversing() -> Self {
        let mut scene = Self::arrive();
        scene.after(20, Input::Answered).after(5, Input::MediaUp).after(20, Input::FirstAudio);
        scene.commands();
        scene
    }

    pub(super) fn after(&mut self, ms: u64, input: Input) -> &mut Self {
        self.now += Duration::from_millis(ms);
        self.call.handle(self.now, input);
        self
    }

    pub(super) fn speaks(&mut self) -> &mut Self {
        let at = self.now + Duration::from_millis(200);
        self.after(260, Input::SpeechStarted { at })
    }

    pub(super) fn falls_silent(&mut self) -> &mut Self {
        let at = self.now + Duration::from_millis(100);
        self.after(600, Input::SpeechEnded { at })
    }

    pub(super) fn hears(&mut self, text: &str, cut: Cut, wish: u32, p: f32) -> &mut Self {
        self.now += Duration::from_millis(160);
        let heard = heard(text, cut, wish, p, self.now);
        self.after(0, Input::Heard(heard))
    }

    pub(super) fn audible(&mut self, sound: &str) -> &mut Self {
        let at = self.now + Duration::from_millis(20);
        let id = self.id(sound);
        self.after(20, Input::PromptAudible { id, at })
    }

    /// What plays ends.
    pub(super) fn ends(&mut self, ms: u64, sound: &str) -> &mut Self {
        let id = self.id(sound);
        self.after(ms, Input::PromptEnded(id))
    }

    fn id(&self, sound: &str) -> PlayId {
        let at = self.played.iter().rposition(|played| played == sound);
        PlayId(at.unwrap_or_else(|| panic!("{sound} was not played")) as u32 + 1)
    }

    /// Lets time pass to the next deadline.
    pub(super) fn wakes(&mut self) -> &mut Self {
        self.now = self.call.deadline().expect("something is waited for").max(self.now);
        self.after(0, Input::Wake)
    }

    /// What is to be done since the last look, in short words; not how soon to read.
    pub(super) fn commands(&mut self) -> Vec<String> {
        let commands: Vec<_> = std::iter::from_fn(|| self.call.poll()).collect();
        let commands = commands.into_iter().filter(|command| *command != Command::ReadSoon);
        commands.map(|command| self.told(command)).collect()
    }

    /// The names of the destinations that the commands since the last look connect to.
    pub(super) fn connects_to(&mut self) -> Vec<String> {
        let commands = self.commands();
        let names = commands.iter().filter_map(|it| it.strip_prefix("connect "));
        names.map(str::to_owned).collect()
    }

    fn told(&mut self, command: Command) -> String {
        match command {
            Command::Answer => "answer".to_owned(),
            Command::OpenMedia => "open media".to_owned(),
            Command::Play { id, what } => {
                let name = match what {
                    Played::Sounds(sounds) => {
                        sounds.iter().map(named).collect::<Vec<_>>().join(" + ")
                    }
                    Played::Voice(id) => format!("voice {}", id.0),
                    Played::Ringing => "ringing".to_owned(),
                    Played::Music(class) => format!("music {class}"),
                    Played::Beep => "beep".to_owned(),
                };
                self.played.push(name.clone());
                assert_eq!(id, PlayId(self.played.len() as u32));
                format!("play {name}")
            }
            Command::HoldPlaying => "hold".to_owned(),
            Command::ResumePlaying => "resume".to_owned(),
            Command::StopPlaying => "stop playing".to_owned(),
            Command::Listen(question) => format!("listen {}", question.name()),
            Command::ReadSoon => unreachable!("left out above"),
            Command::StopListening => "stop listening".to_owned(),
            Command::LookUp(request) => format!("look up {}", request.url),
            Command::OpenSpeech(_) => "open speech".to_owned(),
            Command::CloseSpeech => "close speech".to_owned(),
            Command::StopLookingUp => "stop looking up".to_owned(),
            Command::Write { id, brief } => match brief.errand {
                Errand::Phrase(words) => format!("write {}: {words}", id.0),
                Errand::Answer(talk) => format!("write {}: {:?}", id.0, talk.said.last()),
            },
            Command::StopWriting => "stop writing".to_owned(),
            Command::Prepare(sounds) => {
                format!("prepare {}", sounds.iter().map(named).collect::<Vec<_>>().join(" "))
            }
            Command::StartRecording => "record".to_owned(),
            Command::StopRecording => "stop recording".to_owned(),
            Command::BeginMessage { mailbox, most } => {
                format!("take a message for {mailbox}, {} s", most.as_secs())
            }
            Command::KeepMessage => "keep message".to_owned(),
            Command::DropMessage => "drop message".to_owned(),
            Command::EnterZone { attempt } => format!("enter zone {attempt}"),
            Command::LeaveZone => "leave zone".to_owned(),
            Command::TakeCard { item } => format!("take {}", item.name()),
            Command::EndCard => "end card".to_owned(),
            Command::DropCard => "drop card".to_owned(),
            Command::Pay { request, card } => {
                let items: Vec<&str> = card.iter().map(|(item, _)| item.name()).collect();
                format!("pay at {} with {}", request.url, items.join(", "))
            }
            Command::Connect { name, .. } => format!("connect {name}"),
            Command::Whisper { attempt, say, question } => {
                let say: Vec<_> = say.iter().map(named).collect();
                format!("tell {attempt} {}, listen {}", say.join(" "), question.name())
            }
            Command::Admit { attempt } => format!("admit {attempt}"),
            Command::EnterRoom { room, name } => format!("enter {room} as {name}"),
            Command::LeaveRoom => "leave room".to_owned(),
            Command::Mute { muted } => if muted { "mute" } else { "unmute" }.to_owned(),
            Command::LockRoom { locked } => if locked { "lock" } else { "unlock" }.to_owned(),
            Command::Hold { held } => if held { "music alone" } else { "room again" }.to_owned(),
            Command::ReportTransfer { attempt, news } => format!("tell {attempt}: {news:?}"),
            Command::Abandon { attempt } => format!("abandon {attempt}"),
            Command::CloseMedia => "close media".to_owned(),
            Command::GiveBack { place: None, .. } => "give back".to_owned(),
            Command::GiveBack { place: Some(place), .. } => format!("give to {}", place.exten),
            Command::HangUp => "hang up".to_owned(),
            Command::Finish => "finish".to_owned(),
        }
    }

    pub(super) fn overruns(&self) -> Vec<(What, Fallback)> {
        self.record().overruns.iter().map(|o| (o.what, o.fallback)).collect()
    }

    pub(super) fn now(&self) -> Duration {
        self.now
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.call.deadline()
    }

    pub(super) fn record(&self) -> &Record {
        self.call.record()
    }
}

fn named(sound: &Sound) -> String {
    match sound {
        Sound::File(name) => name.trim_end_matches(".wav").to_owned(),
        Sound::Spoken(words) => words.clone(),
    }
}
