//! A room in which callers hear each other. What we say there is said to one caller alone: each call has its own voice in
//! its caller's ear, and the others do not hear it.

use std::time::Duration;

use flow::{Reply, RoomSays, Sound};

use super::connecting::MUSIC;
use super::in_flow::{Progress, heard_besides};
use super::{Context, Event};
use crate::timers::Timer;
use crate::words::{Command, Input, NoRoom, PlayId, Played, RoomNews};

/// How long an announcement may take.
const ANNOUNCING: Duration = Duration::from_secs(60);

/// How long it may take to enter a room, or to leave it.
const MOVING: Duration = Duration::from_secs(5);

/// What a flow says of a caller's stay.
#[derive(Debug)]
pub(super) struct Stay {
    pub(super) room: String,
    pub(super) name: Option<String>,
    pub(super) most: Option<Duration>,
    pub(super) remind: Option<(Duration, Sound)>,
    pub(super) says: RoomSays,
}

/// A caller who is in a room, or on the way.
#[derive(Debug)]
pub(super) struct Conferring {
    stay: Stay,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The announcement comes first.
    Announced(PlayId),
    Entering,
    There {
        host: bool,
        muted: bool,
        locked: bool,
        held: bool,
        /// Whether nobody else is there.
        alone: bool,
    },
    Leaving,
}

impl Conferring {
    pub(super) fn begin(context: &mut Context, stay: Stay, announce: Option<Sound>) -> Self {
        context.hear_nothing();
        let mut conferring = Self { stay, place: Place::Entering };
        match context.say(announce.into_iter().collect()) {
            Some(id) => {
                conferring.place = Place::Announced(id);
                context.arm(Timer::Room, ANNOUNCING);
            }
            None => conferring.enter(context),
        }
        conferring
    }

    fn enter(&mut self, context: &mut Context) {
        let name = self.stay.name.clone().unwrap_or_default();
        context.command(Command::EnterRoom { room: self.stay.room.clone(), name });
        context.arm(Timer::Room, MOVING);
        self.place = Place::Entering;
    }

    pub(super) fn step(&mut self, context: &mut Context, event: Event) -> Progress {
        match event {
            Event::Input(Input::PromptEnded(id)) if self.place == Place::Announced(id) => {
                self.enter(context);
            }
            Event::Input(Input::RoomEntered { others }) => return self.entered(context, others),
            Event::Input(Input::RoomRefused(why)) => {
                context.timers.disarm(Timer::Room);
                return Progress::Over(match why {
                    NoRoom::Locked => Reply::Refused,
                    NoRoom::Failed(why) => Reply::Failed(why),
                });
            }
            Event::Input(Input::RoomLeft) if self.place == Place::Leaving => {
                return self.left(context);
            }
            Event::Input(Input::RoomTold(news)) => self.told(context, news),
            Event::Input(Input::Digit(key)) => return self.key(context, key),
            Event::Timer(Timer::Remind) => {
                if let Some((_, prompt)) = &self.stay.remind {
                    say(context, prompt.clone());
                }
            }
            Event::Timer(Timer::Room) => match self.place {
                Place::Announced(_) => self.enter(context),
                Place::There { .. } => self.leave(context),
                Place::Entering | Place::Leaving => {
                    self.stop(context);
                    return Progress::Over(Reply::Failed("a room did not open in time".to_owned()));
                }
            },
            event => return heard_besides(context, event),
        }
        Progress::Going
    }

    /// Takes the caller out of the room.
    pub(super) fn stop(&mut self, context: &mut Context) {
        self.disarm(context);
        context.command(Command::StopPlaying);
        if matches!(self.place, Place::Entering | Place::There { .. }) {
            self.go(context);
        }
    }

