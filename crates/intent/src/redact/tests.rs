use super::*;
use crate::numerals;
use proptest::prelude::*;

/// Splitmix64, so that a failure can be had again.
struct Rng(u64);

impl Rng {
    fn below(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % below as u64) as usize
    }

    fn of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }
}

/// A number with the right check digit.
fn card(rng: &mut Rng) -> String {
    let (prefix, len) = [
        ("4", 16),
        ("4", 16),
        ("4", 13),
        ("4", 19),
        ("51", 16),
        ("55", 16),
        ("2221", 16),
        ("2720", 16),
        ("34", 15),
        ("37", 15),
        ("6011", 16),
        ("65", 16),
        ("3528", 16),
        ("36", 14),
        ("305", 14),
        ("62", 16),
        ("6759", 19),
        ("5018", 13),
    ][rng.below(18)];
    let mut digits = prefix.to_owned();
    while digits.len() < len - 1 {
        digits.push(char::from(b'0' + rng.below(10) as u8));
    }
    let right = (b'0'..=b'9').map(|last| format!("{digits}{}", char::from(last))).find(|number| {
        let mut luhn = issuers::Luhn::default();
        number.bytes().enumerate().for_each(|(at, digit)| luhn.push(digit - b'0', at));
        luhn.holds(len)
    });
    right.unwrap()
}

/// The words of a group of digits, in one of the ways in which people say them.
fn group(rng: &mut Rng, digits: &str) -> Vec<String> {
    let zero = rng.of(&["zero", "oh", "oh", "nought"]);
    let name =
        |digit: u8| if digit == b'0' { zero } else { numerals::small((digit - b'0').into()) };
    let owned = |words: Vec<&str>| words.into_iter().map(str::to_owned).collect::<Vec<_>>();
    match rng.below(7) {
        0 => vec![digits.to_owned()],
        1 => digits.chars().map(String::from).collect(),
        // Pairs: "forty one eleven".
        2 if digits.len() == 4 && !digits.starts_with('0') && &digits[2..3] != "0" => {
            let pair = |pair: &str| numerals::cardinal(pair.parse().unwrap());
            owned([pair(&digits[..2]), pair(&digits[2..])].concat())
        }
        // "four thousand one hundred", "forty one hundred".
        3 if !digits.starts_with('0') && digits.len() < 9 => {
            let number: u64 = digits.parse().unwrap();
            if digits.len() == 4
                && number.is_multiple_of(100)
                && !number.is_multiple_of(1000)
                && rng.below(2) == 0
            {
                owned([numerals::cardinal(number / 100), vec!["hundred"]].concat())
            } else {
                let mut words = owned(numerals::cardinal(number));
                if let Some(at) = words.iter().position(|word| word == "hundred")
                    && at + 1 < words.len()
                    && rng.below(2) == 0
                {
                    words.insert(at + 1, "and".to_owned());
                }
                words
            }
        }
        // "double five".
        4 => {
            let mut words = Vec::new();
            for run in digits.as_bytes().chunk_by(|a, b| a == b) {
                for part in run.chunks(3) {
                    words.extend(match part.len() {
                        2 => vec!["double", name(part[0])],
                        3 => vec![rng.of(&["triple", "treble"]), name(part[0])],
                        _ => vec![name(part[0])],
                    });
                }
            }
            owned(words)
        }
        _ => owned(digits.bytes().map(name).collect()),
    }
}

/// One card, said: the words before it, its own and those behind it.
struct Said {
    words: Vec<String>,
    card: Range<usize>,
}

fn said(rng: &mut Rng) -> Said {
    let number = card(rng);
    let size = [4, 4, 4, 2, 3, 6, 19][rng.below(7)];
    let mut own: Vec<String> = Vec::new();
    let joint = rng.below(6);
    let groups: Vec<String> =
        number.as_bytes().chunks(size).map(|g| String::from_utf8(g.to_vec()).unwrap()).collect();
    if joint == 0 {
        own.push(groups.join(rng.of(&["-", ".", ",", ""])));
    } else {
        for digits in &groups {
            let mut words = group(rng, digits);
            if rng.below(4) == 0 {
                words.last_mut().unwrap().push_str(rng.of(&[",", ".", "-", "?", "..."]));
            }
            own.extend(words);
            if rng.below(4) == 0 {
                own.push(
                    rng.of(&["um", "uh,", "that's", "and then", "er", "okay, so", "dash"])
                        .to_owned(),
                );
            }
        }
        if rng.below(3) == 0 {
            let at = rng.below(own.len());
            own.insert(
                at,
                rng.of(&["uh,", "um", "let me see", "hold on", "one moment"]).to_owned(),
            );
        }
        if rng.below(3) == 0 {
            misheard(rng, &mut own);
        }
    }
    let before = rng.of(&[
        "",
        "my card number is",
        "it's",
        "Okay, so the number is",
        "yes that is",
        "visa,",
        "I want to pay",
    ]);
    let behind = rng.of(&["", "", "thanks", "is that right", "please", "did you get that?"]);
    let split = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let (before, own, behind) = (split(before), split(&own.join(" ")), split(behind));
    let card = before.len()..before.len() + own.len();
    Said { words: [before, own, behind].concat(), card }
}

