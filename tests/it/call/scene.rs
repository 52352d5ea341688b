//! A call, its clock, and short words for what happens to it.

use std::sync::Arc;
use std::time::Duration;

use call::{
    Call, Command, DestinationId, Fallback, Heard, Input, Prompt, Receptionist, Record, What,
};
use intent::{Cut, IntentId, Ranking, Scored};

const DESK: &str = r#"
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

pub(super) fn desk() -> Arc<Receptionist> {
    Arc::new(Receptionist::parse("desk.toml", DESK).expect("the desk is well formed"))
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
    desk: Arc<Receptionist>,
    now: Duration,
}

impl Scene {
    /// A call that has just arrived.
    pub(super) fn arrive() -> Self {
        let desk = desk();
        Self { call: Call::new(desk.clone()), desk, now: Duration::ZERO }
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

    pub(super) fn audible(&mut self, prompt: Prompt) -> &mut Self {
        let at = self.now + Duration::from_millis(20);
        self.after(20, Input::PromptAudible { prompt, at })
    }

    /// Lets time pass to the next deadline.
    pub(super) fn wakes(&mut self) -> &mut Self {
        self.now = self.call.deadline().expect("something is waited for").max(self.now);
        self.after(0, Input::Wake)
    }

    pub(super) fn commands(&mut self) -> Vec<Command> {
        std::iter::from_fn(|| self.call.poll()).collect()
    }

    /// The names of the destinations that the commands since the last look connect to.
    pub(super) fn connects_to(&mut self) -> Vec<String> {
        let commands = self.commands();
        let connects = commands.iter().filter_map(|command| match command {
            Command::Connect { destination, .. } => {
                Some(self.desk.destination(*destination).name.clone())
            }
            _ => None,
        });
        connects.collect()
    }

    pub(super) fn destination(&self, name: &str) -> DestinationId {
        let index = self.desk.destinations.iter().position(|d| d.name == name);
        DestinationId(index.expect("the desk has it"))
    }

    pub(super) fn overruns(&self) -> Vec<(What, Fallback)> {
        self.record().overruns.iter().map(|o| (o.what, o.fallback)).collect()
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.call.deadline()
    }

    pub(super) fn record(&self) -> &Record {
        self.call.record()
    }
}
