//! An agent who has answered is told of the caller, and takes the call or refuses it, by a key or in words.

use std::time::Duration;

use flow::{Introduction, Reply};
use intent::{Commit, Cut};

use super::Context;
use super::asking::{commit, filled};
use crate::words::{Command, Heard};

/// How long an agent may think once everything is said, and how long all of it may take.
const THINKING: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(60);
/// How often an agent is told who says nothing: a voicemail says nothing that counts.
const TIMES: u32 = 2;

/// An agent who hears us and not yet the caller.
#[derive(Debug)]
pub(super) struct Introducing {
    attempt: u32,
    introduction: Introduction,
    commit: Commit,
    told: u32,
    /// When the agent has taken too long to answer, and when all of it has.
    until: Duration,
    last: Duration,
}

/// What an agent said to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing yet.
    Open,
    Takes,
    Refuses,
    /// Nothing in time.
    Silent,
}

impl Introducing {
    pub(super) fn begin(context: &mut Context, attempt: u32, introduction: Introduction) -> Self {
        let commit = commit(context, &introduction.question);
        let last = context.now + WHOLE;
        let mut introducing = Self { attempt, introduction, commit, told: 0, until: last, last };
        introducing.tell(context);
        introducing
    }

    /// When to look again.
    pub(super) fn until(&self) -> Duration {
        self.until
    }

    /// Everything is said.
    pub(super) fn told(&mut self, context: &Context) {
        self.until = self.last.min(context.now + THINKING);
    }

    pub(super) fn key(&self, key: char) -> Verdict {
        self.verdict(&Reply::Digits(key.to_string()))
    }

    pub(super) fn heard(&mut self, heard: &Heard) -> Verdict {
        let found = self.commit.observe(&heard.ranking, &heard.text, heard.cut);
        if heard.cut == Cut::Final {
            // The next words are another turn.
            self.commit.forget();
        }
        let Some(found) = found else { return Verdict::Open };
        let question = &self.introduction.question;
        self.verdict(&question.reply(found.intent, found.probability, filled(heard)))
    }

    /// The time is over.
    pub(super) fn late(&mut self, context: &mut Context) -> Verdict {
        if self.told >= TIMES || self.last <= context.now {
            return Verdict::Silent;
        }
        self.tell(context);
        Verdict::Open
    }

    fn tell(&mut self, context: &mut Context) {
        self.told += 1;
        self.until = self.last;
        context.command(Command::Whisper {
            attempt: self.attempt,
            say: self.introduction.say.clone(),
            question: self.introduction.question.clone(),
        });
    }

    fn verdict(&self, reply: &Reply) -> Verdict {
        match self.introduction.question.yes_or_no(reply) {
            Some(true) => Verdict::Takes,
            Some(false) => Verdict::Refuses,
            None => Verdict::Open,
        }
    }
}
