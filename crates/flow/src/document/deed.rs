//! What nodes do.

use std::collections::BTreeMap;

use intent::grammar::SlotKind;
use serde::{Deserialize, Serialize};

use super::around::{Sound, is_no};
use super::room::RoomSays;

/// What a node does. Its exits stand with each; besides them, what waits for something has the exits `timeout` and
/// `error`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// Says something.
    Say(Say),
    /// Asks, and takes one of a closed list of answers, spoken or pressed.
    Ask(Ask),
    /// Says what there is to press, and takes a key.
    Menu(Menu),
    /// Asks for one value.
    Collect(Collect),
    /// Lets a language model answer the caller, from a text that is given.
    Converse(Converse),
    /// Leaves by the exit of the first case that holds, or by `otherwise`.
    Decide(Vec<Case>),
    /// Leaves by `open`, `closed` or, if the hours name any, `holiday`.
    Hours(String),
    /// Asks elsewhere.
    Lookup(Enquire),
    /// Sets variables, `vars.NAME`, each to what an expression comes to; leaves by `done`.
    Set(BTreeMap<String, String>),
    /// Connects the caller to somebody.
    Connect(Connect),
    /// Hands the caller to a queue of Asterisk.
    Queue(Queue),
    /// Takes a message.
    Voicemail(Voicemail),
    /// Begins or ends the recording of the call.
    Record(Record),
    /// Takes a card number where nothing else hears it.
    Zone(Zone),
    /// Puts the caller into a conference.
    Conference(Conference),
    /// Plays music.
    Music(Music),
    /// Gives the call back to the dialplan. No exits.
    Dialplan(Dialplan),
    /// Hangs up. No exits.
    HangUp(HangUp),
    /// Goes through another flow, and leaves by the name of the `return` at which that ends.
    Flow(String),
    /// Ends a flow that another goes through, under this name. No exits.
    Return(String),
}

/// Exit: `done`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Say {
    /// What is said.
    pub prompt: Sound,
    /// What a language model is to say in its own words, with `{names}`. The prompt is said where it has no words in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phrased: Option<String>,
}

/// Exits: the labels of the answers, `wish` and the names of single wishes, `no_match`, `no_input`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// What is asked.
    pub prompt: Sound,
    /// What a language model is to ask in its own words, with `{names}`, the first time. The prompt is said where it has no
    /// words in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phrased: Option<String>,
    /// What callers say, by label: phrases or patterns such as `(cancel|delete) [my] order`, in which `{slot}` stands
    /// for a slot of the receptionist's file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<String, Vec<String>>,
    /// Whether callers may also say what the receptionist's file lists as intents.
    #[serde(default, skip_serializing_if = "is_no")]
    pub wishes: bool,
    /// Labels by key: 0 to 9, * and #.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: BTreeMap<String, String>,
    /// Said in place of the prompt after an answer that is none of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Sound>,
    /// Said in place of the prompt after silence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub still_there: Option<Sound>,
    /// How often it is asked.
    #[serde(default = "two")]
    pub tries: u32,
    /// How long an answer is waited for, in seconds.
    #[serde(default = "five")]
    pub wait_s: f64,
}

/// Exits: the labels of the keys, `no_match`, `no_input`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Menu {
    /// What there is to press.
    pub prompt: Sound,
    /// Labels by key: 0 to 9, * and #.
    pub keys: BTreeMap<String, String>,
    /// Said in place of the prompt after a key that is none of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Sound>,
    /// Said in place of the prompt when no key was pressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub still_there: Option<Sound>,
    /// How often it is said.
    #[serde(default = "two")]
    pub tries: u32,
    /// How long a key is waited for, in seconds.
    #[serde(default = "five")]
    pub wait_s: f64,
}

/// Exits: `done`, `no_match`, `no_input`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collect {
    /// What is asked.
    pub prompt: Sound,
    /// The slot that is filled: `slots.NAME` from then on.
    pub slot: String,
    /// What may fill it, unless the receptionist's file describes the slot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<SlotKind>,
    /// How it is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
    /// A condition that the value must meet, in which it is `value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid: Option<String>,
    /// Said in place of the prompt after a value that does not meet it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid: Option<Sound>,
    /// Asked so that the caller confirms, by yes or no or the keys 1 or 2; the value is `{value}` in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_back: Option<Sound>,
    /// Said in place of the prompt after an answer that is no such value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Sound>,
    /// Said in place of the prompt after silence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub still_there: Option<Sound>,
    /// How often it is asked.
    #[serde(default = "three")]
    pub tries: u32,
    /// How long it is waited for, in seconds.
    #[serde(default = "five")]
    pub wait_s: f64,
}

