//! One set of scripted calls that Asterisk and its stand-in both live through, and what each says of them.
//!
//! A [scenario](scenarios::ALL) is written once, against a [`World`]. Playing it gives a [`Trace`]: every reply, and
//! the events of each channel, bridge and playback in order, with what cannot agree left out by an explicit list. Two
//! traces of one scenario agree or they do not; [`GOLDEN`] holds Asterisk's, so that `pbx` is held to them on machines
//! that have no Asterisk.
//!
//! Where `pbx` differs on purpose, no scenario goes, or [`IGNORED`] names the field or event and the reason:
//!
//! - A command does not wait behind a playback; in Asterisk answering, setting a variable and joining a bridge do.
//! - Recording, snooping, and playing to a bridge are answered 501: no call of ours needs them.
//! - Any priority of a place exists, because places have no steps.
//! - A call's thread takes no time: what follows a hang-up is told at once.

mod asterisk;
mod embedded;
pub mod scenarios;
mod session;
mod trace;

pub use asterisk::AsteriskWorld;
pub use embedded::PbxWorld;
pub use session::{Session, Stuck};
pub use trace::{IGNORED, Ignored, Trace};

use std::time::Duration;

use crate::asterisk::RigError;

/// Asterisk 22's traces of all scenarios, in the form of [`write()`].
pub const GOLDEN: &str = include_str!("conformance/asterisk-22.txt");

/// The inbound number that every caller dials.
pub const DID: &str = "5550100";
/// The dialplan context in which calls arrive.
pub const CONTEXT: &str = "from-provider";
/// The application that the dialplan hands them to.
pub const APP: &str = "patchcord";
/// A sound that both worlds have, of [`SOUND_LENGTH`].
pub const SOUND: &str = "sound:/rig/tone";
/// How long [`SOUND`] is.
pub const SOUND_LENGTH: Duration = Duration::from_millis(1000);

/// A PBX with people around it.
pub trait World {
    /// A client's way in.
    fn access(&self) -> Access;
    /// Ann, number 5550199, calls [`DID`].
    fn call(&mut self) -> Result<(), RigError>;
    /// Waits until the latest caller knows of the answer.
    fn answered(&mut self) -> Result<(), RigError>;
    /// The latest caller presses a key.
    fn press(&mut self, key: char);
    /// The latest caller hangs up; before the answer, gives up.
    fn hang_up(&mut self);
    /// The phone `PJSIP/name` is there from now on.
    fn phone(&mut self, name: &str, reaction: Reaction) -> Result<(), RigError>;
    /// The people at all phones hang up.
    fn phones_hang_up(&mut self);
    /// Everybody goes away.
    fn clear(&mut self);
}

/// Where ARI is, and who may use it.
#[derive(Debug, Clone)]
pub struct Access {
    /// For example `http://127.0.0.1:8088/ari`.
    pub url: String,
    /// The ARI user.
    pub username: String,
    /// The ARI user's password.
    pub password: String,
}

/// How a phone takes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    /// Rings shortly, then is answered.
    Answers,
    /// Rings for ever.
    Rings,
    /// Refuses as busy.
    Busy,
    /// Refuses for good: SIP 603.
    Declines,
}

/// Plays all scenarios, or those whose names contain `filter`, one after the other.
///
/// A scenario that does not come to its end is told in the list of the stuck, and has no trace.
///
/// # Errors
/// When the PBX itself cannot be used.
pub async fn play(world: &mut dyn World, filter: &str) -> Result<(Vec<Trace>, Vec<Stuck>), Stuck> {
    let Access { url, username, password } = world.access();
    let config = ari::Config::new(&url, username, password, APP).map_err(Stuck::because)?;
    let (client, arrivals) = ari::Client::connect(config).await.map_err(Stuck::because)?;
    drop(arrivals);
    let (mut traces, mut stuck) = (Vec::new(), Vec::new());
    for (name, script) in scenarios::ALL.iter().filter(|(name, _)| name.contains(filter)) {
        let mut session = Session::begin(&client, world, name);
        let played = script(&mut session).await;
        match session.end(played).await {
            Ok(trace) => traces.push(trace),
            Err(error) => stuck.push(error),
        }
    }
    client.close().await;
    Ok((traces, stuck))
}

/// Traces as one text.
pub fn write(traces: &[Trace]) -> String {
    traces.iter().map(|trace| format!("=== {}\n{}\n", trace.name, trace.text)).collect()
}

/// The text of one scenario's trace within what [`write()`] wrote.
pub fn find<'a>(written: &'a str, name: &str) -> Option<&'a str> {
    let sections = written.split("=== ").filter_map(|section| section.split_once('\n'));
    sections.into_iter().find(|(title, _)| *title == name).map(|(_, text)| text.trim_end())
}

/// Where two traces differ: each line with its own mark, `-` for what was expected.
pub fn differences(expected: &str, seen: &str) -> String {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let (expected, seen) = (lines(expected), lines(seen));
    let same = expected.iter().zip(&seen).take_while(|(a, b)| a == b).count();
    let rest = (expected.len() - same).min(seen.len() - same);
    let tail = (0..rest)
        .take_while(|back| expected[expected.len() - 1 - back] == seen[seen.len() - 1 - back])
        .count();
    let mark = |mark: &'static str, lines: &[String]| {
        lines.iter().map(|line| format!("{mark} {line}\n")).collect::<String>()
    };
    let (old, new) = (&expected[same..expected.len() - tail], &seen[same..seen.len() - tail]);
    mark("-", old) + &mark("+", new)
}
