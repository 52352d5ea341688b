//! A message: what is said before, a beep, and what the caller says until a key, a silence or the end.

use std::time::Duration;

use flow::{Reply, Sound};

use super::in_flow::Progress;
use super::{Context, Event};
use crate::timers::Timer;
use crate::words::{Command, Input, PlayId, Played};

/// The key that ends a message, or what is said before it.
const END: char = '#';
/// How long the caller may think after the beep.
const BEFORE: Duration = Duration::from_secs(8);
/// How long a silence ends a message.
const AFTER: Duration = Duration::from_secs(4);

/// A message that is being taken.
#[derive(Debug)]
pub(super) struct Message {
    mailbox: String,
    most: Duration,
    state: State,
}

#[derive(Debug)]
enum State {
    /// This is said before the beep.
    Prompt(PlayId),
    Beep(PlayId),
    Recording(Said),
    /// It is being put away.
    Closing,
}

/// Whether the caller has said anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Nothing,
    Something,
}

impl Message {
    pub(super) fn begin(
        context: &mut Context,
        say: Vec<Sound>,
        mailbox: String,
        most: Duration,
    ) -> Self {
        context.hear_nothing();
        let state = match context.say(say) {
            Some(playing) => State::Prompt(playing),
            None => State::Beep(context.play(Played::Beep)),
        };
        Self { mailbox, most, state }
    }

    pub(super) fn step(&mut self, context: &mut Context, event: Event) -> Progress {
        match event {
            Event::Input(Input::PromptEnded(id)) => self.played(context, id),
            Event::Input(Input::PromptAudible { at, .. }) => context.replied(at),
            Event::Input(Input::Digit(END)) => return self.end_key(context),
            Event::Input(Input::Digit(key)) => return Progress::Key(key),
            Event::Input(Input::SpeechStarted { .. }) => {
                if let State::Recording(said) = &mut self.state {
                    *said = Said::Something;
                    context.timers.disarm(Timer::Silence);
                }
            }
            Event::Input(Input::SpeechEnded { .. }) => {
                if let State::Recording(_) = self.state {
                    context.arm(Timer::Silence, AFTER);
                }
            }
            Event::Timer(Timer::Silence | Timer::Message) => return self.close(context),
            // It may have ended by itself.
            Event::Input(Input::MessageKept { .. }) => {
                disarm(context);
                return Progress::Over(Reply::Done);
            }
            Event::Input(Input::MessageFailed(why)) => {
                disarm(context);
                return Progress::Over(Reply::Failed(why));
            }
            _ => {}
        }
        Progress::Going
    }

    /// It ends where it is: what was said is kept.
    pub(super) fn stop(self, context: &mut Context) {
        match self.state {
            State::Prompt(_) | State::Beep(_) => context.command(Command::StopPlaying),
            State::Recording(said) => said.put_away(context),
            State::Closing => {}
        }
        disarm(context);
    }

    fn played(&mut self, context: &mut Context, id: PlayId) {
        match self.state {
            State::Prompt(playing) if playing == id => self.beep(context),
            State::Beep(playing) if playing == id => {
                self.state = State::Recording(Said::Nothing);
                context.command(Command::BeginMessage {
                    mailbox: self.mailbox.clone(),
                    most: self.most,
                });
                context.arm(Timer::Silence, BEFORE);
                context.arm(Timer::Message, self.most);
            }
            _ => {}
        }
    }

    fn beep(&mut self, context: &mut Context) {
        self.state = State::Beep(context.play(Played::Beep));
    }

    fn end_key(&mut self, context: &mut Context) -> Progress {
        match self.state {
            State::Prompt(_) => self.beep(context),
            State::Recording(_) => return self.close(context),
            State::Beep(_) | State::Closing => {}
        }
        Progress::Going
    }

    fn close(&mut self, context: &mut Context) -> Progress {
        let State::Recording(said) = self.state else { return Progress::Going };
        disarm(context);
        said.put_away(context);
        match said {
            Said::Nothing => Progress::Over(Reply::NoInput),
            Said::Something => {
                self.state = State::Closing;
                Progress::Going
            }
        }
    }
}

impl Said {
    fn put_away(self, context: &mut Context) {
        // Nobody tells when the caller falls silent any more.
        context.speaking = false;
        context.command(match self {
            Self::Nothing => Command::DropMessage,
            Self::Something => Command::KeepMessage,
        });
    }
}

fn disarm(context: &mut Context) {
    [Timer::Silence, Timer::Message].into_iter().for_each(|timer| context.timers.disarm(timer));
}
