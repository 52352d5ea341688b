//! When a reading is enough to act on: the stability rule.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ranking::{Branch, IntentId, Ranking, Scored};
use crate::text::words;

/// Decides, over the readings of one turn, whether to act now or to hear more. Make a new one for
/// each turn; drop it after a decision.
///
/// While the caller speaks, no reading decides alone: its last word may be half a word, or misheard
/// for lack of the next. A second opinion is the same reading without its last word, or the reading
/// before. Their log-odds add up, the weaker at half its weight since both hear much the same
/// audio, and must reach those of the threshold. Where the sentence can still turn to another
/// intent ([`Branch`]), it is given the time to.
#[derive(Clone, Debug)]
pub struct Commit {
    config: CommitConfig,
    wrong_route_s: Arc<[f32]>,
    run: Option<Run>,
    near: bool,
}

/// Readings in a row that point at the same intent.
#[derive(Clone, Debug)]
struct Run {
    intent: IntentId,
    /// Log-odds, those of earlier readings at half their weight, at a quarter, and so on.
    evidence: f32,
    last_word: String,
}

/// What mistakes and delays cost, all in seconds of the caller's patience: a decision is made when
/// the wrong routes to be expected of it cost less than not deciding yet.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CommitConfig {
    /// What it costs to connect a caller to the wrong place, in seconds.
    pub wrong_route_s: f32,
    /// What it costs to wait for the next reading while the caller speaks, in seconds.
    pub next_reading_s: f32,
    /// What it costs to wait, at a pause, until the turn has surely ended, in seconds.
    pub turn_end_s: f32,
    /// What it costs to ask the caller again at the end of the turn, in seconds.
    pub ask_again_s: f32,
    /// The probability at which a reading needs no second opinion.
    pub certain: f32,
}

impl Default for CommitConfig {
    fn default() -> CommitConfig {
        CommitConfig {
            wrong_route_s: 20.0,
            next_reading_s: 1.5,
            turn_end_s: 4.5,
            ask_again_s: 7.0,
            certain: 0.998,
        }
    }
}

impl CommitConfig {
    /// The least probability on which to act: where the expected cost of a wrong route equals the
    /// cost of not deciding at this reading.
    #[must_use]
    pub fn threshold(&self, cut: Cut) -> f32 {
        let not_deciding = match cut {
            Cut::MidWord => self.next_reading_s,
            Cut::AtPause => self.turn_end_s,
            Cut::Final => self.ask_again_s,
        };
        (1.0 - not_deciding / self.wrong_route_s.max(f32::MIN_POSITIVE)).clamp(0.0, 1.0)
    }
}

/// Where in the caller's speech a reading ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cut {
    /// While the caller speaks: the last word may be unfinished, or misheard for lack of the next.
    MidWord,
    /// At a pause that may be the end of the turn.
    AtPause,
    /// At the end of the turn.
    Final,
}

/// A decision: act on this intent now.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// What the caller wants.
    pub intent: IntentId,
    /// How likely that is, 0 to 1.
    pub probability: f32,
    /// Why now.
    pub basis: Basis,
}

/// What made a reading enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Basis {
    /// The words before the last one are enough.
    Settled,
    /// Several readings in a row agree.
    Agreed,
    /// The reading leaves no doubt, though all hangs on its last word.
    Certain,
    /// The caller paused.
    Pause,
    /// The turn is over.
    Final,
}

impl Commit {
    /// A rule that has seen nothing yet.
    #[must_use]
    pub fn new(config: CommitConfig) -> Commit {
        Commit::with_routes(config, Arc::default())
    }

    /// A rule for intents of which a wrong route costs differently much: `wrong_route_s[n]` seconds for intent
    /// `n`, and what `config` says for those that the list does not reach.
    #[must_use]
    pub fn with_routes(config: CommitConfig, wrong_route_s: Arc<[f32]>) -> Commit {
        Commit { config, wrong_route_s, run: None, near: false }
    }

    /// The least probability on which to act on `intent`.
    #[must_use]
    pub fn threshold(&self, intent: IntentId, cut: Cut) -> f32 {
        let own = self.wrong_route_s.get(intent.0 as usize);
        let wrong_route_s = own.copied().unwrap_or(self.config.wrong_route_s);
        CommitConfig { wrong_route_s, ..self.config }.threshold(cut)
    }

    /// Takes the next reading of the turn: `ranking` is of `text`, all that was heard of the turn.
    /// None means to hear more or, at [`Cut::Final`], to ask the caller again.
    pub fn observe(&mut self, ranking: &Ranking, text: &str, cut: Cut) -> Option<Decision> {
        self.near = false;
        let best = ranking.best()?;
        let basis = match cut {
            Cut::MidWord => self.mid_word(ranking, best, text)?,
            Cut::AtPause if ranking.branch == Branch::Unfinished => return None,
            Cut::AtPause | Cut::Final if best.probability < self.threshold(best.intent, cut) => {
                return None;
            }
            Cut::AtPause => Basis::Pause,
            Cut::Final => Basis::Final,
        };
        Some(Decision { intent: best.intent, probability: best.probability, basis })
    }

