//! What the tests that are stored with a flow tell when they fail.

use flow::{Book, Rehearsal, rehearse};

use super::scene::flow;

const FLOW: &str = r#"
start = "ask"
[lookup.customer]
url = "https://crm.example.com/{slots.number}"
fields = { tier = "/tier" }
timeout_ms = 300
[node.ask.collect]
slot = "number"
kind = { digits = { least = 4, most = 4 } }
prompt = "Your number?"
[node.ask.to]
done = "look"
[node.look]
lookup = { name = "customer", prompt = "One moment." }
to = { found = "tell", not_found = "ask" }
[node.tell]
say = { prompt = "You are {lookup.customer.tier}." }
to = { done = "wait" }
[node.wait]
music = { for_s = 5 }
to = { done = "hang_up" }
"#;

fn one(test: &str) -> Rehearsal {
    let text = format!("{FLOW}\n[[test]]\nname = \"it\"\n{test}");
    let mut rehearsals = rehearse(&flow(&text, &Book::default())).expect("it can be learned");
    rehearsals.pop().expect("one test")
}

fn told(test: &str) -> String {
    one(test).difference.expect("a difference").to_string()
}

const GOLD: &str = r#"
does = [{ says = "one two three four" }]
lookup.customer = [{ found = { tier = "gold" } }]
"#;

#[test]
fn a_test_that_passes_has_no_difference() {
    let rehearsal = one(&format!(
        "{GOLD}expect.path = [\"ask\", \"look\", \"tell\", \"wait\"]\nexpect.ends = \"hang_up\"\n\
         expect.hears = [\"your number\", \"you are GOLD\"]"
    ));
    assert_eq!(rehearsal.difference, None);
    assert_eq!(rehearsal.heard, ["Your number?", "One moment.", "You are gold."]);
    assert_eq!(rehearsal.end, "hang_up");
}

#[test]
fn the_first_difference_is_told() {
    for (expected, says) in [
        (
            "expect.path = [\"ask\", \"look\", \"wait\"]",
            "step 3, after \"look\" by found: expected \"wait\", the call came to \"tell\"",
        ),
        (
            "expect.path = [\"ask\", \"tell\"]",
            "step 2, after \"ask\" by done, when the caller had said \"one two three four\": \
             expected \"tell\", the call came to \"look\"",
        ),
        (
            "expect.path = [\"ask\", \"look\", \"tell\", \"wait\", \"ask\"]",
            "step 5, after \"wait\" by done: expected \"ask\", the call was over",
        ),
        (
            "expect.path = [\"ask\", \"look\", \"tell\"]",
            "step 4, after \"tell\" by done: expected the end, the call went on to \"wait\"",
        ),
        (
            "expect.ends = \"caller\"",
            "expected the call to end with \"caller\", it ended with \"hang_up\"",
        ),
        (
            "expect.hears = [\"One moment\", \"Your number\"]",
            "expected the caller to hear \"Your number\", heard: One moment. | You are gold.",
        ),
    ] {
        assert_eq!(told(&format!("{GOLD}{expected}")), says);
    }
}

#[test]
fn the_world_does_what_the_test_says() {
    let asked = told("does = [{ keys = \"1234\" }]\nexpect.ends = \"fallback\"");
    assert!(asked.contains("add lookup.customer = [...]"), "{asked}");
    let slow = one(
        "does = [{ keys = \"1234\" }]\nlookup.customer = [\"timeout\"]\nexpect.ends = \"fallback\"",
    );
    assert_eq!(slow.difference, None);
    assert_eq!(slow.trace[1].exit.as_deref(), Some("timeout"));
    let gone = one(
        "does = [{ keys = \"1234\" }, \"hang_up\"]\nexpect = { path = [\"ask\", \"look\"], ends = \"caller\" }",
    );
    assert_eq!(gone.difference, None);
    let twice = one("does = [{ keys = \"1234\" }, { keys = \"4321\" }]\n\
         lookup.customer = [\"not_found\", { found = { tier = 2 } }]\nexpect.hears = [\"You are 2\"]");
    assert_eq!(twice.difference, None);
}
