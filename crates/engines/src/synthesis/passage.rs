//! Cuts a text into what is synthesised at a time.

/// The first passage should be this short, so that it is heard at once.
const FIRST: usize = 60;
/// A passage beyond this is cut at a clause, or else between words: voices lose their breath.
const LONGEST: usize = 240;
/// A clause shorter than this does not stand alone.
const SHORTEST: usize = 12;

/// Words that stand before a name, and whose full stop ends no sentence.
const TITLES: [&str; 6] = ["mr.", "mrs.", "ms.", "dr.", "st.", "prof."];

/// Words whose full stop ends a sentence only if a capital letter follows.
const ABBREVIATIONS: [&str; 15] = [
    "ext.", "tel.", "dept.", "inc.", "ltd.", "co.", "vs.", "e.g.", "i.e.", "etc.", "approx.",
    "a.m.", "p.m.", "jr.", "sr.",
];

/// The passages of `text`, in order: its sentences, where the first may be split after a clause, and overlong ones
/// are. Nothing but white space is lost.
///
/// ```
/// use engines::synthesis::passage::passages;
///
/// let text = "Thank you for calling Fabrikam, where the lines are open until 5 p.m. every day. Goodbye.";
/// assert_eq!(passages(text), [
///     "Thank you for calling Fabrikam,",
///     "where the lines are open until 5 p.m. every day.",
///     "Goodbye.",
/// ]);
/// ```
#[must_use]
pub fn passages(text: &str) -> Vec<&str> {
    let mut passages = Vec::new();
    for paragraph in text.split('\n') {
        for sentence in sentences(paragraph) {
            let mut rest = sentence;
            loop {
                let limit = if passages.is_empty() { FIRST } else { LONGEST };
                match cut(rest, limit) {
                    Some(at) => {
                        passages.push(rest[..at].trim());
                        rest = rest[at..].trim();
                    }
                    None => break,
                }
            }
            if !rest.is_empty() {
                passages.push(rest);
            }
        }
    }
    passages
}

/// The sentences of a paragraph.
pub(crate) fn sentences(paragraph: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let mut start = 0;
    let mut end_of_word = 0;
    for word in paragraph.split_inclusive(char::is_whitespace) {
        end_of_word += word.len();
        let word = word.trim_end();
        let ends =
            word.trim_end_matches(['"', '\'', ')', '”', '’']).ends_with(['.', '!', '?', '…', '。']);
        if ends && !abbreviated(word, &paragraph[end_of_word..]) {
            sentences.push(paragraph[start..end_of_word].trim());
            start = end_of_word;
        }
    }
    sentences.push(paragraph[start..].trim());
    sentences.retain(|sentence| !sentence.is_empty());
    sentences
}

fn abbreviated(word: &str, rest: &str) -> bool {
    let lower = word.to_lowercase();
    let initial = lower.len() == 2 && lower.starts_with(|c: char| c.is_ascii_alphabetic());
    let next = rest.trim_start();
    match lower.as_str() {
        "no." => next.starts_with(|c: char| c.is_ascii_digit()),
        title if TITLES.contains(&title) => true,
        // "at 5 p.m. We close" ends a sentence, "until 5 p.m. every day" does not.
        short if ABBREVIATIONS.contains(&short) => !next.starts_with(char::is_uppercase),
        _ => initial,
    }
}

/// Where to cut, if `text` is longer than `limit`.
fn cut(text: &str, limit: usize) -> Option<usize> {
    if text.len() <= limit {
        return None;
    }
    let clause = text
        .match_indices([',', ';', ':', '–', '—'])
        .map(|(at, mark)| at + mark.len())
        .filter(|at| text[*at..].starts_with(char::is_whitespace))
        .filter(|at| *at >= SHORTEST && text.len() - at >= SHORTEST);
    if limit == FIRST {
        // The first clause, unless it is itself too long to help.
        let first = clause.clone().take_while(|at| *at <= 2 * FIRST).next();
        if first.is_some() || text.len() <= LONGEST {
            return first;
        }
    }
    let limit = LONGEST;
    let last = clause.take_while(|at| *at <= limit).last();
    let space = || text.match_indices(' ').map(|(at, _)| at).take_while(|at| *at <= limit).last();
    last.or_else(space)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_where_they_do() {
        for (text, expected) in [
            ("", vec![]),
            (" \n ", vec![]),
            ("Hello", vec!["Hello"]),
            ("Is Dr. Smith in? No. He left.", vec!["Is Dr. Smith in?", "No.", "He left."]),
            ("It costs 3.50 today. Fine.", vec!["It costs 3.50 today.", "Fine."]),
            ("We close at 5 p.m. We open at 9.", vec!["We close at 5 p.m.", "We open at 9."]),
            ("Ask for J. Miller. \"Yes.\" Good", vec!["Ask for J. Miller.", "\"Yes.\"", "Good"]),
            ("one\ntwo", vec!["one", "two"]),
        ] {
            assert_eq!(passages(text), expected, "{text}");
        }
    }

    #[test]
    fn a_long_first_sentence_gives_its_first_clause() {
        let text =
            "Hi, thank you for calling, please tell me in a few words what I can do for you today.";
        let cut = passages(text);
        assert_eq!(cut[0], "Hi, thank you for calling,");
        assert_eq!(cut.len(), 2);
        assert_eq!(cut.join(" "), text);
    }

    #[test]
    fn a_text_without_an_end_is_cut_between_words_and_nothing_is_lost() {
        let text = "word ".repeat(400);
        let cut = passages(&text);
        assert!(cut.iter().all(|passage| passage.len() <= LONGEST));
        assert_eq!(cut.join(" "), text.trim());
        let unbroken = "x".repeat(5_000);
        assert_eq!(passages(&unbroken), [unbroken.as_str()]);
        let accents = "é".repeat(300) + ", " + &"ü ".repeat(300);
        let spoken: String = passages(&accents).concat().split_whitespace().collect();
        assert_eq!(spoken, accents.split_whitespace().collect::<String>());
    }
}
