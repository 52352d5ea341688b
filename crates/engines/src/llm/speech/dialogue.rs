//! What is said over the socket and what that means, without the socket.

use std::time::Duration;

use audio::g711;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{Answer, Cut};
use super::{Heard, LlmError, Options, Told};
use crate::llm::{Conversation, Said};

/// Samples in one message of sound: 60 ms.
const CHUNK: usize = 480;
/// Samples that a buffer must have to be committed: 100 ms.
const LEAST: usize = 800;
/// Events whose ids begin so may be refused: what they were to end had ended by itself.
const IDLE: &str = "idle";

/// One connection's conversation.
pub(super) struct Dialogue<'o> {
    options: &'o Options,
    language: Option<&'o str>,
    /// What the model has been told to do.
    instructions: String,
    ends: Vec<(String, String)>,
    /// How much of what was said it knows.
    known: usize,
    /// Sound that is not sent yet, and how much was sent since the last answer.
    pending: Vec<i16>,
    buffered: usize,
    response: Response,
    /// Another one is wanted once this one is over.
    wanted: bool,
    /// The last one, until it is stopped or another one takes its place.
    answer: Option<Answer>,
    pub(super) out: Vec<Value>,
    pub(super) told: Vec<(u32, Told)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Response {
    None,
    /// It is asked for, and its end has not come.
    Comes,
    /// The same, but nobody wants it any more.
    Cancelled,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    item_id: String,
    #[serde(default)]
    content_index: u32,
    #[serde(default)]
    delta: String,
    #[serde(default)]
    transcript: String,
    #[serde(default)]
    call_id: String,
    #[serde(default)]
    arguments: String,
    #[serde(default)]
    response: Outcome,
    #[serde(default)]
    error: Trouble,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Outcome {
    status: String,
    status_details: Option<Details>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Details {
    reason: Option<String>,
    error: Option<Trouble>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Trouble {
    event_id: Option<String>,
    code: Option<String>,
    message: Option<String>,
}

impl Trouble {
    fn error(&self) -> LlmError {
        let message = self.message.as_deref().unwrap_or("it says that something is wrong");
        let message: String = message.chars().filter(|c| !c.is_control()).take(300).collect();
        match self.code.as_deref() {
            Some(code) if code.starts_with("rate_limit") => LlmError::Limited { after: None },
            Some("invalid_api_key") => LlmError::Denied(message),
            _ => LlmError::Server(message),
        }
    }
}

impl<'o> Dialogue<'o> {
    /// Begins with what the model is to do.
    pub(super) fn begin(
        options: &'o Options,
        language: Option<&'o str>,
        talk: &Conversation,
    ) -> Self {
        let mut dialogue = Self {
            options,
            language,
            instructions: String::new(),
            ends: Vec::new(),
            known: 0,
            pending: Vec::new(),
            buffered: 0,
            response: Response::None,
            wanted: false,
            answer: None,
            out: Vec::new(),
            told: Vec::new(),
        };
        let mut session = dialogue.instruct(talk);
        session["output_modalities"] = json!(["audio"]);
        session["max_output_tokens"] = dialogue.options.max_tokens.into();
        session["audio"] = json!({
            "input": { "format": { "type": "audio/pcmu" }, "turn_detection": null },
            "output": { "format": { "type": "audio/pcmu" }, "voice": options.voice },
        });
        dialogue.say("session.update", json!({ "session": session }));
        dialogue
    }

    pub(super) fn hear(&mut self, samples: &[i16]) {
        self.pending.extend_from_slice(samples);
        let whole = self.pending.len() / CHUNK * CHUNK;
        let rest = self.pending.split_off(whole);
        let whole = std::mem::replace(&mut self.pending, rest);
        whole.chunks(CHUNK).for_each(|chunk| self.append(chunk));
    }

    pub(super) fn forget(&mut self) {
        self.pending.clear();
        if std::mem::take(&mut self.buffered) > 0 {
            self.say("input_audio_buffer.clear", json!({ "event_id": IDLE }));
        }
    }

    /// Asks for an answer.
    pub(super) fn ask(&mut self, number: u32, talk: &Conversation, heard: Heard) {
        let told = self.instructions.clone();
        let session = self.instruct(talk);
        if told != self.instructions {
            self.say("session.update", json!({ "session": session }));
        }
        let is_new = self.known == 0;
        let news = talk.said.get(self.known..).unwrap_or_default();
        let by_sound = heard == Heard::Sound && self.buffered + self.pending.len() > 0;
        let (last, before) = match news.split_last() {
            Some((Said::ByCaller(words), before)) => (Some(words), before),
            _ => (None, news),
        };
        for said in before {
            match said {
                Said::ByCaller(words) => self.item("user", "input_text", words),
                Said::ByUs(words) => self.item("assistant", "output_text", words),
                // It knows what it said itself, and how much of that was heard.
                Said::ByModel(words) if is_new => self.item("assistant", "output_text", words),
                Said::ByModel(_) => {}
            }
        }
        match last {
            Some(_) if by_sound => self.commit(),
            Some(words) => {
                self.forget();
                self.item("user", "input_text", words);
            }
            None => {}
        }
        self.known = talk.said.len();
        self.answer = Some(Answer::new(number));
        match self.response {
            Response::None => self.create(),
            Response::Comes | Response::Cancelled => {
                self.cancel();
                self.wanted = true;
            }
        }
    }

    /// The caller hears no more of it.
    pub(super) fn stop(&mut self, heard: Duration) {
        self.wanted = false;
        let Some(answer) = self.answer.take() else { return };
        if !answer.done {
            self.cancel();
        }
        if let Some(Cut { item, part, ms }) = answer.cut(heard) {
            let cut = json!({
                "event_id": IDLE, "item_id": item, "content_index": part, "audio_end_ms": ms,
            });
            self.say("conversation.item.truncate", cut);
        }
    }

    /// Whether something is awaited.
    pub(super) fn awaits(&self) -> bool {
        self.response != Response::None
    }

    /// Takes a message.
    pub(super) fn message(&mut self, text: &str) -> Result<(), LlmError> {
        let event: Event = serde_json::from_str(text)
            .map_err(|error| LlmError::Senseless(format!("no event: {error}")))?;
        if event.kind == "error" {
            return match event.error.event_id.as_deref() {
                Some(IDLE) => Ok(()),
                _ => Err(event.error.error()),
            };
        }
        if event.kind == "response.done" {
            return self.done(&event.response);
        }
        let wanted = self.response == Response::Comes;
        let Some(answer) = self.answer.as_mut().filter(|answer| wanted && !answer.done) else {
            return Ok(());
        };
        let told = match event.kind.as_str() {
            "response.output_audio.delta" => {
                answer.sound(event.item_id, event.content_index, &event.delta)?
            }
            "response.output_audio_transcript.delta" => answer.words(&event.delta)?,
            "response.output_audio_transcript.done" => answer.all_words(&event.transcript)?,
            "response.function_call_arguments.done" => {
                answer.call(event.call_id, &event.arguments, &self.ends);
                Vec::new()
            }
            _ => Vec::new(),
        };
        let number = answer.number;
        self.told.extend(told.into_iter().map(|told| (number, told)));
        Ok(())
    }

    fn done(&mut self, outcome: &Outcome) -> Result<(), LlmError> {
        let before = std::mem::replace(&mut self.response, Response::None);
        if std::mem::take(&mut self.wanted) {
            self.create();
            return Ok(());
        }
        let Some(answer) = self.answer.as_mut().filter(|_| before == Response::Comes) else {
            return Ok(());
        };
        let details = outcome.status_details.as_ref();
        let reason = details.and_then(|details| details.reason.as_deref());
        match (outcome.status.as_str(), reason) {
            ("failed", _) => {
                let trouble = details.and_then(|details| details.error.as_ref());
                return Err(trouble.unwrap_or(&Trouble::default()).error());
            }
            (_, Some("content_filter")) => return Err(LlmError::Refused),
            ("cancelled", _) => return Err(LlmError::BrokeOff("it was cancelled".to_owned())),
            _ => {}
        }
        let calls = std::mem::take(&mut answer.calls);
        // Who calls the function often says nothing beside it.
        let speechless = answer.is_empty() && !calls.is_empty() && !answer.again;
        let told = if speechless {
            answer.again = true;
            Vec::new()
        } else if answer.is_empty() {
            return Err(LlmError::Nothing);
        } else {
            answer.finish()
        };
        let number = answer.number;
        self.told.extend(told.into_iter().map(|told| (number, told)));
        for call in calls {
            let noted =
                json!({ "type": "function_call_output", "call_id": call, "output": "noted" });
            self.say("conversation.item.create", json!({ "item": noted }));
        }
        if speechless {
            self.create();
        }
        Ok(())
    }

    /// Notes what the model is to do, as the part of a session that says so.
    fn instruct(&mut self, talk: &Conversation) -> Value {
        self.instructions = talk.spoken_instructions(self.language);
        self.ends.clone_from(&talk.ends);
        let tools: Vec<Value> = talk.function().into_iter().collect();
        json!({ "type": "realtime", "instructions": self.instructions, "tools": tools })
    }

    fn append(&mut self, samples: &[i16]) {
        let codes: Vec<u8> = samples.iter().map(|it| g711::encode_ulaw_sample(*it)).collect();
        self.buffered += samples.len();
        self.say("input_audio_buffer.append", json!({ "audio": STANDARD.encode(codes) }));
    }

    fn commit(&mut self) {
        let rest = std::mem::take(&mut self.pending);
        if !rest.is_empty() {
            self.append(&rest);
        }
        let missing = LEAST.saturating_sub(self.buffered);
        if missing > 0 {
            self.append(&vec![0; missing]);
        }
        self.buffered = 0;
        self.say("input_audio_buffer.commit", json!({}));
    }

    fn item(&mut self, role: &str, kind: &str, words: &str) {
        let content = json!([{ "type": kind, "text": words }]);
        let item = json!({ "type": "message", "role": role, "content": content });
        self.say("conversation.item.create", json!({ "item": item }));
    }

    fn create(&mut self) {
        self.response = Response::Comes;
        self.say("response.create", json!({}));
    }

    fn cancel(&mut self) {
        if self.response == Response::Comes {
            self.response = Response::Cancelled;
            self.say("response.cancel", json!({ "event_id": IDLE }));
        }
    }

    fn say(&mut self, kind: &str, mut event: Value) {
        event["type"] = kind.into();
        self.out.push(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static OPTIONS: Options =
        Options { voice: String::new(), max_tokens: 99, stall: Duration::from_secs(1) };

    fn talk(said: &[Said]) -> Conversation {
        let ends = vec![("solved".to_owned(), "when all is said".to_owned())];
        let (about, blanks) = ("We open at nine.".to_owned(), Vec::new());
        Conversation { about, blanks, ends, said: said.to_vec() }
    }

    fn kinds(dialogue: &mut Dialogue<'_>) -> Vec<String> {
        let out = std::mem::take(&mut dialogue.out);
        out.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }

    fn begun() -> Dialogue<'static> {
        let mut dialogue = Dialogue::begin(&OPTIONS, None, &talk(&[]));
        assert_eq!(kinds(&mut dialogue), ["session.update"]);
        dialogue
    }

    fn by_us() -> Said {
        Said::ByUs("What would you like to know?".to_owned())
    }

    fn by_caller(words: &str) -> Said {
        Said::ByCaller(words.to_owned())
    }

    fn sound(samples: usize) -> String {
        let codes: Vec<u8> = (0..samples)
            .map(|n| g711::encode_ulaw_sample(if n / 8 % 2 == 0 { 6_000 } else { -6_000 }))
            .collect();
        let delta = STANDARD.encode(codes);
        json!({ "type": "response.output_audio.delta", "item_id": "a1", "content_index": 0, "delta": delta })
            .to_string()
    }

    fn done(status: &str) -> String {
        json!({ "type": "response.done", "response": { "status": status } }).to_string()
    }

    #[test]
    fn a_turn_is_brought_by_its_sound_and_what_we_said_by_words() {
        let mut dialogue = begun();
        dialogue.hear(&[1_000; 500]);
        assert_eq!(kinds(&mut dialogue), ["input_audio_buffer.append"]);
        dialogue.ask(1, &talk(&[by_us(), by_caller("when")]), Heard::Sound);
        let expected = [
            "conversation.item.create",
            "input_audio_buffer.append",
            "input_audio_buffer.append",
            "input_audio_buffer.commit",
            "response.create",
        ];
        assert_eq!(kinds(&mut dialogue), expected);
        dialogue.message(&sound(4_000)).unwrap();
        dialogue.message(&done("completed")).unwrap();
        assert!(matches!(dialogue.told.last(), Some((1, Told::Done { end: None, .. }))));
        // The model knows what it has said itself.
        let by_model = Said::ByModel("At nine.".to_owned());
        dialogue.hear(&[1_000; 960]);
        kinds(&mut dialogue);
        let said = [by_us(), by_caller("when"), by_model, by_caller("and on sundays")];
        dialogue.ask(2, &talk(&said), Heard::Sound);
        assert_eq!(kinds(&mut dialogue), ["input_audio_buffer.commit", "response.create"]);
    }

    #[test]
    fn a_new_connection_is_told_all_in_words() {
        let mut dialogue = begun();
        let said =
            [by_us(), by_caller("when"), Said::ByModel("At nine.".to_owned()), by_caller("thanks")];
        dialogue.ask(2, &talk(&said), Heard::Sound);
        let roles: Vec<&str> =
            dialogue.out.iter().filter_map(|event| event["item"]["role"].as_str()).collect();
        assert_eq!(roles, ["assistant", "user", "assistant", "user"]);
    }

    #[test]
    fn what_is_to_be_told_in_words_takes_its_sound_back() {
        let mut dialogue = begun();
        dialogue.hear(&[1_000; 960]);
        dialogue.ask(1, &talk(&[by_caller("my card is [card]")]), Heard::Words);
        let kinds = kinds(&mut dialogue);
        assert_eq!(
            kinds[2..],
            ["input_audio_buffer.clear", "conversation.item.create", "response.create"]
        );
    }

    #[test]
    fn an_interruption_ends_the_answer_where_it_was_heard_and_the_next_one_waits_for_its_end() {
        let mut dialogue = begun();
        dialogue.ask(1, &talk(&[by_caller("when")]), Heard::Sound);
        dialogue.message(&sound(8_000)).unwrap();
        kinds(&mut dialogue);
        dialogue.stop(Duration::from_millis(300));
        assert_eq!(dialogue.out[1]["audio_end_ms"], 300);
        assert_eq!(kinds(&mut dialogue), ["response.cancel", "conversation.item.truncate"]);
        dialogue.ask(2, &talk(&[by_caller("when"), by_caller("no")]), Heard::Words);
        assert_eq!(kinds(&mut dialogue), ["conversation.item.create"]);
        dialogue.told.clear();
        dialogue.message(&sound(8_000)).unwrap();
        dialogue.message(&done("cancelled")).unwrap();
        assert_eq!(
            (kinds(&mut dialogue), dialogue.told.len()),
            (vec!["response.create".to_owned()], 0)
        );
        dialogue.message(&sound(8_000)).unwrap();
        assert!(matches!(dialogue.told[..], [(2, Told::Sound(_))]));
        // That there was nothing to be cancelled is no trouble.
        let late = json!({ "type": "error", "error": { "event_id": IDLE, "message": "none" } });
        dialogue.message(&late.to_string()).unwrap();
    }

    #[test]
    fn who_only_notes_is_asked_to_speak_once_and_a_label_needs_no_words() {
        let call = |arguments: &str| {
            json!({ "type": "response.function_call_arguments.done", "call_id": "c", "arguments": arguments })
                .to_string()
        };
        let mut dialogue = begun();
        dialogue.ask(1, &talk(&[by_caller("40 21")]), Heard::Words);
        kinds(&mut dialogue);
        dialogue.message(&call("{\"end\": null, \"slots\": {\"account\": \"4021\"}}")).unwrap();
        dialogue.message(&done("completed")).unwrap();
        assert_eq!(kinds(&mut dialogue), ["conversation.item.create", "response.create"]);
        assert!(dialogue.told.is_empty());
        assert_eq!(dialogue.message(&done("completed")), Err(LlmError::Nothing));

        let mut dialogue = begun();
        dialogue.ask(1, &talk(&[by_caller("thanks")]), Heard::Words);
        dialogue.message(&call("{\"end\": \"solved\", \"slots\": {}}")).unwrap();
        dialogue.message(&done("completed")).unwrap();
        let end = Some("solved".to_owned());
        assert_eq!(dialogue.told, [(1, Told::Done { slots: Vec::new(), end })]);
    }
}
