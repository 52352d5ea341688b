//! What callers may say, in domains of several kinds, heard through a recogniser's mistakes.

#![allow(clippy::unwrap_used)]

use intent::grammar::{Choice, Domain, Grammar, GrammarError, IntentPatterns, Length, SlotKind};

fn values(values: &[&str]) -> SlotKind {
    SlotKind::Values(values.iter().map(|value| Choice::from(*value)).collect())
}

fn grammar(intents: &[(&str, &[&str])], slots: Vec<(&str, SlotKind)>) -> Grammar {
    Grammar::build(&domain(intents, slots)).unwrap()
}

fn domain(intents: &[(&str, &[&str])], slots: Vec<(&str, SlotKind)>) -> Domain {
    Domain {
        intents: intents
            .iter()
            .map(|(name, patterns)| IntentPatterns {
                name: (*name).to_owned(),
                patterns: patterns.iter().map(|pattern| (*pattern).to_owned()).collect(),
            })
            .collect(),
        slots: slots.into_iter().map(|(name, kind)| (name.to_owned(), kind)).collect(),
    }
}

/// What was understood, in one line: `intent slot=value ...`.
fn meant(grammar: &Grammar, heard: &str) -> String {
    let Some(understood) = grammar.hear(heard) else { return "nothing".to_owned() };
    let slots = understood.slots.iter().map(|slot| format!(" {}={}", slot.name, slot.value));
    understood.intent.clone() + &slots.collect::<String>()
}

fn all_mean(grammar: &Grammar, cases: &[(&str, &str)]) {
    for (heard, meaning) in cases {
        assert_eq!(meant(grammar, heard), *meaning, "{heard}");
    }
}

/// A slot of `kind` by itself.
fn only(kind: SlotKind) -> Grammar {
    grammar(&[("it", &["[it is] {it}"])], vec![("it", kind)])
}

fn clinic() -> Grammar {
    let opener = "[(i would like|i need|can i) [to]]";
    let about = "[[with] {doctor}; [on] {day}; [at] {time}]";
    grammar(
        &[
            ("book", &[&format!("{opener} (book|make) (an appointment|a visit) {about}")]),
            ("cancel", &[&format!("{opener} cancel (my|the) appointment {about}")]),
            (
                "refill",
                &[
                    &format!("{opener} [get|order] [a] refill (of|for) [my] {{medicine}}"),
                    "i am out of [my] {medicine}",
                ],
            ),
        ],
        vec![
            (
                "doctor",
                SlotKind::People(
                    ["Anna Kowalski", "Peter Lindqvist", "Maria Gonzalez"].map(Choice::from).into(),
                ),
            ),
            ("day", SlotKind::Date),
            ("time", SlotKind::Time),
            ("medicine", values(&["amoxicillin", "ibuprofen", "metformin", "insulin"])),
        ],
    )
}

#[test]
fn a_clinic_is_understood_through_mistakes() {
    all_mean(
        &clinic(),
        &[
            (
                "I'd like to make an appointment with Doctor Koval ski on Friday.",
                "book doctor=Anna Kowalski day=friday",
            ),
            ("Um, can I cancel my a point meant on the third of May?", "cancel day=--05-03"),
            (
                "I need to book a visit at half passed three with Peter Lind quist",
                "book time=3:30 doctor=Peter Lindqvist",
            ),
            ("I need a re-fill of my eye be pro fen, please.", "refill medicine=ibuprofen"),
            ("I'm out of met forming", "refill medicine=metformin"),
        ],
    );
}

#[test]
fn a_hotel_is_understood_through_mistakes() {
    let hotel = grammar(
        &[
            (
                "room",
                &[
                    "[i would like|can i have] a {kind} room [for {nights} (night|nights); [with] {extra}]",
                ],
            ),
            ("wake", &["[please] wake me up at {time}"]),
        ],
        vec![
            ("kind", values(&["single", "double", "twin", "king size"])),
            ("nights", SlotKind::Number),
            ("extra", values(&["sea view", "breakfast", "balcony"])),
            ("time", SlotKind::Time),
        ],
    );
    all_mean(
        &hotel,
        &[
            (
                "Can I have a kings eyes room for 3 nights with see view?",
                "room kind=king size nights=3 extra=sea view",
            ),
            (
                "I'd like a dabble room with break first for two nights.",
                "room kind=double extra=breakfast nights=2",
            ),
            ("Please wake me up at 6:45 a.m.", "wake time=6:45"),
            ("Please wait me up at quarter to seven.", "wake time=6:45"),
        ],
    );
}

