//! The mood of a caller, from words alone.
//!
//! The words and turns of phrase of a list, `sentiment.txt`, are summed up by their weights: negation turns a word
//! round and weakens it, "very" strengthens it, "a bit" weakens it. It knows neither tone nor irony, and takes the report
//! of a fault for what it is: "my laptop is broken" has no mood, "it is still not working" has.

use std::sync::LazyLock;

use crate::text;

const LIST: &str = include_str!("sentiment.txt");

/// How a caller sounds by the words: -1 (furious) to 1 (delighted), 0 if nothing tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd)]
pub struct Sentiment(f32);

impl Sentiment {
    /// The mood in what was said so far.
    ///
    /// ```
    /// use intent::Sentiment;
    ///
    /// assert!(Sentiment::of("I have been waiting for an hour").value() < -0.5);
    /// assert!(Sentiment::of("I am not happy with this").value() < -0.2);
    /// assert!(Sentiment::of("that's great, thank you").value() > 0.5);
    /// assert_eq!(Sentiment::of("my laptop is broken").value(), 0.0);
    /// ```
    #[must_use]
    pub fn of(text: &str) -> Self {
        let words = text::words(text);
        let mut sum = 0.0;
        let mut at = 0;
        while at < words.len() {
            let Some((weight, length)) = longest(&words[at..]) else {
                at += 1;
                continue;
            };
            sum += weight * coloured_by(&words[..at]);
            at += length;
        }
        Self(f32::tanh(STEEPNESS * sum))
    }

    /// The number, -1 to 1.
    #[must_use]
    pub fn value(self) -> f32 {
        self.0
    }
}

/// One clear word is half-way to the end of the scale.
const STEEPNESS: f32 = 1.1;
/// The words of a `*` at most.
const GAP: usize = 3;
/// How far "not" reaches.
const REACH: usize = 3;
/// "Not happy" is less unhappy than "unhappy".
const NEGATED: f32 = -0.8;
const STRONGER: f32 = 1.4;
const WEAKER: f32 = 0.6;

const NEGATIONS: &[&str] = &["not", "never", "cannot", "hardly", "neither", "nor", "without"];
/// "No" is an answer more often than it negates what stands further on.
const NEGATIONS_BESIDE: &[&str] = &["no", "nothing"];
const STRONG: &[&str] =
    &["very", "really", "so", "extremely", "absolutely", "totally", "completely", "utterly"];
const WEAK: &[&str] = &["bit", "little", "slightly", "somewhat", "rather"];

/// What the words before a word of mood make of it.
fn coloured_by(before: &[String]) -> f32 {
    let is = |word: &String, list: &[&str]| list.contains(&word.as_str());
    let beside = before.last();
    let near = &before[before.len().saturating_sub(REACH)..];
    let negated = near.iter().any(|word| is(word, NEGATIONS))
        || beside.is_some_and(|word| is(word, NEGATIONS_BESIDE));
    let strength = match beside {
        Some(word) if is(word, STRONG) => STRONGER,
        Some(word) if is(word, WEAK) => WEAKER,
        _ => 1.0,
    };
    strength * if negated { NEGATED } else { 1.0 }
}

/// One line of the list.
struct Line {
    weight: f32,
    pattern: Vec<Part>,
}

enum Part {
    /// Up to [`GAP`] words of any kind.
    Gap,
    OneOf(Vec<&'static str>),
}

/// The weight and the length of the longest line that `words` begin with.
fn longest(words: &[String]) -> Option<(f32, usize)> {
    static LINES: LazyLock<Vec<Line>> = LazyLock::new(|| LIST.lines().filter_map(line).collect());
    LINES
        .iter()
        .filter_map(|line| Some((line.weight, length(&line.pattern, words)?)))
        .max_by_key(|(_, length)| *length)
}

/// How many of the first `words` the pattern takes, if they fit.
fn length(pattern: &[Part], words: &[String]) -> Option<usize> {
    match pattern {
        [] => Some(0),
        [Part::Gap, rest @ ..] => (0..=GAP.min(words.len()))
            .find_map(|skipped| Some(skipped + length(rest, &words[skipped..])?)),
        [Part::OneOf(any), rest @ ..] => {
            let (first, others) = words.split_first()?;
            if any.contains(&first.as_str()) { Some(1 + length(rest, others)?) } else { None }
        }
    }
}

fn line(line: &'static str) -> Option<Line> {
    let mut parts = line.split_whitespace();
    let weight = parts.next()?.parse().ok()?;
    let part = |part: &'static str| match part {
        "*" => Part::Gap,
        words => Part::OneOf(words.split('|').collect()),
    };
    Some(Line { weight, pattern: parts.map(part).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> f32 {
        Sentiment::of(text).value()
    }

    #[test]
    fn every_line_of_the_list_is_one() {
        let lines: Vec<_> =
            LIST.lines().filter(|l| !l.is_empty() && !l.starts_with("# ")).collect();
        for text in &lines {
            let line = line(text).unwrap_or_else(|| panic!("{text}"));
            assert!(line.weight.abs() <= 1.0 && !line.pattern.is_empty(), "{text}");
        }
        assert!(lines.len() > 50);
    }

    #[test]
    fn anger_is_heard() {
        for text in [
            "I have been waiting for an hour",
            "this is the third time I call",
            "this is the 3rd time I'm calling about this",
            "I've been on hold for twenty minutes",
            "nobody has called me back",
            "I am fed up with this",
            "this is absolutely ridiculous",
            "I'm not happy",
            "I am not very happy with your service",
            "that isn't good enough",
            "it's still not working",
            "let me speak to your manager",
        ] {
            assert!(of(text) < -0.3, "{text}: {}", of(text));
        }
    }

    #[test]
    fn content_is_heard() {
        for text in ["great, thank you", "that was very helpful", "no problem, take your time"] {
            assert!(of(text) > 0.3, "{text}: {}", of(text));
        }
        assert!(of("not bad at all") > 0.2);
        assert!(of("no, I'm happy with it") > 0.3, "the no is an answer");
    }

    #[test]
    fn a_reason_to_call_is_no_mood() {
        for text in [
            "",
            "good morning, I would like to speak to Maria Lopez",
            "my laptop is broken and it won't start",
            "what kind of paper do you have",
            "could you send me a quote for two hours of work",
            "put me through to billing please",
        ] {
            assert_eq!(of(text), 0.0, "{text}");
        }
    }

    #[test]
    fn words_add_up_and_stay_within_bounds() {
        let once = of("this is awful");
        let twice = of("this is awful and I am angry");
        assert!(twice < once && twice > -1.0);
        assert!(of("it is a bit annoying") > of("it is annoying"));
        assert!(of("it is very annoying") < of("it is annoying"));
    }
}
