//! Finished calls as JSON lines for programs, and as lines in time for people.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::time::Duration;

use call::{Mark, Message, Outcome, Recording, RecordingEnd, Slot, ZoneEvent, ZoneMark};
use serde::Serialize;

use crate::finished::Finished;
use crate::keep::Opening;

/// One call as one JSON object.
#[derive(Serialize)]
struct Line<'a> {
    call: &'a str,
    #[serde(flatten)]
    opening: Option<&'a Opening>,
    words: String,
    keywords: Vec<&'a str>,
    sentiment: f64,
    intent: Option<&'a str>,
    probability: Option<f64>,
    slots: Vec<SlotLine<'a>>,
    destination: Option<&'a str>,
    expected: Option<&'a str>,
    outcome: Option<&'a str>,
    /// To whom the agent handed the caller on.
    #[serde(skip_serializing_if = "Option::is_none")]
    transferred_to: Option<&'a str>,
    decided_by: Option<&'a str>,
    decide_ms: Option<f64>,
    act_ms: Option<f64>,
    answer_ms: Option<f64>,
    line: Option<LineLine>,
    /// The nodes of the flow that the call came to.
    path: Vec<&'a str>,
    waterfall: Vec<Bar>,
    attempts: Vec<Try<'a>>,
    overruns: Vec<OverrunLine>,
    troubles: &'a [String],
    recordings: Vec<RecordingLine<'a>>,
    messages: Vec<MessageLine<'a>>,
    zone: Vec<ZoneLine>,
}

#[derive(Serialize)]
struct RecordingLine<'a> {
    by: &'static str,
    path: &'a str,
    from_ms: f64,
    to_ms: Option<f64>,
    ended: Option<&'static str>,
}

#[derive(Serialize)]
struct MessageLine<'a> {
    mailbox: &'a str,
    path: &'a str,
    at_ms: f64,
}

#[derive(Serialize)]
struct ZoneLine {
    at_ms: f64,
    event: &'static str,
    /// The cut that failed.
    cut: Option<&'static str>,
}

#[derive(Serialize)]
struct SlotLine<'a> {
    name: &'a str,
    value: &'a str,
    confidence: f64,
    from_ms: f64,
    to_ms: f64,
}

#[derive(Serialize)]
struct LineLine {
    loss: f64,
    jitter_ms: f64,
    mos: f64,
}

#[derive(Serialize)]
struct Bar {
    stage: &'static str,
    start_ms: f64,
    ms: f64,
}

#[derive(Serialize)]
struct Try<'a> {
    destination: &'a str,
    failed: Option<String>,
}

#[derive(Serialize)]
struct OverrunLine {
    stage: &'static str,
    at_ms: f64,
    budget_ms: f64,
    fallback: &'static str,
}

/// The call as one line of JSON, without a line end.
pub(crate) fn json(call: &Finished) -> String {
    let record = &call.record;
    let decision = record.decision.as_ref();
    let line = Line {
        call: &call.name,
        opening: call.opening.as_ref(),
        words: record.words(),
        keywords: record.keywords(),
        sentiment: round(f64::from(record.sentiment().value()), 1e2),
        intent: decision.and_then(|d| d.intent.as_deref()),
        probability: decision.and_then(|d| d.probability).map(|p| round(f64::from(p), 1e3)),
        slots: record.slots.iter().map(slot).collect(),
        destination: record.destination(),
        expected: call.expected().flatten(),
        outcome: record.outcome.map(Outcome::name),
        transferred_to: record.transferred.as_deref(),
        decided_by: decision.map(|d| d.basis.name()),
        decide_ms: call.decide_ms().map(tenth),
        act_ms: record.act_ms().map(tenth),
        answer_ms: record.answer_ms().map(tenth),
        line: record.line.map(|line| LineLine {
            loss: round(f64::from(line.loss), 1e4),
            jitter_ms: ms(line.jitter),
            mos: round(f64::from(line.mos), 1e2),
        }),
        path: record.path.iter().map(|step| &*step.node).collect(),
        waterfall: record.waterfall.iter().map(bar).collect(),
        attempts: record
            .attempts
            .iter()
            .map(|a| Try {
                destination: &a.destination,
                failed: a.failed.map(|why| format!("{why:?}").to_lowercase()),
            })
            .collect(),
        overruns: record
            .overruns
            .iter()
            .map(|o| OverrunLine {
                stage: o.what.name(),
                at_ms: ms(o.at),
                budget_ms: ms(o.budget),
                fallback: o.fallback.name(),
            })
            .collect(),
        troubles: &record.troubles,
        recordings: record.recordings.iter().map(recording).collect(),
        messages: record.messages.iter().map(message).collect(),
        zone: record.zone.iter().map(zone).collect(),
    };
    serde_json::to_string(&line).expect("a line of strings and numbers can be written")
}