#[test]
fn what_is_not_in_any_order_twice_is_not_taken_twice() {
    let order = grammar(
        &[("order", &["a {drink} [{size}; {milk}]"])],
        vec![
            ("drink", values(&["tea", "cocoa"])),
            ("size", values(&["small", "large"])),
            ("milk", values(&["oat milk", "no milk"])),
        ],
    );
    let understood = order.hear("a tea large oat milk small").unwrap();
    assert_eq!(understood.slots.iter().filter(|slot| slot.name == "size").count(), 1);
    all_mean(&order, &[("a tea oat milk large", "order drink=tea milk=oat milk size=large")]);
}

#[test]
fn digits_are_heard_however_they_are_said() {
    let number = only(SlotKind::Digits(Length { least: 4, most: 11 }));
    all_mean(
        &number,
        &[
            ("four oh two one", "it it=4021"),
            ("4021", "it it=4021"),
            ("It's 40 21.", "it it=4021"),
            ("for tea twenty won", "it it=4021"),
            ("double five triple seven", "it it=55777"),
            ("0 7 7 0 0 9 0 0 1 2 3", "it it=07700900123"),
            ("one eight hundred five five five", "it it=1800555"),
            ("555-0199", "it it=5550199"),
        ],
    );
}

#[test]
fn codes_are_spelled() {
    let code = only(SlotKind::Code(Length { least: 3, most: 8 }));
    all_mean(
        &code,
        &[
            ("a b one seven", "it it=AB17"),
            ("Bee see for too", "it it=BC42"),
            ("s as in sierra, one, nine", "it it=S19"),
            ("tango kilo oh five", "it it=TK05"),
        ],
    );
}

#[test]
fn numbers_and_sums_come_to_digits() {
    all_mean(
        &only(SlotKind::Number),
        &[
            ("a hundred and five", "it it=105"),
            ("1,250", "it it=1250"),
            ("two thousand and three", "it it=2003"),
            ("for teen", "it it=14"),
            ("fifteen hundred", "it it=1500"),
        ],
    );
    all_mean(
        &only(SlotKind::Money),
        &[
            ("twenty pounds fifty", "it it=20.50 pounds"),
            ("$20.50", "it it=20.50 dollars"),
            ("two hundred dollars", "it it=200 dollars"),
            ("€1,200", "it it=1200 euros"),
            ("ninety nine cents", "it it=99 cents"),
        ],
    );
}

#[test]
fn days_and_times_come_to_one_form() {
    all_mean(
        &only(SlotKind::Date),
        &[
            ("the third of may", "it it=--05-03"),
            ("May 3rd", "it it=--05-03"),
            ("Friday the twenty first of June", "it it=--06-21"),
            ("june 21st 2026", "it it=2026-06-21"),
            ("tomorrow", "it it=tomorrow"),
            ("next Wednesday", "it it=next wednesday"),
        ],
    );
    all_mean(
        &only(SlotKind::Time),
        &[
            ("half past three", "it it=3:30"),
            ("3:30 pm", "it it=15:30"),
            ("five to nine", "it it=8:55"),
            ("noon", "it it=12:00"),
            ("seven o'clock in the morning", "it it=7:00"),
            ("four oh five", "it it=4:05"),
        ],
    );
    assert_eq!(meant(&only(SlotKind::Date), "the thirty first of june"), "nothing");
}

