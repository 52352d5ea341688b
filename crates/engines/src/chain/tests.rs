//! The chain in virtual time, with connections that say what a test wants.

use super::*;

fn terms(name: &str) -> Terms {
    Terms {
        name: name.into(),
        life: Life::Session(Duration::from_secs(600)),
        places: Places::Told,
        signs: Signs::Always,
        answers_within: Some(ms(1_500)),
        finishes_within: ms(800),
    }
}

fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

fn words(text: &str, from: u64) -> Vec<Word> {
    let place = |index: usize| from + 1_000 * index as u64;
    text.split(' ')
        .enumerate()
        .map(|(index, text)| Word {
            text: text.into(),
            at: place(index)..place(index) + 900,
            confidence: 1.0,
        })
        .collect()
}

fn text(words: &[Word]) -> String {
    words.iter().map(|word| &*word.text).collect::<Vec<_>>().join(" ")
}

/// A chain, the time, and what came out of it.
struct Bench {
    chain: Chain,
    now: Duration,
    position: u64,
    out: Vec<Output>,
}

impl Bench {
    fn new(members: impl Into<Vec<Member>>) -> Self {
        let members: Vec<Member> = members.into();
        let breakers = Arc::new(Breakers::new(members.len()));
        let chain = Chain::new(Duration::ZERO, members.into(), Policy::default(), breakers);
        Self { chain, now: Duration::ZERO, position: 0, out: Vec::new() }.drained()
    }

    fn drained(mut self) -> Self {
        self.drain();
        self
    }

    fn drain(&mut self) {
        while let Some(output) = self.chain.poll() {
            self.out.push(output);
        }
    }

    /// Lets a caller speak, or be silent, for so long, and wakes the chain whenever it wants to be.
    fn speak(&mut self, time: u64) {
        let end = self.now + ms(time);
        while self.now < end {
            self.chain.audio(&[1; 160], self.position);
            self.position += 160;
            self.pass(20);
        }
    }

    fn pass(&mut self, time: u64) {
        let end = self.now + ms(time);
        while let Some(at) = self.chain.deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.chain.wake(self.now);
            self.drain();
        }
        self.now = end;
        self.drain();
    }

    fn begin(&mut self, turn: u32, from: u64) {
        self.chain.begin(self.now, turn, from);
        self.drain();
    }

    fn end(&mut self) {
        self.chain.end(self.now, self.position);
        self.drain();
    }

    fn event(&mut self, link: u64, event: Event) {
        self.chain.event(self.now, LinkId(link), event);
        self.drain();
    }

    /// What was told of whole turns.
    fn told(&self) -> Vec<String> {
        self.out
            .iter()
            .filter_map(|output| match output {
                Output::Told(Told::Final { turn, words }) => {
                    Some(format!("{turn}: {}", text(words)))
                }
                Output::Told(Told::Local { turn }) => Some(format!("{turn} local")),
                Output::Told(Told::Failed { turn, failure }) => Some(format!("{turn} {failure}")),
                _ => None,
            })
            .collect()
    }

    /// Positions from and to which a connection was given audio, for each turn.
    fn given(&self, link: u64) -> Vec<(u64, u64)> {
        let mut given = Vec::new();
        for output in &self.out {
            match output {
                Output::Send(id, Order::Begin(from)) if id.0 == link => given.push((*from, *from)),
                Output::Send(id, Order::Audio(samples)) if id.0 == link => {
                    given.last_mut().unwrap().1 += samples.len() as u64;
                }
                _ => {}
            }
        }
        given
    }

    fn failures(&self) -> Vec<String> {
        let failure = |output: &Output| match output {
            Output::Failed(failure) => Some(failure.to_string()),
            _ => None,
        };
        self.out.iter().filter_map(failure).collect()
    }
}

fn two() -> Bench {
    Bench::new([Member::Remote(terms("first")), Member::Remote(terms("second"))])
}