    fn entered(&mut self, context: &mut Context, others: u32) -> Progress {
        if self.place != Place::Entering {
            return Progress::Going;
        }
        let alone = others == 0;
        self.place = Place::There { host: alone, muted: false, locked: false, held: false, alone };
        match self.stay.most {
            Some(most) => context.arm(Timer::Room, most),
            None => context.timers.disarm(Timer::Room),
        }
        if let Some((after, _)) = &self.stay.remind {
            context.arm(Timer::Remind, *after);
        }
        if alone {
            context.play(Played::Music(MUSIC.to_owned()));
        }
        Progress::Joined(self.stay.room.clone())
    }

    fn left(&self, context: &mut Context) -> Progress {
        self.disarm(context);
        context.command(Command::StopPlaying);
        Progress::Over(Reply::Ended)
    }

    fn told(&mut self, context: &mut Context, news: RoomNews) {
        let Place::There { host, muted, locked, held, alone } = &mut self.place else { return };
        let says = &self.stay.says;
        match news {
            RoomNews::Came(_) => *alone = false,
            RoomNews::Went { others, .. } => *alone = others == 0,
            _ => {}
        }
        match news {
            RoomNews::Locked(now) => *locked = now,
            RoomNews::Host => {
                *host = true;
                tell(context, says.host.clone());
            }
            RoomNews::Muted(now) if now != *muted => {
                *muted = now;
                // Who is held is heard by nobody anyway.
                if !*held {
                    mute(context, now, says);
                }
            }
            RoomNews::Held(now) if now != *held => {
                *held = now;
                context.command(Command::StopPlaying);
                context.command(Command::Hold { held: now });
                context.command(Command::Mute { muted: now || *muted });
                if *alone && !now {
                    context.play(Played::Music(MUSIC.to_owned()));
                }
            }
            RoomNews::Removed => self.leave(context),
            // Who hears music would not hear this.
            _ if *held => {}
            RoomNews::Came(name) => tell(context, says.came(&name)),
            RoomNews::Went { others: 0, .. } => {
                context.play(Played::Music(MUSIC.to_owned()));
            }
            RoomNews::Went { name, .. } => tell(context, says.went(&name)),
            RoomNews::Muted(_) | RoomNews::Held(_) => {}
        }
    }

    fn key(&mut self, context: &mut Context, key: char) -> Progress {
        let Place::There { host, muted, locked, held, .. } = &mut self.place else {
            return Progress::Going;
        };
        let says = &self.stay.says;
        match key {
            '*' if *held => {}
            '*' => {
                *muted = !*muted;
                mute(context, *muted, says);
            }
            '#' if *host => {
                *locked = !*locked;
                context.command(Command::LockRoom { locked: *locked });
                tell(context, if *locked { &says.locked } else { &says.open }.clone());
            }
            '#' => {}
            key => return Progress::Key(key),
        }
        Progress::Going
    }

    fn leave(&mut self, context: &mut Context) {
        self.go(context);
        self.place = Place::Leaving;
        context.timers.disarm(Timer::Remind);
        context.arm(Timer::Room, MOVING);
    }

    fn go(&self, context: &mut Context) {
        // Outside everybody is heard.
        let Place::There { muted, held, .. } = self.place else {
            return context.command(Command::LeaveRoom);
        };
        if held {
            context.command(Command::Hold { held: false });
        }
        if muted || held {
            context.command(Command::Mute { muted: false });
        }
        context.command(Command::LeaveRoom);
    }

    fn disarm(&self, context: &mut Context) {
        context.timers.disarm(Timer::Room);
        context.timers.disarm(Timer::Remind);
    }
}

/// Says something to the caller alone; music ends with it.
fn say(context: &mut Context, sound: Sound) {
    context.say(vec![sound]);
}

fn tell(context: &mut Context, words: String) {
    say(context, Sound::Spoken(words));
}

fn mute(context: &mut Context, muted: bool, says: &RoomSays) {
    context.command(Command::Mute { muted });
    tell(context, if muted { &says.muted } else { &says.heard }.clone());
}
