//! An answer that comes: from a vendor's sound and words to what is heard on the line.

use std::time::Duration;

use audio::g711;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::{LlmError, Told};
use crate::llm::LONGEST as LONGEST_WORDS;
use crate::llm::reading::{Form, Reading};
use crate::synthesis::line::Line;

/// Sound that must be there before it is told, so that it does not stumble at once: 100 ms.
const LEAD: usize = 800;
/// An answer is not longer than this, in samples: 110 s.
const LONGEST: usize = 110 * 8_000;

pub(super) struct Answer {
    pub(super) number: u32,
    line: Line,
    /// Samples that have come.
    came: usize,
    /// Samples that were told, and those that wait until there are enough.
    told: usize,
    waiting: Vec<i16>,
    /// The item that it becomes, and which part of that is its sound.
    item: Option<(String, u32)>,
    reading: Reading,
    worded: bool,
    /// Sentences that came before any sound was told: they wait for it.
    early: Vec<Told>,
    /// Where the sentence begins whose words come now.
    from: usize,
    slots: Vec<(String, String)>,
    end: Option<String>,
    /// Calls of the function that wait for a reply.
    pub(super) calls: Vec<String>,
    /// Whether it was asked again for words.
    pub(super) again: bool,
    pub(super) done: bool,
}

/// Where an item is cut off.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) item: String,
    pub(super) part: u32,
    pub(super) ms: u64,
}

#[derive(Deserialize)]
struct Arguments {
    #[serde(default)]
    end: Option<String>,
    #[serde(default)]
    slots: serde_json::Map<String, serde_json::Value>,
}

impl Answer {
    pub(super) fn new(number: u32) -> Self {
        Self {
            number,
            line: Line::new(audio::SAMPLE_RATE).expect("this rate needs no resampling"),
            came: 0,
            told: 0,
            waiting: Vec::new(),
            item: None,
            reading: Reading::new(Form::Words),
            worded: false,
            early: Vec::new(),
            from: 0,
            slots: Vec::new(),
            end: None,
            calls: Vec::new(),
            again: false,
            done: false,
        }
    }

    /// Whether any of it was told.
    pub(super) fn is_heard(&self) -> bool {
        self.told > 0
    }

    pub(super) fn sound(
        &mut self,
        item: String,
        part: u32,
        base64: &str,
    ) -> Result<Vec<Told>, LlmError> {
        let codes = STANDARD
            .decode(base64)
            .map_err(|error| LlmError::Senseless(format!("its sound is not in base64: {error}")))?;
        self.item = Some((item, part));
        self.came += codes.len();
        if self.came > LONGEST {
            return Err(LlmError::Senseless("it does not stop to speak".to_owned()));
        }
        let level = |code: &u8| f32::from(g711::decode_ulaw_sample(*code)) / 32_768.0;
        let samples: Vec<f32> = codes.iter().map(level).collect();
        self.line.process(&samples, &mut self.waiting);
        Ok(self.take())
    }

    /// More of its words.
    pub(super) fn words(&mut self, words: &str) -> Result<Vec<Told>, LlmError> {
        self.worded = true;
        let sentences = self.reading.push(words);
        if self.reading.len() > LONGEST_WORDS {
            return Err(LlmError::Senseless(format!("it is longer than {LONGEST_WORDS} bytes")));
        }
        Ok(self.sentences(sentences))
    }

    /// All of its words, from a server that has not told them piece by piece.
    pub(super) fn all_words(&mut self, words: &str) -> Result<Vec<Told>, LlmError> {
        if self.worded { Ok(Vec::new()) } else { self.words(words) }
    }

    /// The function is called. What makes no sense is left out; a label that is none of `ends` is, too.
    pub(super) fn call(&mut self, id: String, arguments: &str, ends: &[(String, String)]) {
        self.calls.push(id);
        let Ok(Arguments { end, slots }) = serde_json::from_str(arguments) else { return };
        let known = end.filter(|end| ends.iter().any(|(label, _)| label == end));
        self.end = known.or_else(|| self.end.take());
        self.slots.extend(slots.into_iter().filter_map(|(slot, value)| match value {
            serde_json::Value::String(text) => Some((slot, text)),
            serde_json::Value::Number(number) => Some((slot, number.to_string())),
            _ => None,
        }));
    }

    /// Whether nothing was said, and nothing follows from it.
    pub(super) fn is_empty(&self) -> bool {
        !self.is_heard() && !self.line.sounded() && self.end.is_none()
    }

    /// Nothing more comes. Of what was `cut_short`, half a sentence counts as well: its sound was heard.
    pub(super) fn finish(&mut self) -> Vec<Told> {
        self.done = true;
        self.line.finish(&mut self.waiting);
        let mut told = self.take();
        let read = std::mem::replace(&mut self.reading, Reading::new(Form::Words)).end(false);
        told.extend(self.sentences(read.sentences));
        let (slots, end) = (std::mem::take(&mut self.slots), self.end.take());
        told.push(Told::Done { slots, end });
        told
    }