    /// Forgets the readings so far: another turn begins.
    pub fn forget(&mut self) {
        (self.run, self.near) = (None, false);
    }

    /// Whether the last reading came so near to a decision that one more like it would be enough: then it pays to
    /// read again soon.
    #[must_use]
    pub fn is_near(&self) -> bool {
        self.near
    }

    fn mid_word(&mut self, ranking: &Ranking, best: Scored, text: &str) -> Option<Basis> {
        if best.probability < 0.5 || corrects(text) {
            self.run = None;
            return None;
        }
        let enough = log_odds(self.threshold(best.intent, Cut::MidWord));
        let last_word = words(text).pop().unwrap_or_default();
        let before = self.run.take().filter(|run| run.intent == best.intent);
        let own = log_odds(best.probability);
        let carried = before.as_ref().map_or(0.0, |run| run.evidence);
        let run =
            self.run.insert(Run { intent: best.intent, evidence: own + 0.5 * carried, last_word });
        // The newest reading may be the weaker one, but not one that has come to doubt.
        let doubts = own < 0.5 * enough;
        let supported = |support: f32| {
            let (stronger, weaker) = (own.max(support), own.min(support));
            support > 0.0 && !doubts && stronger + 0.5 * weaker >= enough
        };
        self.near = matches!(ranking.branch, Branch::BeforeLastWord | Branch::None)
            && supported(run.evidence);
        match ranking.branch {
            Branch::AtEnd | Branch::Unfinished => None,
            Branch::BeforeLastWord => {
                let same_word = before.is_some_and(|before| before.last_word == run.last_word);
                (same_word && supported(carried)).then_some(Basis::Agreed)
            }
            Branch::None if supported(log_odds(ranking.without_last_word)) => Some(Basis::Settled),
            Branch::None if supported(carried) => Some(Basis::Agreed),
            Branch::None => (best.probability >= self.config.certain).then_some(Basis::Certain),
        }
    }
}

fn log_odds(probability: f32) -> f32 {
    let probability = probability.clamp(1e-6, 1.0 - 1e-6);
    (probability / (1.0 - probability)).ln()
}

/// Whether the caller may be taking something back ("not sales but billing", "actually"), so that
/// what was named is not what is wanted until the sentence is whole.
fn corrects(text: &str) -> bool {
    let words = words(text);
    let corrects = |at: usize, word: &str| match word {
        "not" => !words.get(at + 1).is_some_and(|next| COMPLAINTS.contains(&next.as_str())),
        word => CORRECTIONS.contains(&word),
    };
    words.iter().enumerate().any(|(at, word)| corrects(at, word))
}

const CORRECTIONS: [&str; 8] =
    ["no", "nope", "actually", "instead", "rather", "wait", "except", "mean"];

/// What follows "not" when a caller says what is wrong, rather than what they do not want.
const COMPLAINTS: [&str; 26] = [
    "accept",
    "accepting",
    "arrive",
    "arrived",
    "charge",
    "charging",
    "connect",
    "get",
    "got",
    "have",
    "know",
    "let",
    "load",
    "loading",
    "log",
    "open",
    "opening",
    "remember",
    "respond",
    "responding",
    "start",
    "starting",
    "turn",
    "turning",
    "work",
    "working",
];

#[cfg(test)]
mod tests {
    use super::*;

    const SALES: IntentId = IntentId(0);
    const BILLING: IntentId = IntentId(1);

    fn ranking(intent: IntentId, probability: f32, without_last_word: f32) -> Ranking {
        let intents = vec![Scored { intent, probability }];
        let branch = Branch::None;
        Ranking { intents, none: 1.0 - probability, without_last_word, branch }
    }

    fn basis(commit: &mut Commit, ranking: &Ranking, text: &str, cut: Cut) -> Option<Basis> {
        commit.observe(ranking, text, cut).map(|decision| decision.basis)
    }

    fn rule() -> Commit {
        Commit::new(CommitConfig::default())
    }

    #[test]
    fn the_later_the_cut_the_less_it_takes() {
        let config = CommitConfig::default();
        let [mid, pause, last] =
            [Cut::MidWord, Cut::AtPause, Cut::Final].map(|c| config.threshold(c));
        assert!(mid > pause && pause > last && last > 0.5);
        let dear = CommitConfig { wrong_route_s: 60.0, ..config };
        assert!(dear.threshold(Cut::MidWord) > mid);
        let free = CommitConfig { wrong_route_s: 0.0, ..config };
        assert_eq!(free.threshold(Cut::Final), 0.0);
    }

    #[test]
    fn a_route_that_is_dear_to_mistake_takes_more() {
        let mut rule = Commit::with_routes(CommitConfig::default(), [20.0, 100.0].into());
        let at_pause = |intent| ranking(intent, 0.95, 0.9);
        let seen = basis(&mut rule, &at_pause(BILLING), "billing", Cut::AtPause);
        assert_eq!(seen, None);
        let seen = basis(&mut rule, &at_pause(SALES), "sales", Cut::AtPause);
        assert_eq!(seen, Some(Basis::Pause));
        assert!(rule.threshold(IntentId(9), Cut::Final) < rule.threshold(BILLING, Cut::Final));
    }

