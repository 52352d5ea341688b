//! From what a model has written so far to what can be said of it already, and in the end to its values and its label.

use serde::Deserialize;
use std::collections::BTreeMap;

use crate::synthesis::passage::{self, passages};

/// What is said as soon as it is there, even if a sentence is longer.
const LONG: usize = 240;

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As words.
    Words,
    /// As a JSON object whose first field is the words.
    Object,
}

/// An answer that comes.
#[derive(Debug)]
pub(super) struct Reading {
    form: Form,
    raw: String,
    /// How many bytes of its words have been taken.
    taken: usize,
    said: bool,
}

/// All of an answer, but for the sentences that were there before.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) sentences: Vec<String>,
    pub(super) slots: Vec<(String, String)>,
    pub(super) end: Option<String>,
    said: bool,
}

impl Read {
    /// Whether nothing was ever said, and no label chosen.
    pub(super) fn is_empty(&self) -> bool {
        !self.said && self.sentences.is_empty() && self.end.is_none()
    }
}

#[derive(Debug, Default, Deserialize)]
struct Object {
    #[serde(default)]
    answer: String,
    #[serde(default)]
    end: Option<String>,
    #[serde(default)]
    slots: BTreeMap<String, serde_json::Value>,
}

impl Reading {
    pub(super) fn new(form: Form) -> Self {
        Self { form, raw: String::new(), taken: 0, said: false }
    }

    /// How many bytes there are.
    pub(super) fn len(&self) -> usize {
        self.raw.len()
    }

    /// Takes more of it, and gives the sentences that are whole by now.
    pub(super) fn push(&mut self, more: &str) -> Vec<String> {
        self.raw.push_str(more);
        let words = self.words().unwrap_or_default();
        let fresh = words.get(self.taken..).unwrap_or_default();
        // The first words are wanted at once.
        let parts = match self.said && fresh.len() < LONG {
            true => passage::sentences(fresh),
            false => passages(fresh),
        };
        let Some((last, whole)) = parts.split_last() else { return Vec::new() };
        let at = last.as_ptr() as usize - fresh.as_ptr() as usize;
        let sentences: Vec<String> = whole.iter().filter_map(|part| speakable(part)).collect();
        self.taken += at;
        self.said |= !sentences.is_empty();
        sentences
    }

    /// All that is left, once nothing more comes. Of an answer that was `cut_short`, half a sentence is not said.
    pub(super) fn end(self, cut_short: bool) -> Read {
        let object = match self.form {
            Form::Words => None,
            Form::Object => self.object(),
        };
        let words = match &object {
            Some(object) => object.answer.clone(),
            None => self.words().unwrap_or_default(),
        };
        let rest = words.get(self.taken..).unwrap_or_default();
        let mut parts = passages(rest);
        if cut_short && object.is_none() && (self.said || parts.len() > 1) {
            parts.pop();
        }
        let sentences = parts.into_iter().filter_map(speakable).collect();
        let Object { end, slots, .. } = object.unwrap_or_default();
        let slots = slots.into_iter().filter_map(|(slot, value)| match value {
            serde_json::Value::String(text) => Some((slot, text)),
            serde_json::Value::Number(number) => Some((slot, number.to_string())),
            _ => None,
        });
        let end = end.filter(|end| !end.is_empty());
        Read { sentences, slots: slots.collect(), end, said: self.said }
    }

    /// The words that there are so far; none before it is clear which they are.
    fn words(&self) -> Option<String> {
        match self.form {
            Form::Words => Some(self.raw.clone()),
            Form::Object => {
                let text = self.raw.trim_start();
                let fenced = text.starts_with('`');
                let text = if fenced { text.trim_start_matches(|c| c != '{') } else { text };
                match text.strip_prefix('{') {
                    Some(inside) => first_field(inside),
                    None => (!fenced).then(|| self.raw.clone()),
                }
            }
        }
    }

    fn object(&self) -> Option<Object> {
        let from = self.raw.find('{')?;
        let to = self.raw.rfind('}')?;
        serde_json::from_str(self.raw.get(from..=to)?).ok()
    }
}

/// What stands in `"answer": "..."`, if an object begins so, as far as it has come.
fn first_field(inside: &str) -> Option<String> {
    let rest = inside.trim_start().strip_prefix("\"answer\"")?;
    let rest = rest.trim_start().strip_prefix(':')?;
    let rest = rest.trim_start().strip_prefix('"')?;
    let mut escaped = false;
    let mut end = rest.len();
    // Where an escape begins that has not come to its end, or where the last one did.
    let mut whole = 0;
    for (at, c) in rest.char_indices() {
        match (escaped, c) {
            (false, '"') => {
                (end, whole) = (at, at);
                break;
            }
            (false, '\\') => escaped = true,
            (false, _) => whole = at + c.len_utf8(),
            (true, 'u') if rest.len() < at + 5 => break,
            (true, 'u') if is_half(&rest[at + 1..]) && rest.len() < at + 11 => break,
            (true, _) => {
                escaped = false;
                whole = at + c.len_utf8();
            }
        }
    }
    let text = &rest[..whole.min(end)];
    // What is no text in JSON by now will not become any.
    serde_json::from_str(&format!("\"{text}\"")).ok()
}

