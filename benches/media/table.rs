//! What a contest came to, as text.

use std::fmt::Write;

use media::bench::Load;

use crate::contest::Entrant;

/// What one contestant did in one round, each figure a call-frame or a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    /// Nanoseconds of CPU in all threads.
    pub(crate) cpu: f64,
    /// Of the packets sent to it, and to be sent by it, the share that went all the way.
    pub(crate) carried: f64,
    pub(crate) allocations: Option<f64>,
    /// Bytes of resident memory.
    pub(crate) memory: Option<f64>,
}

/// One line while the contest runs.
pub(crate) fn progress(number: usize, load: &Load, entrant: Entrant, round: &Round) -> String {
    let (of, micros) = (load.rounds, round.cpu / 1e3);
    format!("round {number}/{of}  {:<17} {micros:6.2} us a call-frame", entrant.name())
}

/// A line for each contestant, and what was asked for.
pub(crate) fn standings(
    load: &Load,
    entrants: &[Entrant],
    rounds: &[(usize, Entrant, Round)],
) -> String {
    let of = |entrant: Entrant| -> Vec<Round> {
        let mut mine: Vec<_> = rounds.iter().filter(|(_, who, _)| *who == entrant).collect();
        mine.sort_by_key(|(number, ..)| *number);
        mine.iter().map(|(.., round)| *round).collect()
    };
    let (floor, plane) = (of(Entrant::Floor), of(Entrant::Plane));
    let mut text = format!(
        "\n{} calls                CPU a call-frame, us              x floor     its share above   \
         allocations    memory   carried\n                    least   median     median \
         (least-most)   the floor, x ours  a call-frame    a call\n",
        load.calls
    );
    for &entrant in entrants {
        let mine = of(entrant);
        let cpu = each(&mine, |round| round.cpu / 1e3);
        let ratio = Spread::of(ratios(&mine, &floor, |round, floor| round.cpu / floor.cpu));
        let above = above(&mine, &floor, &plane);
        let cell = |value: Option<f64>, digits: usize, unit: &str| match value {
            Some(value) => format!("{value:.digits$}{unit}"),
            None => "-".to_owned(),
        };
        let last = |read: fn(&Round) -> Option<f64>| mine.iter().filter_map(read).reduce(f64::max);
        writeln!(
            text,
            "{:<17} {:7.2} {:8.2} {:>22} {:>17} {:>13} {:>9} {:7.1} %",
            entrant.name(),
            cpu.least,
            cpu.median,
            ratio.to_string(),
            cell((entrant != Entrant::Floor).then_some(above.median), 1, ""),
            cell(last(|round| round.allocations), 2, ""),
            cell(last(|round| round.memory).map(|bytes| bytes / 1024.0), 1, " KiB"),
            each(&mine, |round| round.carried * 100.0).least,
        )
        .expect("a String takes all");
    }
    if rounds.iter().any(|(.., round)| round.carried < CARRIES) {
        text.push_str(STARVED);
    }
    let obvious = above(&of(Entrant::Obvious), &floor, &plane);
    writeln!(
        text,
        "\nobvious stack above the floor, x patchcord: {obvious}, asked for: at least 4"
    )
    .expect("a String takes all");
    if entrants.contains(&Entrant::Rtpengine) {
        let relay = of(Entrant::Rtpengine);
        let ratio = Spread::of(ratios(&plane, &relay, |ours, theirs| ours.cpu / theirs.cpu));
        writeln!(text, "patchcord, x rtpengine: {ratio}, asked for: at most 0.5")
            .expect("a String takes all");
    }
    text
}

/// Below this share of its packets a contestant has not done the work.
const CARRIES: f64 = 0.99;

const STARVED: &str = "\nnot all packets were carried: the machine has other work, or too many calls; these figures \
                       flatter who lost most\n";

/// The median of some rounds, and how far they are apart.
struct Spread {
    least: f64,
    median: f64,
    most: f64,
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Spread {
        values.sort_unstable_by(f64::total_cmp);
        let at = |place: usize| values.get(place).copied().unwrap_or(f64::NAN);
        Spread {
            least: at(0),
            median: at(values.len() / 2),
            most: at(values.len().saturating_sub(1)),
        }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} ({:.2}-{:.2})", self.median, self.least, self.most)
    }
}

fn each(rounds: &[Round], read: impl Fn(&Round) -> f64) -> Spread {
    Spread::of(rounds.iter().map(read).collect())
}

/// Two contestants in the same rounds.
fn ratios(one: &[Round], other: &[Round], ratio: impl Fn(&Round, &Round) -> f64) -> Vec<f64> {
    one.iter().zip(other).map(|(one, other)| ratio(one, other)).collect()
}

/// What is above the floor, for each of ours.
fn above(mine: &[Round], floor: &[Round], plane: &[Round]) -> Spread {
    let own = |rounds| ratios(rounds, floor, |round, floor| round.cpu - floor.cpu);
    Spread::of(own(mine).iter().zip(own(plane)).map(|(mine, ours)| mine / ours).collect())
}
