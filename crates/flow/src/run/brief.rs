//! What a language model is asked to write, and what it may come to: words, values for slots, a label of a closed list.
//! No word of a vendor's stands here.

use std::collections::BTreeMap;
use std::time::Duration;

use intent::grammar::SlotKind;
use serde::{Deserialize, Serialize, Serializer};

use super::Filled;
use crate::document::Model;

/// What a language model is asked to write.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Brief {
    /// What for.
    pub errand: Errand,
    /// The language of the call, as a BCP 47 tag, if it is known.
    pub language: Option<String>,
    /// How long its first words may take.
    pub patience: Duration,
    /// Who is asked.
    #[serde(skip_serializing_if = "Model::writes")]
    pub model: Model,
}

/// What a language model is needed for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Errand {
    /// To say this in its own words.
    Phrase(String),
    /// To answer what the caller has said.
    Answer(Conversation),
}

/// A conversation, up to something that the caller has said.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Conversation {
    /// All that may be told.
    pub about: String,
    /// The slots that may be filled.
    pub blanks: Vec<Blank>,
    /// Labels that may be chosen, and when.
    pub ends: BTreeMap<String, String>,
    /// What was said, the caller's last words last. Where a brief is written down, only how much it is: the words stand
    /// where they were heard.
    #[serde(serialize_with = "count")]
    pub said: Vec<Said>,
}

/// A slot that may be filled, and by what.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Blank {
    /// The slot.
    pub slot: String,
    /// What may stand there.
    pub kind: SlotKind,
}

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// By the caller.
    ByCaller(String),
    /// By us, as it is written.
    ByUs(String),
    /// By the model, as far as the caller has heard it.
    ByModel(String),
}

/// What a language model has written.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wrote {
    /// The words that were said of it.
    pub words: String,
    /// What it fills.
    pub slots: Vec<Filled>,
    /// The label that it chose.
    pub label: Option<String>,
}

fn count<S: Serializer>(said: &[Said], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(said.len() as u64)
}

impl Blank {
    /// The value that stands in the slot if this is given for it; none if it is no value of its kind. The number of a
    /// payment card is none anywhere.
    pub(crate) fn value(&self, given: &str) -> Option<String> {
        let given = given.trim();
        let bare: String = given.chars().filter(|c| !" -.".contains(*c)).collect();
        if given.is_empty() || given.len() > MOST_VALUE || !intent::redact(given).marks.is_empty() {
            return None;
        }
        match &self.kind {
            SlotKind::Values(choices) | SlotKind::People(choices) => {
                let same = |name: &str| name.to_lowercase() == given.to_lowercase();
                let meant =
                    choices.iter().find(|it| same(&it.value) || it.also.iter().any(|it| same(it)));
                meant.map(|choice| choice.value.clone())
            }
            SlotKind::Digits(length) => {
                let fits = (length.least..=length.most).contains(&bare.len());
                (fits && bare.bytes().all(|byte| byte.is_ascii_digit())).then_some(bare)
            }
            SlotKind::Code(length) => {
                let fits = (length.least..=length.most).contains(&bare.len());
                let alone = bare.bytes().all(|byte| byte.is_ascii_alphanumeric());
                (fits && alone).then(|| bare.to_ascii_uppercase())
            }
            SlotKind::Number => {
                let number: u32 = given.parse().ok().filter(|number| *number < BILLION)?;
                Some(number.to_string())
            }
            SlotKind::Money | SlotKind::Time => {
                given.contains(|c: char| c.is_ascii_digit()).then(|| given.to_owned())
            }
            SlotKind::Date => Some(given.to_owned()),
        }
    }
}

/// The longest value, in bytes.
const MOST_VALUE: usize = 80;
/// Numbers are below this.
const BILLION: u32 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use intent::grammar::Length;

    #[test]
    fn a_slot_takes_what_is_of_its_kind_and_nothing_else() {
        let length = Length { least: 4, most: 8 };
        let drinks = vec!["mocha".into(), "latte".into()];
        let twenty = Length { least: 4, most: 20 };
        for (kind, given, value) in [
            (SlotKind::Values(drinks), " Mocha ", Some("mocha")),
            (SlotKind::Values(vec!["mocha".into()]), "tea", None),
            (SlotKind::Digits(length), "40 21", Some("4021")),
            (SlotKind::Digits(length), "402", None),
            (SlotKind::Digits(length), "40a1", None),
            (SlotKind::Digits(twenty), "4111 1111 1111 1111", None),
            (SlotKind::Code(length), "ab-17", Some("AB17")),
            (SlotKind::Number, "12", Some("12")),
            (SlotKind::Number, "-1", None),
            (SlotKind::Number, "1000000000", None),
            (SlotKind::Time, "15:30", Some("15:30")),
            (SlotKind::Time, "soon", None),
            (SlotKind::Date, "next friday", Some("next friday")),
            (SlotKind::Date, "", None),
        ] {
            let blank = Blank { slot: "x".to_owned(), kind };
            assert_eq!(blank.value(given).as_deref(), value, "{given}");
        }
    }
}
