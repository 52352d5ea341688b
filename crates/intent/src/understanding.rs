//! What was said, as one meaning: intents learned from phrases, and patterns with slots.

use std::collections::{BTreeSet, HashMap};

use crate::background;
use crate::examples::{Examples, LearnError};
use crate::grammar::{Domain, Grammar, GrammarError, Script, Slot, Understood};
use crate::likeness;
use crate::model::Model;
use crate::ranking::{Branch, IntentId, Ranking, Scored};
use crate::text::{without_last_word, words};

/// Understands callers: a [`Model`] for the intents that have phrases, a [`Grammar`] for those that have
/// patterns, and for an intent that has both, both. Immutable; share it between calls.
///
/// ```
/// use intent::grammar::{Domain, IntentPatterns, SlotKind};
/// use intent::{Examples, Understanding};
///
/// let examples = Examples::default()
///     .with("billing", &["a question about my bill", "i was charged twice"])
///     .with("order", &[]);
/// let domain = Domain {
///     intents: vec![IntentPatterns {
///         name: "order".into(),
///         patterns: vec!["(can i get|i would like) a {drink}".into()],
///     }],
///     slots: [("drink".into(), SlotKind::Values(vec!["mocha".into(), "latte".into()]))].into(),
/// };
/// let understanding = Understanding::learn(&examples, &domain)?;
///
/// let meaning = understanding.of("um can I get a mocker please");
/// assert_eq!(understanding.name(meaning.ranking.best().expect("an order").intent), "order");
/// assert_eq!(meaning.slots[0].value, "mocha");
/// let meaning = understanding.of("I think I was charged two times");
/// assert_eq!(understanding.name(meaning.ranking.best().expect("a bill").intent), "billing");
/// # Ok::<(), intent::TeachError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Understanding {
    names: Vec<String>,
    learned: Option<Learned>,
    spoken: Option<Spoken>,
    hints: Vec<String>,
    words: Vec<String>,
}

/// What a reading means.
#[derive(Clone, Debug, PartialEq)]
pub struct Meaning {
    /// The intents, the likeliest first.
    pub ranking: Ranking,
    /// What was said in slots of the likeliest intent, in the order in which it was said.
    pub slots: Vec<Slot>,
    /// Which of the texts was believed; the words of the slots are counted in it.
    pub believed: Believed,
}

/// Which text of an utterance was believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Believed {
    /// What the recogniser wrote freely.
    #[default]
    Free,
    /// The sentence of the script with this index.
    Scripted(usize),
}

/// A sentence of the [`Script`] that a recogniser found likely to have been said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scripted<'t> {
    /// The sentence.
    pub text: &'t str,
    /// The logarithm of how likely the audio makes it beside what the recogniser wrote freely.
    pub log_ratio: f32,
}

/// Why nothing could be understood.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TeachError {
    /// The phrases cannot be learned.
    #[error(transparent)]
    Phrases(#[from] LearnError),
    /// The patterns cannot be spoken.
    #[error(transparent)]
    Patterns(#[from] GrammarError),
    /// A pattern belongs to no intent.
    #[error(
        "there are patterns for the intent \"{0}\", which there is not: add it, or correct the name"
    )]
    NoIntent(String),
}

/// The intents that have phrases.
#[derive(Clone, Debug)]
struct Learned {
    model: Model,
    /// Ours for each of the model's.
    intents: Vec<IntentId>,
}

/// The intents that have patterns.
#[derive(Clone, Debug)]
struct Spoken {
    grammar: Grammar,
    intents: HashMap<String, Pattern>,
}

#[derive(Clone, Debug)]
struct Pattern {
    intent: IntentId,
    /// The slots that stand in its patterns.
    slots: BTreeSet<String>,
}