/// A directory of two thousand people, every first name with every last one.
fn directory() -> Vec<Choice> {
    let first = "James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara Richard \
        Susan Joseph Jessica Thomas Sarah Charles Karen Daniel Nancy Matthew Anthony Margaret Steven Andrew Emily \
        Paul Joshua Michelle Kenneth Carol Kevin Amanda Brian Priya Ahmed Fatima Olga Carlos Ingrid Yuki Kofi Zofia";
    let last = "Smith Johnson Williams Brown Garcia Miller Davis Rodriguez Lopez Wilson Anderson Taylor Moore Jackson \
        Thompson Harris Clark Lewis Robinson Walker Young King Wright Nguyen Hill Adams Baker Campbell Carter Phillips \
        Evans Turner Parker Collins Stewart Murphy Kelly Kowalski Schneider Rossi Novak Tanaka Okafor Ibrahim Yilmaz";
    let people = first.split_whitespace().flat_map(|first| {
        last.split_whitespace().map(move |last| Choice::from(format!("{first} {last}").as_str()))
    });
    people.collect()
}

#[test]
fn people_are_found_in_a_directory_of_thousands() {
    let people = directory();
    assert!(people.len() > 2_000);
    let desk = grammar(
        &[("call", &["[(can i|i would like to) (speak to|talk to)] {person}"])],
        vec![("person", SlotKind::People(people))],
    );
    all_mean(
        &desk,
        &[
            ("Can I speak to Pria Robin son please", "call person=Priya Robinson"),
            ("I'd like to talk to Ingrid Novack.", "call person=Ingrid Novak"),
            ("um Zophia Coval ski", "call person=Zofia Kowalski"),
            ("Can I speak to Koffee O'Kafer", "call person=Kofi Okafor"),
            ("Jon Smyth", "call person=John Smith"),
        ],
    );
    // Forty-five people are called Tanaka.
    let tanaka = desk.hear("can i speak to mister tanaka").unwrap();
    let slot = &tanaka.slots[0];
    assert!(slot.value.ends_with("Tanaka") && slot.confidence < 0.1, "{slot:?}");
    assert_eq!(slot.others.len(), 3);
    assert!(slot.others.iter().all(|(other, _)| other.ends_with("Tanaka")));
}

#[test]
fn slots_know_their_words() {
    let understood =
        clinic().hear("um I need to book a visit with Peter Lind quist on Friday").unwrap();
    let words: Vec<_> = understood.slots.iter().map(|slot| slot.words.clone()).collect();
    assert_eq!(words, [8..11, 12..13]);
}

#[test]
fn what_sounds_right_is_surer_than_what_hardly_does() {
    let clinic = clinic();
    let sure = |heard| clinic.hear(heard).map_or(0.0, |understood| understood.confidence);
    let exact = sure("i need a refill for my insulin");
    let near = sure("i need a reef ill for my in July");
    let other = sure("how tall is the tallest mountain in the world");
    assert!(exact > 0.95 && exact > near && near > other && other < 0.2, "{exact} {near} {other}");
    assert!(sure("") == 0.0 && sure("東京 !!") < 0.2);
}

#[test]
fn mistakes_in_a_domain_are_told() {
    let mistake =
        |pattern, slots| Grammar::build(&domain(&[("x", &[pattern])], slots)).unwrap_err();
    assert!(matches!(mistake("hello {who}", vec![]), GrammarError::NoSlot { .. }));
    assert!(matches!(mistake("(hello", vec![]), GrammarError::Pattern { .. }));
    assert!(matches!(mistake("{a}", vec![("a", values(&[]))]), GrammarError::NoValue { .. }));
    assert!(matches!(
        mistake("{a}", vec![("a", values(&["東京"]))]),
        GrammarError::Unspeakable { .. }
    ));
    let none = SlotKind::Digits(Length { least: 3, most: 2 });
    assert!(matches!(mistake("{a}", vec![("a", none)]), GrammarError::NoValue { .. }));
    let many = format!("hello [{}]", vec!["so"; 33].join(";"));
    assert!(matches!(mistake(&many, vec![]), GrammarError::TooManyOrders { .. }));
    assert_eq!(Grammar::build(&Domain::default()).unwrap_err(), GrammarError::Empty);
}

#[test]
fn no_text_is_too_odd_or_too_long() {
    let clinic = clinic();
    for text in
        ["$", "$.", "1.", "99999999999999999999", "0th 100th 1,,2", "' ’ '", "\u{0301}\u{200d}"]
    {
        let _ = clinic.hear(text);
    }
    let understood = clinic.hear(&("blah ".repeat(5000) + "i am out of insulin")).unwrap();
    assert_eq!(understood.slots[0].words, 5004..5005);
}
