//! Recordings: begun and ended where the flow says so, and known for what they are.

use flow::{Reply, Turn};

use super::in_flow::Progress;
use super::{Context, Event};
use crate::kept::{Message, Recording};
use crate::words::{Command, Input};

/// The recording is being switched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Switching(Turn);

impl Switching {
    /// Begins; what came of it, if it is as it should be already.
    pub(super) fn begin(context: &mut Context, turn: Turn) -> Result<Self, Reply> {
        match turn {
            Turn::On if context.is_recorded() => return Err(Reply::Done),
            Turn::On => context.command(Command::StartRecording),
            Turn::Off => context.command(Command::StopRecording),
        }
        Ok(Self(turn))
    }

    /// What an event means to it, if anything.
    pub(super) fn step(self, event: &Event) -> Option<Progress> {
        match (self.0, event) {
            (Turn::On, Event::Input(Input::RecordingBegan { .. }))
            | (Turn::Off, Event::Input(Input::RecordingOff)) => Some(Progress::Over(Reply::Done)),
            (Turn::On, Event::Input(Input::RecordingRefused(why))) => {
                Some(Progress::Over(Reply::Failed(why.clone())))
            }
            _ => None,
        }
    }
}

impl Context {
    fn is_recorded(&self) -> bool {
        self.record.recordings.iter().any(|recording| recording.to.is_none())
    }

    /// Keeps what is told of recordings and messages, whatever is going on and also when the call is over.
    pub(super) fn note_kept(&mut self, input: &Input) {
        match input {
            Input::RecordingBegan { id, by, path } => self.record.recordings.push(Recording {
                id: *id,
                by: *by,
                path: path.clone(),
                from: self.now,
                to: None,
                ended: None,
            }),
            Input::RecordingEnded { id, why } => {
                let mut known = self.record.recordings.iter_mut();
                if let Some(recording) = known.find(|it| it.id == *id && it.to.is_none()) {
                    recording.to = Some(self.now);
                    recording.ended = Some(why.clone());
                }
            }
            Input::RecordingRefused(why) | Input::MessageFailed(why) => {
                self.record.troubles.push(why.clone());
            }
            Input::MessageKept { mailbox, path } => self.record.messages.push(Message {
                mailbox: mailbox.clone(),
                path: path.clone(),
                at: self.now,
            }),
            _ => {}
        }
    }
}
