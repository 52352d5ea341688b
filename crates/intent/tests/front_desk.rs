//! A front desk of eight intents, heard as a telephone recogniser hears: other wordings than the
//! examples, mistakes, half-said sentences, and wishes of every other kind.

#![allow(clippy::unwrap_used)]

use std::sync::LazyLock;

use intent::{Commit, CommitConfig, Cut, Decision, Examples, IntentExamples, Model};

static MODEL: LazyLock<Model> = LazyLock::new(|| Model::learn(&front_desk()).unwrap());

fn front_desk() -> Examples {
    let mut examples = Examples::default();
    for line in include_str!("front_desk.txt").lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            let name = name.to_owned();
            examples.intents.push(IntentExamples { name, ..IntentExamples::default() });
        } else if let Some(intent) = examples.intents.last_mut() {
            match line.strip_prefix("keywords:") {
                Some(words) => {
                    intent.keywords = words.split(',').map(|word| word.trim().to_owned()).collect();
                }
                None if line.is_empty() => {}
                None => intent.phrases.push(line.to_owned()),
            }
        }
    }
    examples
}

const OTHER_WORDINGS: [(&str, &str); 17] = [
    ("hi there, could you please reset the password for my account?", "reset_password"),
    ("Hello, it won't accept my password.", "reset_password"),
    ("I can't log in, it says my password is wrong", "reset_password"),
    ("my laptop's screen is broken", "broken_laptop"),
    ("I dropped my laptop this morning and now it won't turn on", "broken_laptop"),
    ("yes hello i think there is an error on my last invoice", "billing"),
    ("you have charged me twice this month", "billing"),
    ("I'd like to buy twenty licences", "sales"),
    ("could you send me a quote", "sales"),
    ("are you open this Sunday", "opening_hours"),
    ("what time do you open tomorrow", "opening_hours"),
    ("can I please just talk to a real person", "speak_to_a_person"),
    ("a person please", "speak_to_a_person"),
    ("there's smoke coming out of the server room", "emergency"),
    ("a colleague of mine has collapsed", "emergency"),
    ("I'm calling for Tom Becker", "named_colleague"),
    ("is Maria available", "named_colleague"),
];

const MISHEARD: [(&str, &str); 12] = [
    ("i forgotten my past word", "reset_password"),
    ("i forgot my pass word", "reset_password"),
    ("i need to reset my passwort", "reset_password"),
    ("my brokn lap top does not turn on", "broken_laptop"),
    ("my lab top is broken", "broken_laptop"),
    ("a question about my in voice", "billing"),
    ("i would like to pay my bil", "billing"),
    ("could you put me through to maria lopes", "named_colleague"),
    ("tom bekker please", "named_colleague"),
    ("there is a fire in the bilding", "emergency"),
    ("what are you're open in hours", "opening_hours"),
    ("i want to speak to a purson", "speak_to_a_person"),
];

const OTHER_WISHES: [(&str, &str); 11] = [
    ("what is the weather like in berlin", "-"),
    ("i'd like two pizzas with extra cheese", "-"),
    ("can you tell me the way to the station", "-"),
    ("my cat is stuck on the roof", "-"),
    ("do you know a good dentist", "-"),
    ("we are calling about your car's extended warranty", "-"),
    ("how do i get to the airport", "-"),
    ("blue seventeen mountain", "-"),
    ("yes", "-"),
    ("um, hello?", "-"),
    ("", "-"),
];

/// What a final reading of `text` decides: the intent's name, or "-".
fn decided(text: &str) -> &'static str {
    let mut commit = Commit::new(CommitConfig::default());
    let decision = commit.observe(&MODEL.rank(text), text, Cut::Final);
    decision.map_or("-", |decision| MODEL.name(decision.intent))
}

/// Hears `text` word by word; the decision, and how many words had been said by then.
fn heard_word_by_word(text: &str) -> Option<(Decision, usize)> {
    let mut commit = Commit::new(CommitConfig::default());
    let ends = text.match_indices(' ').map(|(at, _)| at).chain([text.len()]);
    ends.enumerate().find_map(|(word, end)| {
        let so_far = &text[..end];
        let decision = commit.observe(&MODEL.rank(so_far), so_far, Cut::MidWord)?;
        Some((decision, word + 1))
    })
}