#[test]
fn a_turn_is_heard_on_the_connection_that_waited() {
    let mut bench = two();
    assert_eq!(bench.out, [Output::Open(LinkId(0), 0)]);
    bench.event(0, Event::Open);
    bench.speak(1_000);
    bench.begin(1, 6_000);
    bench.speak(400);
    bench.event(0, Event::Interim(words("yes", 6_000)));
    bench.speak(400);
    bench.end();
    bench.event(0, Event::Settled { words: words("yes please", 6_000), through: 9_000 });
    bench.event(0, Event::Finished);
    assert_eq!(bench.given(0), [(6_000, 14_400)]);
    assert_eq!(bench.told(), ["1: yes please"]);
    bench.begin(2, 14_000);
    assert_eq!(bench.given(0).len(), 2, "the connection is used again");
}

#[test]
fn a_connection_that_falls_silent_has_failed_after_800_ms() {
    let mut bench = two();
    bench.event(0, Event::Open);
    bench.begin(1, 0);
    bench.speak(1_000);
    assert_eq!(bench.failures(), ["first: it gave no sign of life for 800ms"]);
    let dropped = bench.out.iter().position(|out| *out == Output::Drop(LinkId(0))).unwrap();
    assert!(bench.out[dropped..].contains(&Output::Open(LinkId(1), 1)));
    assert_eq!(bench.given(1), [(0, 8_000)], "all of the turn, and what came since");
}

#[test]
fn a_connection_that_is_not_made_in_800_ms_has_failed() {
    let mut bench = two();
    bench.begin(1, 0);
    bench.speak(780);
    assert!(bench.failures().is_empty());
    bench.speak(40);
    assert_eq!(bench.failures().len(), 1);
}

#[test]
fn an_engine_that_lives_and_says_nothing_has_failed() {
    let mut bench = two();
    bench.event(0, Event::Open);
    bench.begin(1, 0);
    for _ in 0..7 {
        bench.speak(200);
        bench.event(0, Event::Alive);
    }
    assert!(bench.failures().is_empty());
    bench.speak(200);
    let says = "first: it said nothing of the speech that it was sent within 1.5s";
    assert_eq!(bench.failures(), [says]);
}

#[test]
fn what_was_settled_stays_and_the_rest_is_heard_again() {
    let mut bench = two();
    bench.event(0, Event::Open);
    bench.begin(1, 0);
    for _ in 0..10 {
        bench.speak(500);
        bench.event(0, Event::Alive);
        bench.event(0, Event::Interim(Vec::new()));
    }
    bench.event(0, Event::Settled { words: words("one two three", 0), through: 3_000 });
    bench.event(0, Event::Interim(words("fore", 3_000)));
    bench.event(0, Event::Failed(Why::Closed("bye".into())));
    assert_eq!(bench.given(1), [(3_000, 40_000)], "more than 2 s are not settled");
    bench.event(1, Event::Open);
    bench.event(1, Event::Settled { words: words("four five", 3_000), through: 39_000 });
    bench.speak(100);
    bench.event(1, Event::Failed(Why::protocol("html")));
    bench.end();
    let says = "1 second: it does not speak its protocol: html; is the url right?";
    assert_eq!(bench.told(), [says]);
}

#[test]
fn two_seconds_are_heard_again_though_they_are_settled_and_count_once() {
    let mut bench = two();
    bench.event(0, Event::Open);
    bench.begin(1, 0);
    bench.speak(500);
    bench.event(0, Event::Settled { words: words("one two three", 0), through: 3_000 });
    bench.event(0, Event::Failed(Why::Closed("bye".into())));
    assert_eq!(bench.given(1), [(0, 4_000)]);
    bench.event(1, Event::Open);
    bench.event(1, Event::Settled { words: words("one two three four", 0), through: 4_000 });
    bench.end();
    bench.event(1, Event::Finished);
    assert_eq!(bench.told(), ["1: one two three four"]);
}

#[test]
fn an_engine_without_places_is_given_only_what_is_not_settled() {
    let blind = Terms { places: Places::Guessed, ..terms("second") };
    let mut bench = Bench::new([Member::Remote(terms("first")), Member::Remote(blind)]);
    bench.event(0, Event::Open);
    bench.begin(1, 0);
    bench.speak(500);
    bench.event(0, Event::Settled { words: words("one two", 0), through: 2_000 });
    bench.event(0, Event::Failed(Why::Stalled));
    assert_eq!(bench.given(1), [(2_000, 4_000)]);
}