fn slot(slot: &Slot) -> SlotLine<'_> {
    SlotLine {
        name: &slot.name,
        value: &slot.value,
        confidence: round(f64::from(slot.confidence), 1e3),
        from_ms: ms(slot.at.start),
        to_ms: ms(slot.at.end),
    }
}

fn recording(recording: &Recording) -> RecordingLine<'_> {
    RecordingLine {
        by: recording.by.name(),
        path: &recording.path,
        from_ms: ms(recording.from),
        to_ms: recording.to.map(ms),
        ended: recording.ended.as_ref().map(RecordingEnd::name),
    }
}

fn message(message: &Message) -> MessageLine<'_> {
    MessageLine { mailbox: &message.mailbox, path: &message.path, at_ms: ms(message.at) }
}

fn zone(mark: &ZoneMark) -> ZoneLine {
    let cut = match mark.what {
        ZoneEvent::Refused(cut) => Some(cut.name()),
        ZoneEvent::Entered | ZoneEvent::Left => None,
    };
    ZoneLine { at_ms: ms(mark.at), event: mark.what.name(), cut }
}

fn bar(mark: &Mark) -> Bar {
    Bar { stage: mark.stage.name(), start_ms: ms(mark.start), ms: ms(mark.took) }
}

fn ms(duration: Duration) -> f64 {
    tenth(duration.as_secs_f64() * 1e3)
}

fn tenth(value: f64) -> f64 {
    round(value, 10.0)
}

fn round(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}

/// How finished calls are drawn for people.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pen {
    colours: bool,
}

/// Columns of the line in time, and what one of them stands for.
const COLUMNS: usize = 60;
const COLUMN: Duration = Duration::from_millis(150);

const GREEN: &str = "32";
const RED: &str = "31";
const CYAN: &str = "36";
const YELLOW: &str = "33";
const DIM: &str = "2";
const BOLD: &str = "1";