/// Fails with a list of what came out otherwise than wanted.
fn all_decided(wanted: &[(&str, &str)]) {
    let wrong: Vec<String> = wanted
        .iter()
        .filter(|(text, intent)| decided(text) != *intent)
        .map(|(text, intent)| {
            let best = MODEL.rank(text).best().unwrap();
            let (name, p) = (MODEL.name(best.intent), best.probability);
            format!("\"{text}\": wanted {intent}, got {} ({name} {p:.2})", decided(text))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn other_wordings_are_understood() {
    all_decided(&OTHER_WORDINGS);
}

#[test]
fn a_recognisers_mistakes_are_forgiven() {
    all_decided(&MISHEARD);
}

#[test]
fn other_wishes_are_none_of_these() {
    all_decided(&OTHER_WISHES);
}

#[test]
fn a_probability_is_how_often_it_is_right() {
    let phrases: Vec<_> = OTHER_WORDINGS.iter().chain(&MISHEARD).chain(&OTHER_WISHES).collect();
    let mut bins = [(0.0_f32, 0.0_f32); 5];
    for (text, intent) in &phrases {
        if let Some(best) = MODEL.rank(text).best() {
            let bin = &mut bins[((best.probability * 5.0) as usize).min(4)];
            bin.0 += best.probability;
            bin.1 += f32::from(u8::from(MODEL.name(best.intent) == *intent));
        }
    }
    // The expected calibration error; with so few phrases it cannot be very small.
    let error = bins.iter().map(|(said, right)| (said - right).abs()).sum::<f32>();
    let error = error / phrases.len() as f32;
    assert!(error < 0.2, "{error:.3}: {bins:?}");
}

#[test]
fn a_wish_that_is_not_said_yet_is_none() {
    for opener in ["hi i'd like to", "hello my name is john and", "could you help me with my"] {
        let ranking = MODEL.rank(opener);
        assert!(ranking.none > 0.7, "\"{opener}\": none at {:.2}", ranking.none);
    }
}

#[test]
fn the_decision_comes_while_the_caller_still_speaks() {
    for (text, intent, deciding_word) in [
        ("hi um i forgot my password and i have a meeting in five minutes", "reset_password", 6),
        ("my laptop is broken and i do not know what to do", "broken_laptop", 4),
        ("there is a mistake on my invoice from last month", "billing", 7),
        ("put me through to maria lopez if she is in today", "named_colleague", 6),
        ("operator please", "speak_to_a_person", 1),
    ] {
        let (decision, words) = heard_word_by_word(text).unwrap();
        assert_eq!(MODEL.name(decision.intent), intent, "{text}");
        assert!(words <= deciding_word + 1, "{text}: after {words} words, {decision:?}");
    }
}

#[test]
fn what_follows_the_deciding_word_does_not_undo_it() {
    let story = "i forgot my password and i am in a hurry because my boss is waiting for the \
                 numbers and the train leaves at noon so it would be lovely if somebody had a look";
    let deciding = story.find("password").unwrap() + "password".len();
    let ends = story.match_indices(' ').map(|(at, _)| at).chain([story.len()]);
    for end in ends.filter(|end| *end >= deciding) {
        assert_eq!(decided(&story[..end]), "reset_password", "{}", &story[..end]);
    }
}

#[test]
fn a_correction_is_heard_out() {
    let (decision, _) = heard_word_by_word("my laptop is broken and so is").unwrap();
    assert_eq!(MODEL.name(decision.intent), "broken_laptop");
    assert!(heard_word_by_word("no wait my laptop is broken and so is").is_none());
}

#[test]
fn a_keyword_decides_unless_another_contradicts_it() {
    assert!(MODEL.rank("the operator").best().unwrap().probability > 0.95);
    let both = MODEL.rank("operator emergency").best().unwrap().probability;
    assert!(both < 0.95, "{both}");
    assert!(MODEL.rank("cooperator").best().unwrap().probability < 0.7);
}

#[test]
fn a_ranking_is_a_distribution_over_all_intents() {
    for text in ["i forgot", "sales or billing", "fire", "xyzzy", "東京", "tom maria operator"] {
        let ranking = MODEL.rank(text);
        let sum: f32 = ranking.intents.iter().map(|scored| scored.probability).sum();
        assert!((sum + ranking.none - 1.0).abs() < 1e-4, "{text}: {sum} and {}", ranking.none);
        assert_eq!(ranking.intents.len(), 8);
        assert!(ranking.intents.is_sorted_by(|a, b| a.probability >= b.probability));
        assert!(ranking.intents.iter().all(|scored| (0.0..=1.0).contains(&scored.probability)));
    }
}

#[test]
fn learning_twice_gives_the_same_probabilities() {
    let again = Model::learn(&front_desk()).unwrap();
    for text in ["i forgot my pass", "there is a", "tom", "what time is it"] {
        assert_eq!(again.rank(text), MODEL.rank(text));
    }
}

#[test]
fn intents_are_found_by_name() {
    let sales = MODEL.intent("sales").unwrap();
    assert_eq!(MODEL.name(sales), "sales");
    assert_eq!(MODEL.intent("marketing"), None);
}
