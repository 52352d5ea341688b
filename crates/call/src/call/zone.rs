//! The zone in which a card is keyed in: nothing listens or records, and no digit comes in here.
//!
//! The driver takes the keys. The call is told only that one was pressed, so that it can wait for the next, and gets the
//! digits sealed in a [`Secret`](flow::Secret).

use std::time::Duration;

use flow::{CardItem, Reply, Sound};

use super::in_flow::Progress;
use super::{Context, Event};
use crate::kept::{ZoneCut, ZoneEvent, ZoneMark};
use crate::timers::Timer;
use crate::words::{Command, Input, PlayId};

/// How long the cuts may take until they are confirmed.
const CUT: Duration = Duration::from_millis(500);

/// Where the call stands towards a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zone {
    Outside,
    Entering,
    Inside,
}

/// The zone is being entered.
#[derive(Debug)]
pub(super) struct Entering {
    /// Which attempt: a word about an earlier one counts for nothing.
    attempt: u32,
}

impl Entering {
    pub(super) fn begin(context: &mut Context) -> Self {
        context.zones += 1;
        context.zone = Zone::Entering;
        // What was being said is not waited for: it may go on inside.
        if std::mem::take(&mut context.speaking) {
            context.turn_ended(context.now);
        }
        context.listening = None;
        context.command(Command::EnterZone { attempt: context.zones });
        context.arm(Timer::Zone, CUT);
        Self { attempt: context.zones }
    }

    pub(super) fn step(&self, context: &mut Context, event: &Event) -> Progress {
        let what = match event {
            Event::Input(Input::ZoneEntered { attempt }) if *attempt == self.attempt => {
                ZoneEvent::Entered
            }
            Event::Input(Input::ZoneRefused { attempt, cut }) if *attempt == self.attempt => {
                ZoneEvent::Refused(*cut)
            }
            Event::Timer(Timer::Zone) => ZoneEvent::Refused(ZoneCut::Late),
            _ => return Progress::Going,
        };
        context.timers.disarm(Timer::Zone);
        context.mark_zone(what);
        Progress::Over(match what {
            ZoneEvent::Entered => {
                context.zone = Zone::Inside;
                Reply::Done
            }
            _ => Reply::CutFailed,
        })
    }
}

/// An item of the card is being keyed in.
#[derive(Debug)]
pub(super) struct TakingCard {
    playing: Option<PlayId>,
    wait: Duration,
}

impl TakingCard {
    pub(super) fn begin(
        context: &mut Context,
        item: CardItem,
        say: Vec<Sound>,
        wait: Duration,
    ) -> Self {
        context.command(Command::TakeCard { item });
        let playing = context.say(say);
        if playing.is_none() {
            context.arm(Timer::Silence, wait);
        }
        Self { playing, wait }
    }

    pub(super) fn step(&mut self, context: &mut Context, event: Event) -> Progress {
        match event {
            Event::Input(Input::PromptEnded(id)) if self.playing == Some(id) => {
                self.playing = None;
                context.arm(Timer::Silence, self.wait);
            }
            Event::Input(Input::CardKey) => {
                if self.playing.take().is_some() {
                    context.command(Command::StopPlaying);
                }
                context.timers.disarm(Timer::Silence);
                context.arm(Timer::Keys, self.wait);
            }
            Event::Input(Input::CardTaken(secret)) => {
                disarm(context);
                return Progress::Over(match secret.count() {
                    0 => Reply::NoInput,
                    _ => Reply::Card(secret),
                });
            }
            Event::Timer(Timer::Keys) => context.command(Command::EndCard),
            Event::Timer(Timer::Silence) => {
                self.stop(context);
                return Progress::Over(Reply::NoInput);
            }
            _ => {}
        }
        Progress::Going
    }

    /// Nobody waits for the digits any more.
    pub(super) fn stop(&mut self, context: &mut Context) {
        if self.playing.take().is_some() {
            context.command(Command::StopPlaying);
        }
        disarm(context);
        context.command(Command::DropCard);
    }
}

fn disarm(context: &mut Context) {
    [Timer::Silence, Timer::Keys].into_iter().for_each(|timer| context.timers.disarm(timer));
}

impl Context {
    /// Undoes the cuts, whether they were all made or not.
    pub(super) fn leave_zone(&mut self) {
        let was = std::mem::replace(&mut self.zone, Zone::Outside);
        if was == Zone::Inside {
            self.mark_zone(ZoneEvent::Left);
        }
        if was != Zone::Outside {
            self.timers.disarm(Timer::Zone);
            self.command(Command::LeaveZone);
        }
    }

    fn mark_zone(&mut self, what: ZoneEvent) {
        self.record.zone.push(ZoneMark { at: self.now, what });
    }
}