    /// Where it is cut off if so much of what was told was heard; none if there is nothing, or all was heard.
    pub(super) fn cut(&self, heard: Duration) -> Option<Cut> {
        let (item, part) = self.item.clone()?;
        let heard = (heard.as_millis() * 8).min(self.came as u128) as usize;
        if self.done && heard >= self.told {
            return None;
        }
        let skipped = if self.is_heard() { self.line.skipped() } else { 0 };
        let ms = ((heard + skipped).min(self.came) / 8) as u64;
        Some(Cut { item, part, ms })
    }

    /// The sound that waits, if it is enough, and in front of other words those that waited for it.
    fn take(&mut self) -> Vec<Told> {
        let enough = self.is_heard() || self.waiting.len() >= LEAD || self.done;
        if !enough || self.waiting.is_empty() {
            return Vec::new();
        }
        self.told += self.waiting.len();
        let sound = Told::Sound(std::mem::take(&mut self.waiting));
        std::iter::once(sound).chain(self.early.drain(..)).collect()
    }

    fn sentences(&mut self, sentences: Vec<String>) -> Vec<Told> {
        let mut told = Vec::new();
        for words in sentences {
            let from = std::mem::replace(&mut self.from, self.told);
            let from = Duration::from_millis(from as u64 / 8);
            told.push(Told::Words { words, from });
        }
        if self.is_heard() {
            return told;
        }
        self.early.append(&mut told);
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(samples: usize) -> String {
        let codes: Vec<u8> = (0..samples)
            .map(|n| g711::encode_ulaw_sample(if n / 8 % 2 == 0 { 6_000 } else { -6_000 }))
            .collect();
        STANDARD.encode(codes)
    }

    fn sound(answer: &mut Answer, base64: &str) -> usize {
        match answer.sound("i".to_owned(), 0, base64).unwrap().first() {
            Some(Told::Sound(samples)) => samples.len(),
            None => 0,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn sound_is_told_once_there_is_enough_of_it_and_silence_before_it_never() {
        let mut answer = Answer::new(1);
        let silence = STANDARD.encode([g711::ULAW_SILENCE; 1_600]);
        assert_eq!(sound(&mut answer, &silence), 0);
        assert!(answer.is_empty());
        assert_eq!(sound(&mut answer, &tone(400)), 0);
        assert!(sound(&mut answer, &tone(800)) >= LEAD);
        // 200 ms of silence but for 20 were left out, and count for the one who cuts.
        let cut = answer.cut(Duration::from_millis(50)).unwrap();
        assert_eq!((cut.item.as_str(), cut.part, cut.ms), ("i", 0, 50 + 180));
        assert_eq!(answer.cut(Duration::from_secs(9)).unwrap().ms, 350);
        answer.finish();
        assert_eq!(answer.cut(Duration::from_secs(9)), None, "all was heard");
    }

    #[test]
    fn a_sentence_begins_where_the_sound_was_when_its_words_came() {
        let mut answer = Answer::new(1);
        assert!(answer.words("We open at nine. On").unwrap().is_empty(), "no sound is there yet");
        let told = answer.sound("i".to_owned(), 0, &tone(8_000)).unwrap();
        assert!(matches!(&told[..], [Told::Sound(_), Told::Words { .. }]), "{told:?}");
        let told = answer.words(" sundays at ten. Bye").unwrap();
        let [Told::Words { words, from }] = &told[..] else { panic!("{told:?}") };
        assert_eq!((words.as_str(), *from), ("On sundays at ten.", Duration::ZERO));
        let told = answer.finish();
        let [.., Told::Words { words, from }, Told::Done { .. }] = &told[..] else {
            panic!("{told:?}")
        };
        assert_eq!(words, "Bye");
        assert!(*from > Duration::from_millis(900), "{from:?}");
    }

    #[test]
    fn only_labels_of_the_list_and_values_are_taken() {
        let ends = [("solved".to_owned(), "when".to_owned())];
        let mut answer = Answer::new(1);
        answer.call(
            "c1".to_owned(),
            "{\"end\": \"odd\", \"slots\": {\"a\": 4, \"b\": null}}",
            &ends,
        );
        assert!(answer.is_empty());
        answer.call("c2".to_owned(), "{\"end\": \"solved\"}", &ends);
        answer.call("c3".to_owned(), "not JSON", &ends);
        assert!(!answer.is_empty());
        let slots = vec![("a".to_owned(), "4".to_owned())];
        assert_eq!(answer.finish(), [Told::Done { slots, end: Some("solved".to_owned()) }]);
        assert_eq!(answer.calls, ["c1", "c2", "c3"]);
    }
}