/// Has a recogniser write one digit as another word that sounds alike.
fn misheard(rng: &mut Rng, words: &mut [String]) {
    let at = rng.below(words.len());
    let heard = match words[at].as_str() {
        "four" => rng.of(&["for", "fore"]),
        "two" => rng.of(&["to", "too"]),
        "one" => "won",
        "eight" => "ate",
        "oh" | "zero" => rng.of(&["oh", "o", "zero"]),
        "three" => rng.of(&["tree", "free"]),
        "six" => "sicks",
        _ => return,
    };
    words[at] = heard.to_owned();
}

/// Whether a word of a card's tells a digit.
fn tells(word: &str) -> bool {
    atoms([word]).iter().any(|atom| readings::most(atom) > 0 && atom.text != "one")
}

#[test]
fn none_of_ten_thousand_spoken_cards_is_left() {
    let mut rng = Rng(1);
    let (mut others, mut kept) = (0, 0);
    for n in 0..10_000 {
        let Said { words, card } = said(&mut rng);
        let text = words.join(" ");
        let redacted = redact(&text);
        for (at, word) in words.iter().enumerate().take(card.end).skip(card.start) {
            let marked = redacted.marks.iter().any(|mark| mark.words.contains(&at));
            assert!(marked || !tells(word), "{n}: {text}: {redacted:?}");
        }
        let outside = |at: &usize| !card.contains(at);
        let marked = |at: &usize| redacted.marks.iter().any(|mark| mark.words.contains(at));
        others += (0..words.len()).filter(outside).count();
        kept += (0..words.len()).filter(outside).filter(|at| !marked(at)).count();
    }
    assert!((others - kept) * 500 < others, "{} of {others} other words are gone", others - kept);
}

#[test]
fn nor_of_those_that_are_said_over_several_turns() {
    let mut rng = Rng(2);
    for n in 0..2_000 {
        let Said { words, card } = said(&mut rng);
        let mut redactor = Redactor::new();
        let mut turns: Vec<(usize, Redacted)> = Vec::new();
        let mut from = 0;
        while from < words.len() {
            let to = (from + 1 + rng.below(8)).min(words.len());
            let redacted = redactor.turn(&words[from..to].join(" "));
            for earlier in &redacted.earlier {
                let (_, turn) = &mut turns[earlier.turn as usize];
                (turn.text, turn.marks) = (earlier.text.clone(), earlier.marks.clone());
            }
            turns.push((from, redacted));
            from = to;
        }
        // A number over more turns than are kept is one that nobody says.
        if turns.len() > TURNS {
            continue;
        }
        for at in card {
            let (from, turn) = turns.iter().rfind(|(from, _)| *from <= at).unwrap();
            let marked = turn.marks.iter().any(|mark| mark.words.contains(&(at - from)));
            assert!(marked || !tells(&words[at]), "{n}: {}: {turns:#?}", words.join(" "));
        }
    }
}

#[test]
fn what_can_be_read_in_too_many_ways_is_taken_out() {
    let text = "to for four double to one hundred ".repeat(100);
    assert_eq!(redact(text.trim()).text, "[card]");
}

#[test]
fn what_is_no_card_stays() {
    for text in [
        "call me at 415 555 0123 or at plus four four twenty seven nine four six oh one two three",
        "my account number is 12345678 and the sort code is 12 34 56",
        "order 4000123",
        "it was on the 24th of November 2026 at 3:30, for 49.99 dollars",
        "I have two cards, one for me and one for my wife, and four to go",
        "the extension is forty one eleven, thanks, and then there's two more for you too",
        "tracking number 9400 1000 0000 0000 0000 00",
        "4111 1111 1111",
        "",
        "  spaces   stay  ",
    ] {
        let redacted = redact(text);
        assert_eq!(redacted, Redacted { text: text.into(), marks: vec![], earlier: vec![] });
    }
}

#[test]
fn what_belongs_to_a_card_goes_with_it() {
    for (text, left) in [
        (
            "it's 4111 1111 1111 1111 expires 12/25 cvc 123",
            "it's [card] expires [expiry] cvc [code]",
        ),
        (
            "four triple one double one double one four ones 1111 and it's good through december twenty seven",
            "[card] and it's good through [expiry]",
        ),
        (
            "5555555555554444, security code on it is one two three. thanks",
            "[card], security code on it is [code]. thanks",
        ),
        ("4111-1111-1111-1111 12/25 123, for 50 dollars", "[card], for 50 dollars"),
        ("4111111111111111 and 50 dollars", "[card] and 50 dollars"),
        ("four one one two sorry one one one one 1111 1111 11 1", "[card]"),
        ("my card is 4111 1111 1111 1112 okay", "my card is [card] okay"),
        ("my phone is 4111 1111 1111 1112 okay", "my phone is 4111 1111 1111 1112 okay"),
        ("123 on the back, 4111111111111111", "[code] on the back, [card]"),
    ] {
        assert_eq!(redact(text).text, left, "{text}");
    }
}

