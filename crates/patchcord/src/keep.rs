//! What is kept of a call: a row when it begins, and one with its turns and its record when it is over. Nothing here
//! waits: the store's writer takes what it is given, and brings it into the database when it can.

use std::time::{Duration, SystemTime};

use ari::Arrival;
use call::{Outcome, Record};
use serde::Serialize;
use store::{Audit, Call, Entry, FlowRef, Json, Speaker, Timestamp, Turn, Writer};

use crate::desk::Desk;
use crate::finished::Finished;
use crate::report;

/// Keeps what calls leave behind; nothing without a store.
#[derive(Clone, Default)]
pub(crate) struct Keeper(Option<Writer>);

/// What is known of a call when it begins.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Opening {
    /// Tells it from every other call of every program: its channel, and the moment.
    pub id: String,
    /// Milliseconds since 1970 (UTC).
    pub started: Timestamp,
    /// The caller's number, unless it is withheld.
    #[serde(skip)]
    pub caller: Option<String>,
    /// The number that was called.
    pub called: Option<String>,
    /// Which flow of the store it goes through, if it is one.
    pub flow: Option<FlowRef>,
}

impl Opening {
    pub(crate) fn of(arrival: &Arrival, desk: &Desk) -> Self {
        let channel = &arrival.start.channel;
        let started = Timestamp::from(SystemTime::now() - arrival.at.elapsed());
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Self {
            id: format!("{}-{}", channel.id, started.0),
            started,
            caller: some(&channel.caller.number),
            called: some(&channel.dialplan.exten),
            flow: desk.flow.clone(),
        }
    }

    fn call(&self, record: Json) -> Call {
        Call {
            id: self.id.clone(),
            started: self.started,
            ended: None,
            caller: self.caller.clone(),
            called: self.called.clone(),
            destination: None,
            outcome: None,
            intent: None,
            flow: self.flow.clone(),
            node: None,
            record,
        }
    }
}

impl Keeper {
    pub(crate) fn new(writer: Writer) -> Self {
        Self(Some(writer))
    }

    /// A call has arrived.
    pub(crate) fn begin(&self, opening: &Opening) -> Open {
        let open = Open { keeper: self.clone(), opening: opening.clone(), closed: false };
        if self.0.is_some() {
            self.write(opening.call(nothing()));
        }
        open
    }

    /// Something has happened that somebody may have to account for.
    pub(crate) fn audit(&self, audit: Audit) {
        self.write(audit);
    }

    /// Accepts nothing more, and gives the database so long to take what was accepted; what came to nothing, in words.
    pub(crate) async fn stop(&self, within: Duration) -> Option<String> {
        let stopped = self.0.as_ref()?.stop(within).await;
        let mut left = Vec::new();
        if stopped.waiting > 0 {
            left.push(format!("{} records wait in the spool for the next start", stopped.waiting));
        }
        if stopped.lost > 0 {
            left.push(format!("{} records are lost", stopped.lost));
        }
        Some(left.join("; ")).filter(|left| !left.is_empty())
    }

    fn write(&self, entry: impl Into<Entry>) {
        if let Some(writer) = &self.0
            && let Err(rejected) = writer.write(entry)
        {
            tracing::error!("{rejected}");
        }
    }
}

/// A call that goes on. One whose task ends otherwise than the call, by a panic or with the program, is broken off.
pub(crate) struct Open {
    keeper: Keeper,
    opening: Opening,
    closed: bool,
}

impl Open {
    /// The call is over. Its record has been redacted.
    pub(crate) fn close(mut self, call: &Finished) {
        self.closed = true;
        if self.keeper.0.is_some() {
            entries(&self.opening, call).into_iter().for_each(|entry| self.keeper.write(entry));
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.closed || self.keeper.0.is_none() {
            return;
        }
        let outcome = Some("broken_off".to_owned());
        let ended = Some(Timestamp::now());
        self.keeper.write(Call { ended, outcome, ..self.opening.call(nothing()) });
    }
}

/// The record of a call of which nothing is known but its opening.
fn nothing() -> Json {
    Json::parse("{}".to_owned()).expect("it is JSON")
}

/// All that a call leaves behind. A journal would be one more.
fn entries(opening: &Opening, call: &Finished) -> Vec<Entry> {
    let record = &call.record;
    let json = Json::parse(report::json(call)).expect("a report is JSON");
    let whole = Call {
        ended: Some(Timestamp(opening.started.0.saturating_add(millis(record.lasted())))),
        destination: record.destination().map(str::to_owned),
        outcome: record.outcome.map(|outcome| Outcome::name(outcome).to_owned()),
        intent: record.decision.as_ref().and_then(|decision| decision.intent.clone()),
        node: record.path.last().map(|step| step.node.to_string()),
        ..opening.call(json)
    };
    let turns = (0..record.turns.len()).map(|at| turn(&opening.id, record, at));
    [Entry::Call(whole)].into_iter().chain(turns.map(Entry::Turn)).collect()
}

fn turn(call: &str, record: &Record, at: usize) -> Turn {
    let turn = &record.turns[at];
    let node = record.path.iter().rev().find(|step| step.at <= turn.from);
    // The turn that a decision is of is the last that had begun by then.
    let next = record.turns.get(at + 1).map(|next| next.from);
    let decision = record
        .decision
        .as_ref()
        .filter(|decision| decision.at >= turn.from && next.is_none_or(|next| decision.at < next));
    Turn {
        call: call.to_owned(),
        number: at as i64,
        speaker: Speaker::Caller,
        from_ms: millis(turn.from),
        to_ms: turn.to.map(millis),
        words: turn.words.clone(),
        intent: decision.and_then(|decision| decision.intent.clone()),
        node: node.map(|step| step.node.to_string()),
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