#[test]
fn the_end_of_a_turn_is_answered_or_the_next_engine_hears_it() {
    let mut bench = two();
    bench.event(0, Event::Open);
    bench.begin(1, 0);
    bench.speak(500);
    bench.event(0, Event::Interim(words("yes", 0)));
    bench.end();
    for _ in 0..4 {
        bench.pass(180);
        bench.event(0, Event::Alive);
    }
    assert!(bench.failures().is_empty());
    bench.pass(180);
    assert_eq!(bench.failures().len(), 1);
    assert_eq!(bench.given(1), [(0, 4_000)]);
    assert!(bench.out.contains(&Output::Send(LinkId(1), Order::Finish)));
    bench.event(1, Event::Open);
    bench.event(1, Event::Settled { words: words("yes", 0), through: 4_000 });
    bench.event(1, Event::Finished);
    assert_eq!(bench.told(), ["1: yes"]);
}

#[test]
fn an_engine_that_hears_nothing_is_not_believed_if_there_is_another() {
    let mut bench = two();
    for (link, turn) in [(0, 1), (1, 1)] {
        bench.event(link, Event::Open);
        if link == 0 {
            bench.begin(turn, 0);
            bench.speak(500);
            bench.end();
        }
        bench.event(link, Event::Interim(Vec::new()));
        bench.event(link, Event::Finished);
    }
    assert_eq!(bench.told(), ["1: "]);
    assert!(bench.failures().is_empty(), "both said that there was nothing");
    assert_eq!(bench.given(1), [(0, 4_000)]);
}

#[test]
fn silent_success_is_a_failure() {
    let mut bench = two();
    bench.event(0, Event::Open);
    bench.begin(1, 0);
    bench.speak(500);
    bench.end();
    bench.event(0, Event::Finished);
    assert_eq!(bench.failures(), ["first: it heard no word where a voice was"]);
    assert_eq!(bench.given(1), [(0, 4_000)]);
}

#[test]
fn the_local_engine_takes_the_whole_turn() {
    let mut bench = Bench::new([Member::Remote(terms("first")), Member::Local]);
    bench.event(0, Event::Open);
    bench.begin(1, 0);
    bench.speak(500);
    bench.event(0, Event::Settled { words: words("one two", 0), through: 2_000 });
    bench.event(0, Event::Failed(Why::Broken("cut".into())));
    assert_eq!(bench.told(), ["1 local"]);
    bench.speak(500);
    bench.end();
    assert_eq!(bench.told(), ["1 local"], "nothing more is told of it");
}

#[test]
fn an_engine_that_fails_twice_is_left_alone_and_tried_again_later() {
    let mut bench = Bench::new([Member::Remote(terms("first")), Member::Local]);
    for (link, turn) in [(0, 1), (1, 2)] {
        bench.event(link, Event::Open);
        bench.begin(turn, bench.position);
        bench.event(link, Event::Failed(Why::Broken("cut".into())));
        bench.speak(100);
        bench.end();
    }
    let opened = bench.out.len();
    bench.begin(3, bench.position);
    assert_eq!(bench.out[opened..], [Output::Told(Told::Local { turn: 3 })]);
    bench.pass(30_000);
    bench.begin(4, bench.position);
    assert!(bench.out[opened..].contains(&Output::Open(LinkId(2), 0)));
}

#[test]
fn a_single_engine_is_tried_though_it_failed_but_not_against_its_wish() {
    let mut bench = Bench::new([Member::Remote(terms("first"))]);
    for turn in 1..=3 {
        bench.begin(turn, bench.position);
        let link = u64::from(turn) - 1;
        bench.event(link, Event::Failed(Why::protocol("html")));
        bench.speak(100);
        bench.end();
    }
    assert_eq!(bench.told().len(), 3);
    bench.begin(4, bench.position);
    bench.event(3, Event::Failed(Why::RateLimited { after: Duration::from_secs(5) }));
    bench.begin(5, bench.position);
    bench.end();
    assert!(bench.told()[4].contains("left alone"), "{:?}", bench.told());
    bench.pass(5_000);
    bench.begin(6, bench.position);
    assert!(bench.out.contains(&Output::Open(LinkId(4), 0)));
}

