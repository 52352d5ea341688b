//! One run, told as a short scene.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use flow::{
    Book, Civil, Effect, Facts, Flow, Input, Outcome, Reply, Run, Sound, Task, TaskId, Value,
};

/// A run with its clock, and all that it has wanted so far.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) run: Run,
    pub(crate) now: Duration,
    task: Option<TaskId>,
    effects: Vec<Effect>,
}

pub(crate) fn facts() -> Facts {
    Facts {
        caller_number: "+441234567".to_owned(),
        caller_name: "Ann".to_owned(),
        called_number: "100".to_owned(),
        clock: Civil::parse("2026-03-03 10:00").expect("a moment"),
        language: None,
        caller: BTreeMap::from([("tier".to_owned(), Value::from("gold"))]),
    }
}

pub(crate) fn flow(text: &str, book: &Book) -> Arc<Flow> {
    let text = format!("schema = 1\nname = \"desk\"\n{text}");
    Arc::new(Flow::parse("desk.toml", &text, book).unwrap_or_else(|findings| panic!("{findings}")))
}

impl Scene {
    /// A call that has just begun.
    pub(crate) fn of(text: &str) -> Self {
        Self::with(text, &super::ready_made::book())
    }

    pub(crate) fn with(text: &str, book: &Book) -> Self {
        let run = Run::new(flow(text, book), facts());
        let mut scene = Self { run, now: Duration::ZERO, task: None, effects: Vec::new() };
        scene.hand(Input::Begin);
        scene
    }

    /// The task under way is answered after a second.
    pub(crate) fn tell(&mut self, reply: Reply) -> &mut Self {
        self.now += Duration::from_secs(1);
        let task = self.task.expect("a task is under way");
        self.hand(Input::Told { task, reply })
    }

    pub(crate) fn press(&mut self, keys: &str) -> &mut Self {
        self.tell(Reply::Digits(keys.to_owned()))
    }

    /// Time passes until the deadline.
    pub(crate) fn wait(&mut self) -> &mut Self {
        self.now = self.run.deadline().expect("something has a deadline");
        self.hand(Input::Wake)
    }

    pub(crate) fn hand(&mut self, input: Input) -> &mut Self {
        self.run.handle(self.now, input);
        while let Some(effect) = self.run.poll() {
            if let Effect::Do { task, .. } = &effect {
                self.task = Some(*task);
            }
            self.effects.push(effect);
        }
        self
    }

    /// What it has wanted since this was asked last.
    pub(crate) fn effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// The task that was begun since effects were asked for last, the last one if there are several.
    pub(crate) fn task(&mut self) -> Task {
        let tasks = self.effects().into_iter().filter_map(|effect| match effect {
            Effect::Do { what, .. } => Some(what),
            _ => None,
        });
        tasks.last().expect("a task was begun")
    }

    /// The words of the task that was begun last.
    pub(crate) fn said(&mut self) -> Vec<String> {
        let sounds = match self.task() {
            Task::Say(say)
            | Task::Phrase { otherwise: say, .. }
            | Task::Ask { say, .. }
            | Task::Collect { say, .. }
            | Task::TakeCard { say, .. }
            | Task::Voicemail { say, .. }
            | Task::Lookup { say, .. } => say,
            other => panic!("nothing is said by {other:?}"),
        };
        let words = sounds.into_iter().map(|sound| match sound {
            Sound::Spoken(words) => words,
            Sound::File(name) => name,
        });
        words.collect()
    }

    /// How it ended, which must be the last thing it wanted.
    pub(crate) fn end(&mut self) -> Outcome {
        match self.effects().pop() {
            Some(Effect::End(outcome)) => outcome,
            other => panic!("it is not over: {other:?}"),
        }
    }

    /// The nodes that it has come to.
    pub(crate) fn path(&self) -> Vec<&str> {
        self.run.trace().iter().map(|step| &*step.node).collect()
    }
}
