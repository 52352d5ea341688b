//! Text to phonemes: the program `espeak-ng` where it is installed, or else a pronouncing dictionary.
//!
//! espeak-ng is under the GPL. It is run, not linked: a program of its own, once a passage (10 ms of CPU).

use std::process::Command;

use super::super::{Outlet, SpeakError, program};

const PROGRAM: &str = "espeak-ng";

/// The sounds of an English word, in ARPAbet without stress and apart by spaces: `HH AH L OW`.
pub type Pronounce = fn(&str) -> String;

/// Where phonemes come from.
#[derive(Debug, Clone)]
pub(super) enum Phonemes {
    /// The program, with this voice.
    Espeak(String),
    /// A dictionary of American English.
    Dictionary(Pronounce),
    /// The voice reads letters.
    Letters,
}

impl Phonemes {
    /// The best that this machine has for `voice`.
    pub(super) fn find(voice: &str, pronounce: Option<Pronounce>) -> Result<Self, String> {
        let installed = Command::new(PROGRAM).arg("--version").output();
        if installed.is_ok_and(|output| output.status.success()) {
            return Ok(Self::Espeak(voice.to_owned()));
        }
        match pronounce {
            Some(pronounce) if voice.starts_with("en") => Ok(Self::Dictionary(pronounce)),
            _ => Err(format!(
                "it needs phonemes of {voice:?}, and `{PROGRAM}` is not installed (Debian: `apt install espeak-ng`)"
            )),
        }
    }

    pub(super) fn of(&self, text: &str, outlet: &mut Outlet<'_>) -> Result<String, SpeakError> {
        match self {
            Self::Espeak(voice) => {
                let clauses = clauses(text);
                let lines: Vec<&str> = clauses.iter().map(|(words, _)| *words).collect();
                let input = lines.join("\n\n") + "\n";
                let arguments = ["-v", voice, "-q", "--ipa", "--stdin", "-b", "1"];
                let ipa = outlet.wait(program::output(PROGRAM, arguments, &input))?;
                Ok(punctuated(&String::from_utf8_lossy(&ipa), &clauses))
            }
            Self::Dictionary(pronounce) => Ok(dictionary(text, *pronounce)),
            Self::Letters => Ok(text.to_lowercase()),
        }
    }
}

/// The clauses of `text`, each with the mark that ends it.
fn clauses(text: &str) -> Vec<(&str, char)> {
    let mut clauses = Vec::new();
    for clause in text.split_inclusive([',', ';', ':', '.', '!', '?', '–', '—']) {
        let words = clause.trim_end_matches([',', ';', ':', '.', '!', '?', '–', '—']);
        let mark = clause.chars().next_back().filter(|mark| ",;:.!?".contains(*mark));
        if words.chars().any(char::is_alphanumeric) {
            clauses.push((words.trim(), mark.unwrap_or(if words == clause { '.' } else { ',' })));
        }
    }
    clauses
}

/// espeak-ng writes a line a clause, and no punctuation, which voices have learned to breathe by.
fn punctuated(ipa: &str, clauses: &[(&str, char)]) -> String {
    let lines: Vec<String> =
        ipa.lines().map(without_flags).filter(|line| !line.is_empty()).collect();
    let as_many = lines.len() == clauses.len();
    let end = clauses.last().map_or('.', |(_, mark)| *mark);
    let mut text = String::new();
    for (n, line) in lines.iter().enumerate() {
        let last = n + 1 == lines.len();
        let mark = match clauses.get(n) {
            Some((_, mark)) if as_many => *mark,
            _ if last => end,
            _ => ',',
        };
        text.push_str(line);
        text.push(mark);
        if !last {
            text.push(' ');
        }
    }
    text
}

/// Without `(en)`, which says that a word is taken from another language.
fn without_flags(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, flag)) = rest.split_once('(') {
        text.push_str(before);
        rest = flag.split_once(')').map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    text.trim().to_owned()
}

fn dictionary(text: &str, pronounce: Pronounce) -> String {
    let clause = |(words, mark): &(&str, char)| {
        let words = words.split_whitespace().map(|word| {
            let word = word.trim_matches(|c: char| !c.is_alphanumeric());
            ipa(&pronounce(&word.to_lowercase()))
        });
        let words: Vec<String> = words.filter(|word| !word.is_empty()).collect();
        words.join(" ") + &mark.to_string()
    };
    clauses(text).iter().map(clause).collect::<Vec<_>>().join(" ")
}

/// From ARPAbet to what espeak-ng writes for American English. The first vowel of a word is taken for the stressed
/// one, which it mostly is in English; weak vowels stay weak.
fn ipa(arpabet: &str) -> String {
    let mut text = String::new();
    let mut stressed = false;
    for sound in arpabet.split_whitespace() {
        let (ipa, vowel) = match sound {
            "AA" => ("ɑː", true),
            "AE" => ("æ", true),
            "AH" => (if stressed { "ə" } else { "ʌ" }, true),
            "AO" => ("ɔː", true),
            "AW" => ("aʊ", true),
            "AY" => ("aɪ", true),
            "EH" => ("ɛ", true),
            "ER" => (if stressed { "ɚ" } else { "ɜː" }, true),
            "EY" => ("eɪ", true),
            "IH" => ("ɪ", true),
            "IY" => (if stressed { "i" } else { "iː" }, true),
            "OW" => ("oʊ", true),
            "OY" => ("ɔɪ", true),
            "UH" => ("ʊ", true),
            "UW" => ("uː", true),
            "CH" => ("tʃ", false),
            "DH" => ("ð", false),
            "G" => ("ɡ", false),
            "HH" => ("h", false),
            "JH" => ("dʒ", false),
            "NG" => ("ŋ", false),
            "R" => ("ɹ", false),
            "SH" => ("ʃ", false),
            "TH" => ("θ", false),
            "Y" => ("j", false),
            "ZH" => ("ʒ", false),
            "B" => ("b", false),
            "D" => ("d", false),
            "F" => ("f", false),
            "K" => ("k", false),
            "L" => ("l", false),
            "M" => ("m", false),
            "N" => ("n", false),
            "P" => ("p", false),
            "S" => ("s", false),
            "T" => ("t", false),
            "V" => ("v", false),
            "W" => ("w", false),
            "Z" => ("z", false),
            _ => continue,
        };
        if vowel && !stressed {
            text.push('ˈ');
            stressed = true;
        }
        text.push_str(ipa);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punctuation_comes_back_where_it_was() {
        let clauses = clauses("Hello there, how are you? Fine");
        assert_eq!(clauses, [("Hello there", ','), ("how are you", '?'), ("Fine", '.')]);
        let ipa = " həlˈoʊ ðˈɛɹ\n hˈaʊ ɑːɹ juː\n fˈaɪn\n";
        assert_eq!(punctuated(ipa, &clauses), "həlˈoʊ ðˈɛɹ, hˈaʊ ɑːɹ juː? fˈaɪn.");
        assert_eq!(punctuated(" a\n b\n c\n d\n", &clauses), "a, b, c, d.", "cut once more");
        assert_eq!(punctuated("", &clauses), "");
        assert_eq!(without_flags("(en)hˈeɪ(de) ja"), "hˈeɪ ja");
    }

    #[test]
    fn a_dictionary_speaks_where_the_program_is_missing() {
        let pronounce: Pronounce = |word| match word {
            "hello" => "HH AH L OW".to_owned(),
            "there" => "DH EH R".to_owned(),
            _ => String::new(),
        };
        assert_eq!(dictionary("Hello, \"there\"!", pronounce), "hˈʌloʊ, ðˈɛɹ!");
    }
}
