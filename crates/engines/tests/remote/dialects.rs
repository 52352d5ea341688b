//! What the servers of five vendors say over their WebSockets. Written from the vendors' documents, not from our client.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::Request;

use crate::standin::News;
use crate::tones::Spoken;
use crate::web::{Dialect, Said, binary, from_mulaw, from_pcm};

pub(crate) const KEY: &str = "hunter2";

fn header(request: &Request, name: &str) -> String {
    request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

fn query<'a>(request: &'a Request, pair: &str) -> bool {
    request.uri().query().is_some_and(|query: &'a str| query.split('&').any(|has| has == pair))
}

fn text(value: &Value) -> Message {
    Message::text(value.to_string())
}

fn joined(words: &[Spoken]) -> String {
    words.iter().map(|word| word.text).collect::<Vec<_>>().join(" ")
}

fn parsed(message: &Message) -> Value {
    serde_json::from_str(message.to_text().expect("a text message")).expect("JSON")
}

#[derive(Default)]
pub(crate) struct Deepgram;

impl Deepgram {
    fn results(
        words: &[Spoken],
        from: usize,
        through: usize,
        is_final: bool,
        from_finalize: bool,
    ) -> Message {
        let list: Vec<_> = words
            .iter()
            .map(|word| {
                let (start, end) = word.seconds();
                json!({ "word": word.text, "start": start, "end": end, "confidence": 0.9, "punctuated_word": word.text })
            })
            .collect();
        let (start, end) = (from as f64 / 8_000.0, through as f64 / 8_000.0);
        text(&json!({
            "type": "Results", "channel_index": [0, 1], "start": start, "duration": end - start, "is_final": is_final,
            "speech_final": false, "from_finalize": from_finalize,
            "channel": { "alternatives": [{ "transcript": joined(words), "confidence": 0.9, "words": list }] },
            "metadata": { "request_id": "r", "model_uuid": "m" },
        }))
    }
}

impl Dialect for Deepgram {
    const ONE_TURN: bool = false;

    fn admits(request: &Request) -> bool {
        header(request, "authorization") == format!("Token {KEY}")
            && request.uri().path() == "/v1/listen"
            && ["encoding=mulaw", "sample_rate=8000", "interim_results=true"]
                .iter()
                .all(|pair| query(request, pair))
            && !request.uri().to_string().contains(KEY)
    }

    fn read(&mut self, message: Message) -> Said {
        match &message {
            Message::Binary(codes) => Said::Audio(from_mulaw(codes)),
            _ => match parsed(&message)["type"].as_str() {
                Some("Finalize") => Said::Finish,
                Some("KeepAlive" | "CloseStream") => Said::Other(Vec::new()),
                other => panic!("Deepgram does not know {other:?}"),
            },
        }
    }

    fn news(&mut self, news: &News) -> Vec<Message> {
        let mut said = Vec::new();
        if !news.settled.is_empty() {
            said.push(Self::results(&news.settled, news.from, news.through, true, false));
        }
        let end = news.interim.last().map_or(news.through, |word| word.end);
        said.push(Self::results(&news.interim, news.through, end, false, false));
        said
    }

    fn last(&mut self, news: &News) -> Vec<Message> {
        vec![Self::results(&news.settled, news.from, news.through, true, true)]
    }

    fn error(&mut self) -> Vec<Message> {
        vec![text(
            &json!({ "type": "Error", "description": "DATA-0000: not with hunter2", "variant": "x" }),
        )]
    }
}

/// The Vosk server: an answer to each message.
#[derive(Default)]
pub(crate) struct Vosk {
    configured: bool,
}

impl Vosk {
    fn result(words: &[Spoken]) -> Message {
        let list: Vec<_> = words
            .iter()
            .map(|word| {
                let (start, end) = word.seconds();
                json!({ "word": word.text, "start": start, "end": end, "conf": 1.0 })
            })
            .collect();
        if list.is_empty() {
            text(&json!({ "text": "" }))
        } else {
            text(&json!({ "result": list, "text": joined(words) }))
        }
    }
}

impl Dialect for Vosk {
    const KEY: &str = "of none";
    const ONE_TURN: bool = true;

    fn admits(_: &Request) -> bool {
        true
    }

    fn read(&mut self, message: Message) -> Said {
        match &message {
            Message::Binary(bytes) => {
                assert!(self.configured, "the rate comes first");
                Said::Audio(from_pcm(bytes))
            }
            Message::Text(text) if text.as_str() == r#"{"eof" : 1}"# => Said::Finish,
            _ => {
                assert_eq!(parsed(&message)["config"]["sample_rate"], 8_000);
                self.configured = true;
                Said::Other(Vec::new())
            }
        }
    }

    fn news(&mut self, news: &News) -> Vec<Message> {
        if news.settled.is_empty() {
            vec![text(&json!({ "partial": joined(&news.interim) }))]
        } else {
            vec![Self::result(&news.settled)]
        }
    }

    fn last(&mut self, news: &News) -> Vec<Message> {
        vec![Self::result(&news.settled)]
    }

    fn error(&mut self) -> Vec<Message> {
        vec![Message::text("Traceback")]
    }
}

/// OpenAI's realtime transcription: one item a turn.
#[derive(Default)]
pub(crate) struct Realtime {
    items: usize,
    said: usize,
    settled: Vec<Spoken>,
}

impl Realtime {
    fn item(&self) -> String {
        format!("item_{}", self.items)
    }
}

impl Dialect for Realtime {
    const ONE_TURN: bool = false;

    fn admits(request: &Request) -> bool {
        header(request, "authorization") == format!("Bearer {KEY}")
            && query(request, "intent=transcription")
    }

    fn read(&mut self, message: Message) -> Said {
        let said = parsed(&message);
        match said["type"].as_str().unwrap_or_default() {
            "session.update" => {
                let input = &said["session"]["audio"]["input"];
                assert_eq!(input["format"]["type"], "audio/pcmu");
                assert!(input["turn_detection"].is_null());
                Said::Other(vec![text(
                    &json!({ "type": "session.updated", "session": said["session"] }),
                )])
            }
            "input_audio_buffer.append" => {
                let codes =
                    STANDARD.decode(said["audio"].as_str().expect("base64")).expect("base64");
                Said::Audio(from_mulaw(&codes))
            }
            "input_audio_buffer.commit" => Said::Finish,
            other => panic!("OpenAI does not know {other}"),
        }
    }

    fn news(&mut self, news: &News) -> Vec<Message> {
        self.settled.extend(news.settled.iter().cloned());
        let words: Vec<_> = self.settled.iter().chain(&news.interim).cloned().collect();
        let new = joined(&words[self.said.min(words.len())..]);
        if new.is_empty() {
            return Vec::new();
        }
        self.said = words.len();
        let delta = "conversation.item.input_audio_transcription.delta";
        vec![text(
            &json!({ "type": delta, "item_id": self.item(), "content_index": 0, "delta": format!("{new} ") }),
        )]
    }

    fn last(&mut self, news: &News) -> Vec<Message> {
        let words: Vec<_> = std::mem::take(&mut self.settled)
            .into_iter()
            .chain(news.settled.iter().cloned())
            .collect();
        let item = self.item();
        (self.items, self.said) = (self.items + 1, 0);
        let completed = "conversation.item.input_audio_transcription.completed";
        let transcript = if news.through == 0 { String::new() } else { joined(&words) };
        let completed = text(
            &json!({ "type": completed, "item_id": item, "content_index": 0, "transcript": transcript }),
        );
        vec![
            text(&json!({ "type": "input_audio_buffer.committed", "item_id": item })),
            completed.clone(),
            completed,
        ]
    }

    fn error(&mut self) -> Vec<Message> {
        vec![text(
            &json!({ "type": "error", "error": { "type": "server_error", "code": null, "message": "not with hunter2" } }),
        )]
    }
}

/// Azure: paths in headers, ticks of 100 ns from the beginning of the turn.
#[derive(Default)]
pub(crate) struct Azure {
    request: String,
    configured: bool,
    begun: bool,
    /// Samples of earlier turns.
    base: usize,
    heard: usize,
}

impl Azure {
    fn say(&self, path: &str, body: &Value) -> Message {
        let request = &self.request;
        Message::text(format!(
            "X-RequestId:{request}\r\nContent-Type:application/json; charset=utf-8\r\nPath:{path}\r\n\r\n{body}"
        ))
    }

    fn ticks(&self, sample: usize) -> usize {
        (sample - self.base.min(sample)) * 1_250
    }

    fn phrase(&self, words: &[Spoken], from: usize, through: usize) -> Message {
        let (offset, duration) = (self.ticks(from), self.ticks(through) - self.ticks(from));
        if words.is_empty() {
            let body =
                json!({ "RecognitionStatus": "NoMatch", "Offset": offset, "Duration": duration });
            return self.say("speech.phrase", &body);
        }
        let list: Vec<_> = words
            .iter()
            .map(|word| json!({ "Word": word.text, "Offset": self.ticks(word.start), "Duration": self.ticks(word.end) - self.ticks(word.start) }))
            .collect();
        self.say("speech.phrase", &json!({
            "RecognitionStatus": "Success", "Offset": offset, "Duration": duration, "DisplayText": joined(words),
            "NBest": [{ "Confidence": 0.9, "Lexical": joined(words), "Display": joined(words), "Words": list }],
        }))
    }
}

impl Dialect for Azure {
    const ONE_TURN: bool = false;

    fn admits(request: &Request) -> bool {
        header(request, "ocp-apim-subscription-key") == KEY
            && header(request, "x-connectionid").len() == 32
            && query(request, "language=en-US")
    }

    fn read(&mut self, message: Message) -> Said {
        let (headers, body) = match &message {
            Message::Text(text) => {
                let (headers, body) = text.split_once("\r\n\r\n").expect("headers and a body");
                (headers.to_owned(), body.as_bytes().to_vec())
            }
            other => {
                let Message::Binary(bytes) = other else { panic!("{other:?}") };
                let length = usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
                let headers = String::from_utf8(bytes[2..2 + length].to_vec()).expect("text");
                (headers, bytes[2 + length..].to_vec())
            }
        };
        let header = |name: &str| {
            let line = headers.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_default().trim_start_matches(':').trim().to_owned()
        };
        match header("Path").as_str() {
            "speech.config" => {
                self.configured = true;
                Said::Other(Vec::new())
            }
            "speech.context" => Said::Other(Vec::new()),
            "audio" => {
                assert!(self.configured && header("X-RequestId").len() == 32);
                if self.request != header("X-RequestId") {
                    (self.request, self.begun, self.base) =
                        (header("X-RequestId"), true, self.heard);
                    assert!(body.starts_with(b"RIFF"), "the first audio is the header of a file");
                    return Said::Other(vec![
                        self.say("turn.start", &json!({ "context": { "serviceTag": "t" } })),
                    ]);
                }
                if body.is_empty() {
                    return Said::Finish;
                }
                self.heard += body.len() / 2;
                Said::Audio(from_pcm(&body))
            }
            other => panic!("Azure does not know {other}"),
        }
    }

    fn news(&mut self, news: &News) -> Vec<Message> {
        let mut said = Vec::new();
        if !news.settled.is_empty() {
            said.push(self.phrase(&news.settled, news.from, news.through));
        }
        if let (Some(first), Some(last)) = (news.interim.first(), news.interim.last()) {
            let (offset, duration) =
                (self.ticks(first.start), self.ticks(last.end) - self.ticks(first.start));
            let body =
                json!({ "Text": joined(&news.interim), "Offset": offset, "Duration": duration });
            said.push(self.say("speech.hypothesis", &body));
        }
        said
    }

    fn last(&mut self, news: &News) -> Vec<Message> {
        vec![
            self.phrase(&news.settled, news.from.max(self.base), news.through),
            self.say("speech.endDetected", &json!({ "Offset": 0 })),
            self.say("turn.end", &json!({})),
        ]
    }

    fn error(&mut self) -> Vec<Message> {
        vec![self.say(
            "speech.phrase",
            &json!({ "RecognitionStatus": "Error", "Offset": 0, "Duration": 0 }),
        )]
    }
}

/// Amazon Transcribe: event stream messages.
#[derive(Default)]
pub(crate) struct Transcribe {
    results: usize,
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

fn event(headers: &[(&str, &str)], body: &[u8]) -> Message {
    let mut head = Vec::new();
    for (name, value) in headers {
        head.extend(
            [
                &[name.len() as u8],
                name.as_bytes(),
                &[7],
                &(value.len() as u16).to_be_bytes(),
                value.as_bytes(),
            ]
            .concat(),
        );
    }
    let total = (16 + head.len() + body.len()) as u32;
    let mut bytes = [total.to_be_bytes(), (head.len() as u32).to_be_bytes()].concat();
    bytes.extend(crc32(&bytes).to_be_bytes());
    bytes.extend([&head, body].concat());
    bytes.extend(crc32(&bytes).to_be_bytes());
    binary(bytes)
}

impl Transcribe {
    fn result(&self, words: &[Spoken], from: usize, through: usize, partial: bool) -> Message {
        let items: Vec<_> = words
            .iter()
            .map(|word| {
                let (start, end) = word.seconds();
                json!({ "Content": word.text, "StartTime": start, "EndTime": end, "Type": "pronunciation", "Stable": !partial })
            })
            .collect();
        let result = json!({
            "Alternatives": [{ "Items": items, "Transcript": joined(words) }], "IsPartial": partial,
            "StartTime": from as f64 / 8_000.0, "EndTime": through as f64 / 8_000.0, "ResultId": self.results.to_string(),
        });
        let body = json!({ "Transcript": { "Results": [result] } }).to_string();
        let headers = [
            (":message-type", "event"),
            (":event-type", "TranscriptEvent"),
            (":content-type", "application/json"),
        ];
        event(&headers, body.as_bytes())
    }
}

impl Dialect for Transcribe {
    const ONE_TURN: bool = true;

    fn admits(request: &Request) -> bool {
        request.uri().path() == "/stream-transcription-websocket"
            && ["media-encoding=pcm", "sample-rate=8000", "X-Amz-SignedHeaders=host"]
                .iter()
                .all(|pair| query(request, pair))
            && request.uri().query().is_some_and(|query| {
                query.split("X-Amz-Signature=").nth(1).is_some_and(|s| s.len() == 64)
            })
            && !request.uri().to_string().contains(KEY)
    }

    fn read(&mut self, message: Message) -> Said {
        let bytes = message.into_data();
        let word = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        let (total, headers) = (word(0) as usize, word(4) as usize);
        assert_eq!((total, word(8)), (bytes.len(), crc32(&bytes[..8])));
        assert_eq!(word(total - 4), crc32(&bytes[..total - 4]));
        assert!(String::from_utf8_lossy(&bytes[12..12 + headers]).contains("AudioEvent"));
        match &bytes[12 + headers..total - 4] {
            [] => Said::Finish,
            pcm => Said::Audio(from_pcm(pcm)),
        }
    }

    fn news(&mut self, news: &News) -> Vec<Message> {
        let mut said = Vec::new();
        if !news.settled.is_empty() {
            said.push(self.result(&news.settled, news.from, news.through, false));
            self.results += 1;
        }
        let end = news.interim.last().map_or(news.through, |word| word.end);
        said.push(self.result(&news.interim, news.through, end, true));
        said
    }

    fn last(&mut self, news: &News) -> Vec<Message> {
        vec![self.result(&news.settled, news.from, news.through, false)]
    }

    fn error(&mut self) -> Vec<Message> {
        let headers =
            [(":message-type", "exception"), (":exception-type", "InternalFailureException")];
        vec![event(&headers, br#"{"Message":"not with hunter2"}"#)]
    }
}