#[test]
fn a_turn_goes_round_once_if_a_new_connection_may_mend_it() {
    let mut bench = Bench::new([Member::Remote(terms("first"))]);
    bench.event(0, Event::Open);
    bench.begin(1, 0);
    bench.speak(500);
    bench.event(0, Event::Settled { words: words("one two", 0), through: 2_000 });
    bench.event(0, Event::Failed(Why::Broken("cut".into())));
    assert_eq!(bench.given(1), [(0, 4_000)]);
    bench.end();
    bench.event(1, Event::Open);
    bench.event(1, Event::Settled { words: words("one two three", 0), through: 4_000 });
    bench.event(1, Event::Finished);
    assert_eq!(bench.told(), ["1: one two three"]);
    bench.begin(2, 4_000);
    bench.event(1, Event::Failed(Why::Broken("cut".into())));
    bench.event(2, Event::Failed(Why::Broken("cut".into())));
    bench.speak(100);
    bench.end();
    assert_eq!(bench.told()[1], "2 first: the connection broke: cut");
}

#[test]
fn a_turn_that_begins_while_another_is_finished_has_a_connection_of_its_own() {
    let mut bench = two();
    bench.event(0, Event::Open);
    bench.begin(1, 0);
    bench.speak(500);
    bench.event(0, Event::Interim(words("yes", 0)));
    bench.begin(2, 2_000);
    assert_eq!(bench.given(1), [(2_000, 4_000)], "the turn was cut in two");
    bench.event(1, Event::Open);
    bench.event(0, Event::Settled { words: words("yes and no", 0), through: 4_000 });
    bench.event(0, Event::Finished);
    assert_eq!(bench.told(), ["1: yes and"], "the third word lies behind the cut");
    bench.speak(100);
    bench.end();
    bench.event(1, Event::Settled { words: words("no", 2_000), through: 4_000 });
    bench.event(1, Event::Finished);
    assert_eq!(bench.told(), ["1: yes and", "2: no"]);
    assert!(bench.out.contains(&Output::Close(LinkId(1))), "one connection waits, not two");
}

#[test]
fn an_old_connection_is_replaced_between_turns_and_within_one() {
    let mut bench = two();
    bench.event(0, Event::Open);
    bench.pass(569_000);
    assert!(!bench.out.contains(&Output::Close(LinkId(0))));
    bench.pass(2_000);
    assert!(bench.out.contains(&Output::Close(LinkId(0))));
    bench.event(1, Event::Open);
    bench.pass(560_000);
    bench.begin(1, bench.position);
    let mut said = 0;
    while bench.given(2).is_empty() {
        bench.speak(500);
        bench.event(1, Event::Settled { words: words("word", said), through: said + 1_000 });
        said += 4_000;
        assert!(said < 400_000, "it is never replaced");
    }
    assert!(bench.failures().is_empty());
    let (from, _) = bench.given(2)[0];
    assert!(from + 16_000 <= bench.position && from + 24_000 > bench.position, "{from}");
}

#[test]
fn what_a_vendor_does_to_a_connection_that_waits_matters_only_if_it_lets_nobody_in() {
    let mut bench = two();
    bench.event(0, Event::Open);
    bench.event(0, Event::Failed(Why::Closed("NET-0001".into())));
    assert!(bench.failures().is_empty());
    bench.begin(1, 0);
    assert!(bench.out.contains(&Output::Open(LinkId(1), 0)));
    let mut bench = two();
    bench.event(0, Event::Failed(Why::Refused { status: 401 }));
    assert_eq!(bench.failures().len(), 1);
    bench.begin(1, 0);
    assert!(bench.out.contains(&Output::Open(LinkId(1), 1)), "the second engine is asked");
}

#[test]
fn a_reset_forgets_everything() {
    let mut bench = two();
    bench.event(0, Event::Open);
    bench.begin(1, 0);
    bench.speak(500);
    bench.chain.reset();
    bench.drain();
    bench.event(0, Event::Settled { words: words("late", 0), through: 2_000 });
    bench.event(0, Event::Finished);
    bench.pass(10_000);
    assert!(bench.told().is_empty() && bench.failures().is_empty());
}