impl Understanding {
    /// Learns the phrases of `examples` and the patterns of `domain`, whose intents are named as those of
    /// `examples` are. Intent `n` is `examples.intents[n]`; one without phrases needs a pattern.
    ///
    /// # Errors
    /// [`TeachError`] with the first mistake.
    pub fn learn(examples: &Examples, domain: &Domain) -> Result<Understanding, TeachError> {
        let names: Vec<String> =
            examples.intents.iter().map(|intent| intent.name.clone()).collect();
        let mut patterns = HashMap::new();
        for intent in &domain.intents {
            let at = names.iter().position(|name| *name == intent.name);
            let at = at.ok_or_else(|| TeachError::NoIntent(intent.name.clone()))?;
            let slots = domain.slots.keys().filter(|slot| {
                let hole = format!("{{{slot}}}");
                intent.patterns.iter().any(|pattern| pattern.contains(&hole))
            });
            let pattern = Pattern { intent: id(at), slots: slots.cloned().collect() };
            patterns.insert(intent.name.clone(), pattern);
        }
        let by_phrases = |at: usize| {
            let intent = &examples.intents[at];
            !intent.phrases.is_empty() || !patterns.contains_key(&intent.name)
        };
        let intents: Vec<usize> = (0..names.len()).filter(|at| by_phrases(*at)).collect();
        let learned = if intents.is_empty() && !patterns.is_empty() {
            None
        } else {
            let intents_of = |at: &usize| examples.intents[*at].clone();
            let model = Model::learn(&Examples {
                intents: intents.iter().map(intents_of).collect(),
                others: examples.others.clone(),
            })?;
            Some(Learned { model, intents: intents.into_iter().map(id).collect() })
        };
        let spoken = match patterns.is_empty() {
            true => None,
            false => Some(Spoken { grammar: Grammar::build(domain)?, intents: patterns }),
        };
        let mut hints = domain.hints();
        // Whole example phrases would be heard in mumbling: they are long, and so much is leant towards them.
        hints.extend(examples.intents.iter().flat_map(|intent| intent.keywords.iter().cloned()));
        let words = telling_words(examples);
        Ok(Understanding { names, learned, spoken, hints, words })
    }

    /// One that knows no intents: whatever is said is none of them.
    #[must_use]
    pub fn of_nothing() -> Understanding {
        Understanding {
            names: Vec::new(),
            learned: None,
            spoken: None,
            hints: Vec::new(),
            words: Vec::new(),
        }
    }

    /// The same understanding for answers to a question that has just been put: a short one that fits a pattern is
    /// believed, as it would not be at any other time.
    #[must_use]
    pub fn for_answers(self) -> Understanding {
        let grammar = |spoken: Spoken| Spoken { grammar: spoken.grammar.for_answers(), ..spoken };
        Understanding { spoken: self.spoken.map(grammar), ..self }
    }

    /// What `text` means, be it a whole transcript or one of a caller who still speaks.
    #[must_use]
    pub fn of(&self, text: &str) -> Meaning {
        self.of_all(text, &[])
    }