#[test]
fn a_number_goes_on_in_the_next_turn_and_a_code_follows_alone() {
    let mut redactor = Redactor::new();
    assert_eq!(redactor.turn("hello").text, "hello");
    let first = "sure it's four one one one, one one one one";
    assert_eq!(redactor.turn(first).text, first);
    assert!(redactor.turn("okay?").earlier.is_empty());
    let last = redactor.turn("one one one one and then eleven eleven please");
    assert_eq!(last.text, "[card] please");
    let [earlier] = &last.earlier[..] else { panic!("{last:?}") };
    assert_eq!((earlier.turn, earlier.text.as_str()), (1, "sure it's [card]"));
    assert_eq!(earlier.marks, [Mark { words: 2..10, held: Held::CardNumber }]);
    assert_eq!(redactor.turn("twelve twenty five").text, "[expiry]");
    assert_eq!(redactor.turn("um one two three").text, "um [code]");
    assert_eq!(redactor.turn("I need 3 of them").text, "I need 3 of them");
    assert_eq!(format!("{redactor:?}"), "Redactor { turns: 7, .. }");
}

#[test]
fn a_partial_holds_back_what_may_become_a_card() {
    let mut redactor = Redactor::new();
    let half = "it's 4111 1111 1111";
    assert_eq!(redactor.partial(half).text, "it's [card]");
    assert_eq!(redactor.partial("it's 4111 1111 11").text, "it's 4111 1111 11");
    assert_eq!(redactor.turn(half).text, half, "twelve digits are no card");
    assert_eq!(redactor.partial("my card is 4111 1").text, "my card is [card]");
    assert_eq!(redactor.partial("my card ends in 4111").text, "my card ends in 4111");
    let rest = redactor.partial("1111");
    assert_eq!((rest.text.as_str(), rest.earlier[0].text.as_str()), ("[card]", "it's [card]"));
    assert_eq!(redactor.turn("1111"), rest, "a partial changed nothing");
}

proptest! {
    #[test]
    fn marks_are_in_order_and_within_any_text(text in "([a-z0-9 ,.-]{0,4}|four |double |to |hundred |\\PC{0,3}){0,60}") {
        let redacted = redact(&text);
        let words = text.split_whitespace().count();
        let mut end = 0;
        for mark in &redacted.marks {
            prop_assert!(end <= mark.words.start && mark.words.start < mark.words.end);
            end = mark.words.end;
        }
        prop_assert!(end <= words);
        if redacted.marks.is_empty() {
            prop_assert_eq!(&redacted.text, &text);
        }
        let _ = Redactor::new().partial(&text);
    }

    #[test]
    fn a_written_card_is_found_in_any_grouping(seed: u64, signs in proptest::collection::vec("[ .-]{0,2}", 19)) {
        let number = card(&mut Rng(seed));
        let written: String =
            number.chars().zip(&signs).flat_map(|(digit, sign)| [digit.to_string(), sign.clone()]).collect();
        let redacted = redact(&written);
        prop_assert!(!redacted.text.contains(|c: char| c.is_ascii_digit()), "{} {}", written, redacted.text);
    }
}

#[test]
fn what_is_called_a_card_is_one_with_a_digit_more_or_less() {
    for digits in [
        // Twice, in one number and in several.
        "52197666556919779",
        "5219 7666 5556 9197 79",
        // Lost, the first one too.
        "5219 7666 556 9197",
        "219765556919779",
        "9219 7655 5691 9779",
        "5279. We are 66227679 oh eight",
    ] {
        let text = format!("My card number is {digits}");
        assert_eq!(redact(&text).text, "My card number is [card]", "{text}");
        assert_ne!(
            redact(&text.replace("card", "last")).text,
            "My last number is [card]",
            "{text}"
        );
    }
    for text in [
        "the card in my phone is 8944 1100 6677 8899 0011",
        "my card expires soon, call me on 415 555 0123 please",
        "my library card is 2077 1234 567",
    ] {
        assert_eq!(redact(text).text, text);
    }
    let partial = |text| Redactor::new().partial(text).text;
    assert_eq!(partial("My card is 5279. We are 66227679. There"), "My card is [card]. There");
    assert_eq!(partial("My card ending 4111 is broken"), "My card ending 4111 is broken");
}

#[test]
fn an_or_within_what_is_called_a_card_is_a_misheard_digit() {
    let digits = "5 to 0, 1, 1, 9, 0, 7, 5, 6, 4, 4, 3, or 9, 5, 9";
    assert_eq!(redact(&format!("My card numbers {digits}")).text, "My card numbers [card]");
    let phones = "call me on 555 010 0199 or 555 010 0142";
    assert_eq!(redact(phones).text, phones);
}