impl Pen {
    /// Colours only on a terminal, and not where `NO_COLOR` is set.
    pub(crate) fn for_stdout() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { colours: wanted && std::io::stdout().is_terminal() }
    }

    fn paint(self, colour: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// What the signs mean.
    pub(crate) fn legend(self) -> String {
        format!(
            "{}  {} caller speaks  {} decided  {} rings  {} connected   one column is {} ms",
            self.paint(DIM, "in time:"),
            self.paint(CYAN, "█"),
            self.paint(YELLOW, "◆"),
            self.paint(DIM, "┄"),
            self.paint(GREEN, "●"),
            COLUMN.as_millis()
        )
    }

    /// The call as two lines: its line in time, and what it says.
    pub(crate) fn draw(self, call: &Finished) -> String {
        let record = &call.record;
        let verdict = match (call.label.is_some(), call.as_expected()) {
            (true, true) => self.paint(GREEN, "✓"),
            (true, false) => self.paint(RED, "✗"),
            (false, _) => " ".to_owned(),
        };
        let destination = match (record.destination(), record.outcome) {
            (Some(destination), _) => destination.to_owned(),
            (None, Some(outcome)) => format!("({})", outcome.name()),
            (None, None) => "(open)".to_owned(),
        };
        let mut text = format!(
            "{verdict} {} {}  {}\n",
            self.paint(BOLD, &format!("{:<29}", call.name)),
            self.line(call),
            self.paint(BOLD, &destination)
        );
        let words = record.words();
        let words =
            if words.is_empty() { "(no words)".to_owned() } else { format!("“{words}”") };
        let _ = write!(text, "  {:<29} {}", "", self.paint(DIM, &words));
        let clocks = [
            ("decide", call.decide_ms()),
            ("act", record.act_ms()),
            ("answer", record.answer_ms()),
        ];
        let clocks: Vec<String> = clocks
            .into_iter()
            .filter_map(|(name, clock)| Some(format!("{name} {:.0} ms", clock?)))
            .collect();
        let decided = record.decision.as_ref().map(|d| match (&d.intent, d.probability) {
            (Some(intent), Some(p)) => format!("{intent} {p:.2} by {}", d.basis.name()),
            _ => d.basis.name().to_owned(),
        });
        let facts: Vec<String> = decided.into_iter().chain(clocks).collect();
        if !facts.is_empty() {
            let _ = write!(text, "\n  {:<29} {}", "", facts.join(" · "));
        }
        for overrun in &record.overruns {
            let note = format!(
                "{} took over {} ms: {}",
                overrun.what.name(),
                overrun.budget.as_millis(),
                overrun.fallback.name()
            );
            let _ = write!(text, "\n  {:<29} {}", "", self.paint(YELLOW, &note));
        }
        if !call.as_expected() {
            let expected = call.expected().flatten().unwrap_or("no destination");
            let note = format!("expected: {expected}");
            let _ = write!(text, "\n  {:<29} {}", "", self.paint(RED, &note));
        }
        text
    }

    fn line(self, call: &Finished) -> String {
        let record = &call.record;
        let mut columns = vec![("·", DIM); COLUMNS];
        let column =
            |at: Duration| ((at.as_secs_f64() / COLUMN.as_secs_f64()) as usize).min(COLUMNS - 1);
        for turn in &record.turns {
            // Of a caller who was connected in the middle of a sentence no end was heard.
            let decided = record.decision.as_ref().map(|decision| decision.at);
            let to = turn.to.or(decided).or(record.ended).unwrap_or(turn.from).max(turn.from);
            columns[column(turn.from)..=column(to)].fill(("█", CYAN));
        }
        for ring in record.waterfall.iter().filter(|mark| mark.stage == call::Stage::Ring) {
            let (from, to) = (column(ring.start), column(ring.start + ring.took));
            for free in columns[from..=to].iter_mut().filter(|c| c.0 == "·") {
                *free = ("┄", DIM);
            }
            columns[to] = ("●", GREEN);
        }
        if let Some(decision) = &record.decision {
            columns[column(decision.at)] = ("◆", YELLOW);
        }
        let last = columns.iter().rposition(|c| c.0 != "·").map_or(0, |last| last + 1);
        columns[last..].fill((" ", DIM));
        columns.iter().map(|(sign, colour)| self.paint(colour, sign)).collect()
    }
}

/// The summary of many calls: how many ended as their labels say, and the three clocks.
pub(crate) fn summary(calls: &[Finished]) -> String {
    let labelled = calls.iter().filter(|call| call.label.is_some()).count();
    let right = calls.iter().filter(|call| call.label.is_some() && call.as_expected()).count();
    let wrong_early = calls.iter().filter(|call| call.wrong_early_commit()).count();
    let mut text = format!(
        "{} calls, {right} of {labelled} labelled ones where their label says, {wrong_early} wrong early commits\n",
        calls.len()
    );
    let clocks: [(&str, Vec<f64>); 3] = [
        ("decide", calls.iter().filter_map(Finished::decide_ms).collect()),
        ("act", calls.iter().filter_map(|call| call.record.act_ms()).collect()),
        ("answer", calls.iter().filter_map(|call| call.record.answer_ms()).collect()),
    ];
    let _ = writeln!(
        text,
        "{:<8} {:>5} {:>9} {:>9} {:>9}",
        "clock", "calls", "p50 ms", "p95 ms", "p99 ms"
    );
    for (name, mut values) in clocks {
        values.sort_by(f64::total_cmp);
        let at = |p: f64| {
            percentile(&values, p).map_or_else(|| "-".to_owned(), |value| format!("{value:.1}"))
        };
        let (p50, p95, p99) = (at(0.50), at(0.95), at(0.99));
        let _ = writeln!(text, "{name:<8} {:>5} {p50:>9} {p95:>9} {p99:>9}", values.len());
    }
    text
}

/// The value below which the part `p` of the sorted values lies, by nearest rank.
pub(crate) fn percentile(sorted: &[f64], p: f64) -> Option<f64> {
    let rank = (p * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied()
}