    /// What an utterance means that was written as `text` and may have been one of the sentences `scripted` of the
    /// [script](Self::script).
    #[must_use]
    pub fn of_all(&self, text: &str, scripted: &[Scripted<'_>]) -> Meaning {
        let ranking = self.learned.as_ref().map_or_else(Ranking::silence, |it| it.rank(text));
        let free = self.heard(text);
        let likely = scripted.iter().enumerate();
        let likely = likely.map(|(at, it)| (at, likeness::confidence(text, *it)));
        let likeliest = likely.max_by(|a, b| a.1.total_cmp(&b.1));
        let held = likeliest.and_then(|(at, likeness)| {
            let (mut understood, pattern) = self.heard(scripted[at].text)?;
            understood.confidence *= likeness;
            // The audio itself spoke for the sentence; the sounds of the free text are hearsay.
            let doubtful = understood.confidence < SPOKEN
                && free.as_ref().is_some_and(|(it, _)| it.confidence > understood.confidence);
            (!doubtful).then_some((at, (understood, pattern)))
        });
        let believed = held.as_ref().map_or(Believed::Free, |(at, _)| Believed::Scripted(*at));
        let Some((understood, pattern)) = held.map(|(_, held)| held).or(free) else {
            return Meaning { ranking, slots: Vec::new(), believed };
        };
        let known = ranking.best().filter(|best| best.probability > ranking.none);
        match known {
            // The surer of the two speaks.
            Some(best)
                if best.intent != pattern.intent && best.probability >= understood.confidence =>
            {
                Meaning { ranking, slots: Vec::new(), believed: Believed::Free }
            }
            _ => {
                let said = |name: &String| understood.slot(name).is_some();
                let branch = match (pattern.slots.is_empty(), pattern.slots.iter().all(said)) {
                    (true, _) => Branch::None,
                    (false, true) => Branch::AtEnd,
                    (false, false) => Branch::Unfinished,
                };
                let before = self.heard(without_last_word(text));
                let before = before.filter(|(_, other)| other.intent == pattern.intent);
                let ranking = Ranking {
                    without_last_word: before
                        .map_or(0.0, |(understood, _)| understood.confidence)
                        .max(ranking.without_last_word),
                    branch,
                    ..mixed(ranking, pattern.intent, understood.confidence)
                };
                Meaning { ranking, slots: understood.slots, believed }
            }
        }
    }

    /// The name of an intent.
    ///
    /// # Panics
    /// If `intent` is of another [`Understanding`] with more intents.
    #[must_use]
    pub fn name(&self, intent: IntentId) -> &str {
        &self.names[intent.0 as usize]
    }

    /// What callers are likely to say: keywords, the words of the patterns, and the values of the slots.
    #[must_use]
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// The words of the example phrases that say something by themselves, each once.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// What patterns let callers say, word by word; none if there are no patterns.
    #[must_use]
    pub fn script(&self) -> Option<Script> {
        self.spoken.as_ref().map(|spoken| spoken.grammar.script())
    }

    fn heard(&self, text: &str) -> Option<(Understood, &Pattern)> {
        let spoken = self.spoken.as_ref()?;
        let understood = spoken.grammar.hear(text)?;
        let pattern = spoken.intents.get(&understood.intent)?;
        Some((understood, pattern))
    }
}

fn telling_words(examples: &Examples) -> Vec<String> {
    let common = background::common();
    let phrases = examples.intents.iter().flat_map(|intent| &intent.phrases);
    let telling = phrases.flat_map(|phrase| words(phrase)).filter(|word| !common.contains(word));
    telling.collect::<BTreeSet<_>>().into_iter().collect()
}

impl Learned {
    fn rank(&self, text: &str) -> Ranking {
        let mut ranking = self.model.rank(text);
        for scored in &mut ranking.intents {
            scored.intent = self.intents[scored.intent.0 as usize];
        }
        ranking
    }
}

/// A sentence of the script that was this likely said is believed, whatever the free text looks like.
const SPOKEN: f32 = 0.3;

/// The ranking that comes of knowing, with `confidence`, that it is `intent`; else it is what the ranking says.
fn mixed(ranking: Ranking, intent: IntentId, confidence: f32) -> Ranking {
    let own = ranking.probability(intent);
    let probability = confidence.max(own);
    let left = (1.0 - probability) / (1.0 - own).max(f32::MIN_POSITIVE);
    let others = ranking.intents.iter().filter(|scored| scored.intent != intent);
    let mut intents = vec![Scored { intent, probability }];
    intents.extend(others.map(|other| Scored { probability: other.probability * left, ..*other }));
    intents.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    Ranking { intents, none: ranking.none * left, ..ranking }
}

fn id(at: usize) -> IntentId {
    IntentId(u32::try_from(at).expect("there are fewer than 2^32 intents"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::{IntentPatterns, SlotKind};

    fn desk() -> Understanding {
        let examples = Examples::default()
            .with("billing", &["a question about my bill", "i was charged twice", "pay a bill"])
            .with("order", &[])
            .with("hours", &["when do you open", "what are your opening hours"]);
        let values = |values: &[&str]| {
            SlotKind::Values(values.iter().map(|value| (*value).into()).collect())
        };
        let domain = Domain {
            intents: vec![IntentPatterns {
                name: "order".into(),
                patterns: vec!["(can i have|i would like) a [{size}] {drink}".into()],
            }],
            slots: [
                ("size".into(), values(&["small", "large"])),
                ("drink".into(), values(&["mocha", "latte"])),
            ]
            .into(),
        };
        Understanding::learn(&examples, &domain).unwrap()
    }

    fn best(meaning: &Meaning) -> Scored {
        meaning.ranking.best().unwrap()
    }

    #[test]
    fn phrases_and_patterns_are_one_ranking_that_adds_up() {
        let desk = desk();
        for (text, name) in [
            ("can i have a large latter", "order"),
            ("i was charged two times", "billing"),
            ("what are the opening hours", "hours"),
        ] {
            let meaning = desk.of(text);
            assert_eq!(desk.name(best(&meaning).intent), name, "{text}");
            let sum: f32 = meaning.ranking.intents.iter().map(|scored| scored.probability).sum();
            assert!((sum + meaning.ranking.none - 1.0).abs() < 1e-4, "{meaning:?}");
            assert_eq!(meaning.slots.is_empty(), name != "order");
        }
    }

    #[test]
    fn an_order_is_unfinished_until_all_is_said() {
        let desk = desk();
        assert_eq!(desk.of("can i have a latte").ranking.branch, Branch::Unfinished);
        assert_eq!(desk.of("can i have a large latte").ranking.branch, Branch::AtEnd);
    }

    #[test]
    fn silence_and_nonsense_mean_nothing() {
        let desk = desk();
        for text in ["", "the weather is lovely in the mountains today"] {
            let ranking = desk.of(text).ranking;
            assert!(ranking.best().is_none_or(|best| best.probability < 0.65), "{ranking:?}");
        }
    }

    #[test]
    fn patterns_alone_are_enough() {
        let examples = Examples::default().with("stop", &[]);
        let stop = IntentPatterns { name: "stop".into(), patterns: vec!["stop it [now]".into()] };
        let domain = Domain { intents: vec![stop], ..Domain::default() };
        let desk = Understanding::learn(&examples, &domain).unwrap();
        assert!(best(&desk.of("stop it")).probability > 0.8);
        let stray = Understanding::learn(&Examples::default(), &domain);
        assert_eq!(stray.unwrap_err(), TeachError::NoIntent("stop".into()));
    }
}