/// Exits: the labels of the ends, answers and keys; `done` when the caller has spoken as often as that is allowed; `no_match`
/// for keys that are none of these, `no_input`. When the model fails, the caller is told, and the exit is `error` or, where
/// it took too long, `timeout`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Converse {
    /// Who answers: a model that writes, or one that hears the caller and speaks.
    #[serde(default, skip_serializing_if = "Model::writes")]
    pub model: Model,
    /// What is said at first, as it is written.
    pub prompt: Sound,
    /// All that the model knows, with `{names}`: it answers from this text and from nothing else.
    pub about: String,
    /// Slots of the receptionist's file that the model may fill, as far as what it gives can stand there: `slots.NAME`
    /// from then on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slots: Vec<String>,
    /// Labels by which the model may end it, and when: `{ solved = "when there is nothing more to ask" }`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ends: BTreeMap<String, String>,
    /// What callers say who mean a label, as in `ask`: it leads there at once, and no model is waited for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<String, Vec<String>>,
    /// Labels by key: 0 to 9, * and #.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: BTreeMap<String, String>,
    /// Said when the model fails, before the exit `error` or `timeout`.
    #[serde(default = "cannot_answer")]
    pub sorry: Sound,
    /// Said after a key that is none of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Sound>,
    /// Said after silence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub still_there: Option<Sound>,
    /// How often silence, or a wrong key, is put up with in a row.
    #[serde(default = "two")]
    pub tries: u32,
    /// How often the caller may speak and be answered.
    #[serde(default = "eight")]
    pub turns: u32,
    /// How long the caller may keep silent, in seconds.
    #[serde(default = "five")]
    pub wait_s: f64,
}

/// Which kind of model leads a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    /// One that reads what the caller has said, and writes what is said.
    #[default]
    Text,
    /// One that hears the caller, and speaks.
    Speech,
}

impl Model {
    /// Whether it is one that writes.
    #[must_use]
    pub fn writes(&self) -> bool {
        *self == Self::Text
    }
}

/// How a value is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Spoken.
    Speech,
    /// Keyed in.
    Keys,
    /// Either, as the caller likes.
    Both,
}

/// One case of a decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// A condition.
    pub when: String,
    /// The exit if it holds.
    pub exit: String,
}

/// Exits: `found` and `not_found`, or `verified` and `refused` if the lookup proves who calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enquire {
    /// Which lookup.
    pub name: String,
    /// Said while it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<Sound>,
}

/// Exits: `ended` when the other side has hung up (the call is over if it leads nowhere), `busy`, `no_answer`,
/// `refused`, `gone`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connect {
    /// A destination, several, or `wish`: where the caller's wish leads.
    pub destination: Agents,
    /// In which order several are rung.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ring: Option<Ring>,
    /// How long it may ring, in seconds, if not as long as the destination says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ring_s: Option<f64>,
    /// What the caller hears before it rings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announce: Option<Sound>,
    /// What the agent hears before the two are joined; the agent accepts or refuses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introduce: Option<Sound>,
}

/// Whom to connect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "write a destination, or several: [\"maria\", \"tom\"]")]
pub enum Agents {
    /// One.
    One(String),
    /// The first of several who answers.
    Several(Vec<String>),
}

/// In which order several agents are rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ring {
    /// One after the other.
    #[default]
    InTurn,
    /// All at once.
    All,
}

/// Exits: `ended` (the call is over if it leads nowhere), `empty` when nobody serves the queue, `full`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Queue {
    /// The queue, by the name that Asterisk knows.
    pub name: String,
    /// What the caller hears before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announce: Option<Sound>,
    /// Channel variables that go along: texts with `{names}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    /// How long the caller may wait in it, in seconds.
    #[serde(default = "half_an_hour")]
    pub most_s: f64,
}

/// Exits: `done`, `no_input` when nothing was said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Voicemail {
    /// What is said before the tone.
    pub prompt: Sound,
    /// Whose message it is: the name under which it is kept.
    pub mailbox: String,
    /// How long it may be, in seconds.
    #[serde(default = "two_minutes")]
    pub most_s: f64,
}

/// Exits: `done`, and `refused` if consent is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// On or off.
    pub turn: Turn,
    /// Asked before, to be answered by yes or no or the keys 1 or 2; without a yes nothing is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Sound>,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// From here on.
    On,
    /// Up to here.
    Off,
}