    #[test]
    fn words_before_the_last_are_enough_at_once() {
        let seen = ranking(SALES, 0.99, 0.98);
        assert_eq!(
            basis(&mut rule(), &seen, "buy a licence for", Cut::MidWord),
            Some(Basis::Settled)
        );
    }

    #[test]
    fn what_hangs_on_the_last_word_waits_for_a_second_reading() {
        let mut rule = rule();
        let hangs = ranking(SALES, 0.99, 0.1);
        assert_eq!(basis(&mut rule, &hangs, "the sales", Cut::MidWord), None);
        assert_eq!(basis(&mut rule, &hangs, "the sales", Cut::MidWord), Some(Basis::Agreed));
    }

    #[test]
    fn readings_that_differ_do_not_agree() {
        let mut rule = rule();
        assert_eq!(basis(&mut rule, &ranking(SALES, 0.99, 0.1), "the sale", Cut::MidWord), None);
        assert_eq!(basis(&mut rule, &ranking(BILLING, 0.99, 0.1), "the bill", Cut::MidWord), None);
        assert_eq!(basis(&mut rule, &ranking(SALES, 0.99, 0.1), "the sale", Cut::MidWord), None);
        assert_eq!(basis(&mut rule, &ranking(SALES, 0.4, 0.1), "the sail", Cut::MidWord), None);
        assert_eq!(basis(&mut rule, &ranking(SALES, 0.99, 0.1), "the sale", Cut::MidWord), None);
    }

    #[test]
    fn a_last_word_that_is_misheard_does_not_outweigh_those_before_it() {
        let mut commit = rule();
        let misheard = ranking(BILLING, 0.8, 0.9);
        assert_eq!(
            basis(&mut commit, &misheard, "i want to pay a little", Cut::MidWord),
            Some(Basis::Settled)
        );
        let doubt = ranking(BILLING, 0.6, 0.99);
        assert_eq!(basis(&mut rule(), &doubt, "i want to pay but", Cut::MidWord), None);
    }

    #[test]
    fn likely_readings_add_up_and_doubtful_ones_never_do() {
        let run = |p: f32| {
            let mut rule = rule();
            let reading = ranking(SALES, p, 0.1);
            (1..20).find(|_| rule.observe(&reading, "the sales", Cut::MidWord).is_some())
        };
        assert_eq!(run(0.91), Some(2));
        assert_eq!(run(0.84), Some(3));
        assert_eq!(run(0.75), None);
    }

    #[test]
    fn a_sentence_that_may_turn_is_given_the_time_to() {
        let open = Ranking { branch: Branch::AtEnd, ..ranking(SALES, 0.999, 0.99) };
        assert_eq!(basis(&mut rule(), &open, "put me through to", Cut::MidWord), None);
        let mut rule = rule();
        let decides = Ranking { branch: Branch::BeforeLastWord, ..ranking(SALES, 0.99, 0.99) };
        assert_eq!(basis(&mut rule, &decides, "put me through to sail", Cut::MidWord), None);
        assert_eq!(basis(&mut rule, &decides, "put me through to sales", Cut::MidWord), None);
        assert_eq!(
            basis(&mut rule, &decides, "put me through to sales", Cut::MidWord),
            Some(Basis::Agreed)
        );
    }

    #[test]
    fn what_is_unfinished_waits_for_the_end_of_the_turn() {
        let open = Ranking { branch: Branch::Unfinished, ..ranking(SALES, 0.999, 0.99) };
        assert_eq!(basis(&mut rule(), &open, "a large tea", Cut::MidWord), None);
        assert_eq!(basis(&mut rule(), &open, "a large tea", Cut::AtPause), None);
        assert_eq!(basis(&mut rule(), &open, "a large tea", Cut::Final), Some(Basis::Final));
    }

    #[test]
    fn certainty_needs_no_second_reading() {
        let sure = ranking(SALES, 0.999, 0.1);
        assert_eq!(basis(&mut rule(), &sure, "operator", Cut::MidWord), Some(Basis::Certain));
    }

    #[test]
    fn a_correction_holds_the_decision_until_the_pause() {
        let seen = ranking(SALES, 0.99, 0.99);
        for text in ["sales no wait", "i do not want sales", "sales actually", "not sales"] {
            assert_eq!(basis(&mut rule(), &seen, text, Cut::MidWord), None, "{text}");
            assert_eq!(basis(&mut rule(), &seen, text, Cut::AtPause), Some(Basis::Pause), "{text}");
        }
        for text in ["my laptop isn't working at", "i don't remember my password", "i can't log in"]
        {
            assert!(rule().observe(&seen, text, Cut::MidWord).is_some(), "{text}");
        }
    }

    #[test]
    fn doubt_at_the_end_means_to_ask_again() {
        let last = |p| rule().observe(&ranking(SALES, p, 0.0), "sails", Cut::Final);
        assert_eq!(last(0.6), None);
        assert_eq!(last(0.75).map(|decision| decision.basis), Some(Basis::Final));
        assert_eq!(rule().observe(&Ranking::silence(), "", Cut::Final), None);
    }
}
