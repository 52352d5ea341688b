//! A call that speaks in tones, and what it is told.

use std::time::Duration;

use engines::chain::{Recognition, Stream, Told};
use engines::phrases::Phrases;
use engines::remote::config::RecognitionConfig;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::dialects::{self, KEY};
use crate::standin::{Fault, StandIn};
use crate::{form, grpc, tones, web};

/// Nothing here takes so long; it is for what never comes.
const HANG: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vendor {
    Deepgram,
    Vosk,
    Transcriptions,
    Realtime,
    Google,
    Aws,
    Azure,
}

pub const VENDORS: [Vendor; 7] = [
    Vendor::Deepgram,
    Vendor::Vosk,
    Vendor::Transcriptions,
    Vendor::Realtime,
    Vendor::Google,
    Vendor::Aws,
    Vendor::Azure,
];

impl Vendor {
    pub async fn start(self, fault: Fault) -> StandIn {
        match self {
            Self::Deepgram => StandIn::start(fault, web::serve::<dialects::Deepgram>).await,
            Self::Vosk => StandIn::start(fault, web::serve::<dialects::Vosk>).await,
            Self::Realtime => StandIn::start(fault, web::serve::<dialects::Realtime>).await,
            Self::Azure => StandIn::start(fault, web::serve::<dialects::Azure>).await,
            Self::Aws => StandIn::start(fault, web::serve::<dialects::Transcribe>).await,
            Self::Transcriptions => StandIn::start(fault, form::serve).await,
            Self::Google => StandIn::start(fault, grpc::serve).await,
        }
    }

    /// The engine's table, with limits that make tests short.
    fn table(self, name: &str, port: u16, key: &str) -> String {
        let host = format!("127.0.0.1:{port}");
        let (kind, url) = match self {
            Self::Deepgram => ("deepgram", format!("ws://{host}/v1/listen")),
            Self::Vosk => ("vosk", format!("ws://{host}")),
            Self::Transcriptions => ("openai", format!("http://{host}/v1")),
            Self::Realtime => ("openai-realtime", format!("ws://{host}/v1/realtime?intent=transcription")),
            Self::Google => ("google", format!("http://{host}")),
            Self::Aws => ("aws", format!("ws://{host}/stream-transcription-websocket")),
            Self::Azure => ("azure", format!("ws://{host}/speech/recognition/conversation/cognitiveservices/v1")),
        };
        let mut table = format!("[{name}]\nkind = \"{kind}\"\nurl = \"{url}\"\nanswer_ms = 400\n");
        if self != Self::Vosk {
            table += &format!("key_file = \"{key}\"\n");
        }
        if self == Self::Aws {
            // The id may be anything; this variable is always there.
            table += "region = \"eu-west-1\"\naccess_key_id_env = \"CARGO_PKG_NAME\"\n";
        }
        table
    }

    /// Whether a connection hears one turn only.
    pub fn one_turn(self) -> bool {
        matches!(self, Self::Vosk | Self::Transcriptions | Self::Aws)
    }

    pub fn settles_while_one_speaks(self) -> bool {
        !matches!(self, Self::Transcriptions | Self::Realtime)
    }
}

pub struct Call {
    stream: Option<Stream>,
    told: mpsc::UnboundedReceiver<Told>,
    position: u64,
    turns: u32,
    tasks: usize,
}

impl Call {
    /// A call that is heard by these engines, in this order.
    pub fn with(engines: &[(Vendor, &StandIn)]) -> Self {
        let folder = std::env::temp_dir().join(format!("patchcord-remote-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("key"), format!("{KEY}\n")).unwrap();
        let names: Vec<_> = (0..engines.len()).map(|index| format!("\"engine{index}\"")).collect();
        let mut text = format!("chain = [{}]\nfail_over_ms = 800\n", names.join(", "));
        for (index, (vendor, server)) in engines.iter().enumerate() {
            text += &vendor.table(&format!("engine{index}"), server.port, "key");
        }
        let config: RecognitionConfig = toml::from_str(&text).unwrap();
        let engines = config.engines(&folder).unwrap();
        let tasks = Handle::current().metrics().num_alive_tasks();
        let recognition = Recognition::new(engines, config.policy(), Handle::current()).unwrap();
        let (tell, told) = mpsc::unbounded_channel();
        let hints: Phrases = ["dark roast"].into_iter().collect();
        let stream = recognition.stream(hints, move |what| {
            let _ = tell.send(what);
        });
        // Positions of a call may begin anywhere.
        Self { stream: Some(stream), told, position: 1_234_560, turns: 0, tasks }
    }

    fn stream(&self) -> &Stream {
        self.stream.as_ref().expect("the call is not over")
    }

    pub fn begin(&mut self) {
        self.speak(&[0; 1_600]);
        self.turns += 1;
        self.stream().begin(self.turns, self.position - 800);
    }

    /// Speaks faster than life, frame by frame.
    pub fn speak(&mut self, sound: &[i16]) {
        for frame in sound.chunks(audio::FRAME) {
            self.stream().audio(frame, self.position);
            self.position += frame.len() as u64;
        }
    }

    /// Ends the turn. The words, or why there are none.
    pub async fn finish(&mut self) -> String {
        self.speak(&[0; 1_600]);
        self.stream().end(self.position);
        let turn = self.turns;
        loop {
            match self.next().await {
                Told::Partial { .. } => {}
                Told::Final { turn: which, words } => {
                    assert_eq!(which, turn);
                    let ordered = words.windows(2).all(|two| two[0].at.start <= two[1].at.start);
                    assert!(ordered, "{words:?}");
                    return words.iter().map(|word| &*word.text).collect::<Vec<_>>().join(" ");
                }
                Told::Failed { turn: which, failure } => {
                    assert_eq!(which, turn);
                    assert!(!failure.to_string().contains(KEY), "{failure}");
                    return failure.to_string();
                }
                Told::Local { .. } => return "local".to_owned(),
            }
        }
    }

    /// A whole turn.
    pub async fn turn(&mut self, text: &str) -> String {
        self.begin();
        self.speak(&tones::speak(text));
        self.finish().await
    }

    /// Until so many words will not change.
    pub async fn until_stable(&mut self, words: usize) {
        while !matches!(self.next().await, Told::Partial { stable, .. } if stable >= words) {}
    }

    pub async fn until_connected(&mut self, server: &StandIn) {
        let connected = async {
            while server.accepted() == 0 {
                tokio::task::yield_now().await;
            }
        };
        timeout(HANG, connected).await.expect("a connection");
    }

    async fn next(&mut self) -> Told {
        timeout(HANG, self.told.recv()).await.expect("something is told in time").expect("the task lives")
    }

    /// Hangs up: every task of ours and every connection must end.
    pub async fn end(mut self, servers: &[&StandIn]) {
        self.stream = None;
        for server in servers {
            server.release();
        }
        let over = async {
            while self.told.recv().await.is_some() {}
            while servers.iter().any(|server| server.open() > 0) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(HANG, over).await.expect("every connection ends");
        let left = Handle::current().metrics().num_alive_tasks();
        assert!(left <= self.tasks, "{left} tasks, {} before", self.tasks);
    }
}
