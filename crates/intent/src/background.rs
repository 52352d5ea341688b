//! What callers say that names no wish: the counter-examples every model learns with.

use std::collections::HashSet;

use crate::examples::Phrase;
use crate::text::words;

/// Phrases that are none of the intents, chosen so that they do not speak against the examples.
pub(crate) struct Background {
    /// Openers, carriers and fillers, such as "could you help me with my".
    pub(crate) carriers: Vec<Vec<String>>,
    /// Wishes of other kinds that resemble no example.
    pub(crate) topics: Vec<Vec<String>>,
    /// The words of the carriers: common ones that say nothing by themselves.
    pub(crate) common: HashSet<String>,
}

impl Background {
    /// The built-in background without what resembles one of `phrases`.
    pub(crate) fn beside(phrases: &[Phrase]) -> Background {
        let (mut carriers, topics) = built_in();
        let common = common();
        carriers.retain(|carrier| phrases.iter().all(|phrase| phrase.words != *carrier));

        let intents = phrases.iter().map(|phrase| phrase.intent + 1).max().unwrap_or(0);
        let mut vocabulary: Vec<HashSet<&String>> = vec![HashSet::new(); intents];
        for phrase in phrases {
            let telling = phrase.words.iter().filter(|word| !common.contains(*word));
            vocabulary[phrase.intent].extend(telling);
        }
        let resembles = |topic: &Vec<String>| {
            let telling: Vec<_> = topic.iter().filter(|word| !common.contains(*word)).collect();
            vocabulary.iter().any(|known| {
                let shared = telling.iter().filter(|word| known.contains(*word)).count();
                shared > 0 && shared * 2 >= telling.len()
            })
        };
        let topics = topics.into_iter().filter(|topic| !resembles(topic)).collect();
        Background { carriers, topics, common }
    }
}

/// Words that say nothing by themselves.
pub(crate) fn common() -> HashSet<String> {
    built_in().0.into_iter().flatten().collect()
}

/// Carriers and topics.
fn built_in() -> (Vec<Vec<String>>, Vec<Vec<String>>) {
    let (carriers, topics) = include_str!("background.txt")
        .split_once("\n[topics]\n")
        .expect("the built-in file has both sections");
    (lines(carriers).collect(), lines(topics).collect())
}

fn lines(section: &str) -> impl Iterator<Item = Vec<String>> {
    section
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with(['#', '[']))
        .map(words)
        .filter(|words| !words.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_resembles_an_example_is_left_out() {
        let phrase = |text: &str| Phrase { text: text.to_owned(), words: words(text), intent: 0 };
        let all = Background::beside(&[]);
        let some =
            Background::beside(&[phrase("the printer has no paper"), phrase("can you help me")]);
        let printer = words("the printer is out of paper");
        assert!(all.topics.contains(&printer) && !some.topics.contains(&printer));
        let opener = words("can you help me");
        assert!(all.carriers.contains(&opener) && !some.carriers.contains(&opener));
        assert!(all.topics.len() - some.topics.len() < 5);
    }

    #[test]
    fn common_words_are_those_of_carriers() {
        let common = Background::beside(&[]).common;
        assert!(common.contains("would") && common.contains("question"));
        assert!(!common.contains("pizza") && !common.contains("password"));
    }
}
