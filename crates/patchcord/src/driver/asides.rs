//! The agents who are told of the caller and do not hear the caller yet: what we say to each, and what each says.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use engines::listener::Heard;
use futures_util::future::select_all;
use media::{LegEvent, Playout};
use tokio::sync::mpsc;

use super::line::Line;
use crate::desk::Answers;
use crate::hear::CallClock;

/// The lines to agents, by attempt.
pub(super) struct Asides {
    lines: BTreeMap<u32, Aside>,
    heard: (mpsc::UnboundedSender<Overheard>, mpsc::UnboundedReceiver<Overheard>),
}

/// By the agent of which attempt, and what.
type Overheard = (u32, Heard);

struct Aside {
    line: Line,
    /// What was said last; nothing yet is 0.
    said: u64,
    answers: Option<Arc<Answers>>,
}

/// Something that happened on the line of an attempt.
pub(super) enum Told {
    Leg(u32, LegEvent),
    Heard(u32, Heard),
}

impl Asides {
    pub(super) fn new() -> Self {
        Self { lines: BTreeMap::new(), heard: mpsc::unbounded_channel() }
    }

    pub(super) fn open(&mut self, attempt: u32, line: Line) {
        self.lines.insert(attempt, Aside { line, said: 0, answers: None });
    }

    pub(super) fn close(&mut self, attempt: u32) {
        self.lines.remove(&attempt);
    }

    /// What happens next; waits for ever while there is nobody.
    pub(super) async fn next(&mut self) -> Told {
        let (lines, heard) = (&mut self.lines, &mut self.heard.1);
        let legs = lines.iter_mut().map(|(&attempt, aside)| {
            Box::pin(async move { Told::Leg(attempt, aside.line.next_event().await) })
        });
        let legs: Vec<_> = legs.collect();
        let leg = async {
            match legs.is_empty() {
                true => std::future::pending().await,
                false => select_all(legs).await.0,
            }
        };
        tokio::select! {
            told = leg => told,
            Some((attempt, heard)) = heard.recv() => Told::Heard(attempt, heard),
        }
    }

    /// Says something in place of what is said there now.
    pub(super) fn say(&mut self, attempt: u32, samples: Arc<[i16]>) {
        if let Some(aside) = self.lines.get_mut(&attempt) {
            aside.said += 1;
            aside.line.stop_playing();
            aside.line.play(Playout::once(aside.said, samples));
        }
    }

    /// Whether this is the end of what was said last.
    pub(super) fn is_last(&self, attempt: u32, said: u64) -> bool {
        self.lines.get(&attempt).is_some_and(|aside| aside.said == said)
    }

    /// Has an agent listened to by `ear`, which tells what it hears by the closure that it is given.
    pub(super) fn listen<E>(
        &mut self,
        attempt: u32,
        answers: Arc<Answers>,
        ear: impl FnOnce(Box<dyn FnMut(Heard) + Send>) -> Result<engines::hearing::Ear, E>,
    ) -> Result<(), E> {
        let Some(aside) = self.lines.get_mut(&attempt) else { return Ok(()) };
        let heard = self.heard.0.clone();
        // The call may be over; then nobody wants to know.
        let tell = Box::new(move |event| drop(heard.send((attempt, event))));
        aside.line.listen(ear(tell)?);
        aside.answers = Some(answers);
        Ok(())
    }

    /// What may be said on a line, and its clock.
    pub(super) fn answers(
        &self,
        attempt: u32,
        arrival: Duration,
    ) -> Option<(Arc<Answers>, CallClock)> {
        let aside = self.lines.get(&attempt)?;
        Some((aside.answers.clone()?, aside.line.clock(arrival)))
    }
}