/// Whether four hexadecimal digits are the first half of a pair (RFC 8259, section 7).
fn is_half(digits: &str) -> bool {
    let digits = digits.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    digits.is_some_and(|number| (0xd800..0xdc00).contains(&number))
}

/// A sentence without the marks that nobody can say; none if nothing is left.
fn speakable(sentence: &str) -> Option<String> {
    let kept = sentence.chars().filter(|c| !"*#`_~|<>{}[]\\".contains(*c));
    let text: String = kept.map(|c| if c.is_control() { ' ' } else { c }).collect();
    let text = text.trim_start_matches(['-', '•', ' ']);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.chars().any(char::is_alphanumeric).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said before the end, and all of the rest, of an answer that comes in pieces of so many bytes.
    fn read(form: Form, text: &str, size: usize) -> (Vec<String>, Read) {
        let mut reading = Reading::new(form);
        let chars: Vec<char> = text.chars().collect();
        let pieces = chars.chunks(size).map(|piece| piece.iter().collect::<String>());
        let early = pieces.flat_map(|piece| reading.push(&piece)).collect();
        (early, reading.end(false))
    }

    const OBJECT: &str = r#" { "answer" : "We open at 9 a.m. every day. \"Really?\" Yes \u00e9\ud83d\ude00\n indeed.", "end": "solved", "slots": {"account": "4021", "n": 7, "none": null} } "#;

    #[test]
    fn the_words_of_an_object_are_there_before_its_end_however_it_comes() {
        for size in 1..OBJECT.len() {
            let (mut early, rest) = read(Form::Object, OBJECT, size);
            if size < 20 {
                assert_eq!(early[0], "We open at 9 a.m. every day.", "{size}");
            }
            early.extend(rest.sentences.clone());
            let all = early.join(" ");
            assert_eq!(all, "We open at 9 a.m. every day. \"Really?\" Yes é😀 indeed.", "{size}");
            assert_eq!(rest.end.as_deref(), Some("solved"));
            let slots = [("account", "4021"), ("n", "7")];
            assert_eq!(rest.slots, slots.map(|(slot, value)| (slot.to_owned(), value.to_owned())));
        }
    }

    #[test]
    fn what_is_no_object_is_read_as_words_and_in_another_order_at_the_end() {
        let (early, rest) = read(Form::Object, "We open at nine. Come in.", 3);
        assert_eq!(
            (early, rest.sentences),
            (vec!["We open at nine.".to_owned()], vec!["Come in.".to_owned()])
        );
        let fenced = "```json\n{\"answer\": \"At nine. Come.\", \"end\": null}\n```";
        let (early, rest) = read(Form::Object, fenced, 4);
        assert_eq!(
            (early, rest.sentences),
            (vec!["At nine.".to_owned()], vec!["Come.".to_owned()])
        );
        let other = "{\"end\": \"solved\", \"answer\": \"At nine.\"}";
        let (early, rest) = read(Form::Object, other, 4);
        assert_eq!((early.len(), rest.end.as_deref()), (0, Some("solved")));
        assert_eq!(rest.sentences, ["At nine."]);
    }

    #[test]
    fn the_first_clause_of_a_long_sentence_does_not_wait_for_its_end() {
        let text = "Thank you for asking about our opening hours, which depend on the season and the day of the week. We";
        let mut reading = Reading::new(Form::Words);
        assert_eq!(reading.push(&text[..80]), ["Thank you for asking about our opening hours,"]);
    }

    #[test]
    fn half_a_sentence_is_not_said_and_marks_are_not_either() {
        let mut reading = Reading::new(Form::Object);
        assert_eq!(reading.push("{\"answer\": \"At **nine**. And on sund"), ["At nine."]);
        assert!(reading.end(true).sentences.is_empty());
        assert_eq!(speakable("- `*Hi*`\u{7} there\t#1"), Some("Hi there 1".to_owned()));
        assert_eq!(speakable("**"), None);
        assert!(Reading::new(Form::Object).end(false).is_empty());
    }

    #[test]
    fn no_text_makes_the_reader_fall() {
        for text in [
            "{",
            "{\"answer\"",
            "{\"answer\": \"\\",
            "{\"answer\": \"\\ud83d",
            "{\"answer\": \"\\ud83dx\"",
            "{\"answer\": 3}",
            "`",
            "}{",
            "{\"answer\": \"\\u12",
            "\"\\é",
        ] {
            for size in 1..4 {
                let _ = read(Form::Object, text, size);
            }
        }
    }
}