/// Exits: `paid`, `declined`, `no_match` when what was keyed in cannot be a card, `no_input`, `cut_failed` when it is not
/// certain that nothing records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// Asks for the number of the card.
    pub card: Sound,
    /// Asks for the month and year of its expiry, if that is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiry: Option<Sound>,
    /// Asks for the number on its back, if that is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cvc: Option<Sound>,
    /// Said before an item is asked for again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Sound>,
    /// The lookup that gets the digits, as `card`, `expiry` and `cvc` besides what it sends.
    pub lookup: String,
    /// How often each item is asked for.
    #[serde(default = "three")]
    pub tries: u32,
    /// How long a key is waited for, in seconds.
    #[serde(default = "ten")]
    pub wait_s: f64,
}

/// Exits: `done` when the caller's time there is over or somebody has taken the caller out; `refused` by a room that is
/// locked. In the room `*` mutes the caller and ends that, and `#` locks the room and opens it, for who came first; when that
/// one leaves, for who came next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conference {
    /// The room, with `{names}`.
    pub room: String,
    /// Who comes, with `{names}`, for the others to hear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the caller hears before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announce: Option<Sound>,
    /// How long the caller may stay, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_s: Option<f64>,
    /// What the caller alone hears before that time is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind: Option<Remind>,
    /// What the caller is told of the room, where that is not said in English.
    #[serde(default, skip_serializing_if = "RoomSays::is_default")]
    pub says: RoomSays,
}

/// Said to one caller of a conference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remind {
    /// How long before the caller's time is over, in seconds.
    pub before_s: f64,
    /// What is said.
    pub prompt: Sound,
}

/// Exit: `done`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Music {
    /// The class of music on hold, by the name that Asterisk knows.
    #[serde(default = "default_class")]
    pub class: String,
    /// For how long, in seconds.
    pub for_s: f64,
}

/// Where the call goes on in the dialplan.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dialplan {
    /// Context, extension and priority: `"queues,700,1"`. Behind the line that handed the call over if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Channel variables that go along: texts with `{names}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
}

/// How a call is hung up.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HangUp {
    /// Said before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<Sound>,
}

impl Deed {
    /// What is said in it.
    pub(super) fn sounds(&self) -> Vec<&Sound> {
        let (always, perhaps): (Option<&Sound>, Vec<&Option<Sound>>) = match self {
            Self::Say(it) => (Some(&it.prompt), vec![]),
            Self::Ask(it) => (Some(&it.prompt), vec![&it.again, &it.still_there]),
            Self::Menu(it) => (Some(&it.prompt), vec![&it.again, &it.still_there]),
            Self::Collect(it) => {
                (Some(&it.prompt), vec![&it.invalid, &it.read_back, &it.again, &it.still_there])
            }
            Self::Converse(it) => (Some(&it.prompt), vec![&it.again, &it.still_there]),
            Self::Lookup(it) => (None, vec![&it.prompt]),
            Self::Connect(it) => (None, vec![&it.announce, &it.introduce]),
            Self::Queue(it) => (None, vec![&it.announce]),
            Self::Voicemail(it) => (Some(&it.prompt), vec![]),
            Self::Record(it) => (None, vec![&it.consent]),
            Self::Zone(it) => (Some(&it.card), vec![&it.expiry, &it.cvc, &it.again]),
            Self::Conference(it) => {
                (it.remind.as_ref().map(|remind| &remind.prompt), vec![&it.announce])
            }
            Self::HangUp(it) => (None, vec![&it.prompt]),
            Self::Decide(_)
            | Self::Hours(_)
            | Self::Set(_)
            | Self::Music(_)
            | Self::Dialplan(_)
            | Self::Flow(_)
            | Self::Return(_) => (None, vec![]),
        };
        let sorry = match self {
            Self::Converse(it) => Some(&it.sorry),
            _ => None,
        };
        always.into_iter().chain(sorry).chain(perhaps.into_iter().flatten()).collect()
    }
}

impl Agents {
    /// Their names.
    #[must_use]
    pub fn names(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Several(names) => names,
        }
    }
}

fn two() -> u32 {
    2
}

fn three() -> u32 {
    3
}

fn five() -> f64 {
    5.0
}

fn eight() -> u32 {
    8
}

fn cannot_answer() -> Sound {
    Sound::from("I am sorry, I cannot answer that now.")
}

fn ten() -> f64 {
    10.0
}

fn two_minutes() -> f64 {
    120.0
}

fn half_an_hour() -> f64 {
    1_800.0
}

fn default_class() -> String {
    "default".to_owned()
}
