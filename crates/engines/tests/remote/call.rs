//! A call that speaks in tones, and what it is told.

use std::path::PathBuf;
use std::sync::LazyLock;
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
const HANG: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vendor {
    Deepgram,
    Vosk,
    Transcriptions,
    Realtime,
    Google,
    Aws,
    Azure,
}

pub(crate) const VENDORS: [Vendor; 7] = [
    Vendor::Deepgram,
    Vendor::Vosk,
    Vendor::Transcriptions,
    Vendor::Realtime,
    Vendor::Google,
    Vendor::Aws,
    Vendor::Azure,
];

/// Tries every vendor, each in a runtime of its own: most of the time is spent waiting for limits.
pub(crate) fn for_each_vendor<T: Future<Output = ()>>(attempt: impl Fn(Vendor) -> T + Sync) {
    std::thread::scope(|scope| {
        for vendor in VENDORS {
            let attempt = &attempt;
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.expect("a runtime").block_on(attempt(vendor));
            });
        }
    });
}

impl Vendor {
    pub(crate) async fn start(self, fault: Fault) -> StandIn {
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

    /// The engine's table. What never answers has failed soon; what does has all the time that a busy machine may need.
    fn table(self, name: &str, server: &StandIn) -> String {
        let port = server.port;
        let host = format!("127.0.0.1:{port}");
        let (kind, url) = match self {
            Self::Deepgram => ("deepgram", format!("ws://{host}/v1/listen")),
            Self::Vosk => ("vosk", format!("ws://{host}")),
            Self::Transcriptions => ("openai", format!("http://{host}/v1")),
            Self::Realtime => {
                ("openai-realtime", format!("ws://{host}/v1/realtime?intent=transcription"))
            }
            Self::Google => ("google", format!("http://{host}")),
            Self::Aws => ("aws", format!("ws://{host}/stream-transcription-websocket")),
            Self::Azure => (
                "azure",
                format!("ws://{host}/speech/recognition/conversation/cognitiveservices/v1"),
            ),
        };
        let limit = if server.fault().never_answers() { 300 } else { 50_000 };
        let mut table =
            format!("[{name}]\nkind = \"{kind}\"\nurl = \"{url}\"\nfinish_ms = {limit}\n");
        if self.speaks_meanwhile() {
            table += "answer_ms = 50_000\n";
        }
        if self != Self::Vosk {
            table += "key_file = \"key\"\n";
        }
        if self == Self::Aws {
            // The id may be anything; this variable is always there.
            table += "region = \"eu-west-1\"\naccess_key_id_env = \"CARGO_PKG_NAME\"\n";
        }
        table
    }

    /// Whether the vendor's protocol has a way to ask whether the other end lives.
    pub(crate) fn answers_pings(self) -> bool {
        !matches!(self, Self::Transcriptions | Self::Google)
    }

    /// Whether a connection hears one turn only.
    pub(crate) fn one_turn(self) -> bool {
        matches!(self, Self::Vosk | Self::Transcriptions | Self::Aws)
    }

    fn speaks_meanwhile(self) -> bool {
        !matches!(self, Self::Transcriptions | Self::Realtime)
    }

    pub(crate) fn settles_while_one_speaks(self) -> bool {
        self.speaks_meanwhile()
    }
}

/// The chain of these engines, and after them `more`, such as `, "local"`.
pub(crate) fn recognition(
    engines: &[(Vendor, &StandIn)],
    more: &str,
    runtime: Handle,
) -> Recognition {
    let names: Vec<_> = (0..engines.len()).map(|index| format!("\"engine{index}\"")).collect();
    let mut text = format!("chain = [{}{more}]\nfail_over_ms = 50_000\n", names.join(", "));
    for (index, (vendor, server)) in engines.iter().enumerate() {
        text += &vendor.table(&format!("engine{index}"), server);
    }
    recognition_of(&text, runtime)
}

/// The chain of a section `[recognition]`.
fn recognition_of(text: &str, runtime: Handle) -> Recognition {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let folder = std::env::temp_dir().join(format!("patchcord-remote-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("key"), format!("{KEY}\n")).unwrap();
        folder
    });
    let config: RecognitionConfig = toml::from_str(text).unwrap();
    let engines = config.engines(&FOLDER).unwrap();
    Recognition::new(engines, config.policy(), runtime).unwrap()
}

pub(crate) struct Call {
    stream: Option<Stream>,
    told: mpsc::UnboundedReceiver<Told>,
    position: u64,
    turns: u32,
    tasks: usize,
}

impl Call {
    /// A call that is heard by these engines, in this order.
    pub(crate) fn with(engines: &[(Vendor, &StandIn)]) -> Self {
        Self::heard_by(|runtime| recognition(engines, "", runtime))
    }

    /// A call whose only engine is given up soon if it gives no sign of life, and for nothing else.
    pub(crate) fn watched(vendor: Vendor, server: &StandIn) -> Self {
        let table = vendor.table("engine", server).replace("= 300\n", "= 50_000\n");
        let text = format!("chain = [\"engine\"]\nfail_over_ms = 400\n{table}");
        Self::heard_by(|runtime| recognition_of(&text, runtime))
    }

    fn heard_by(recognition: impl FnOnce(Handle) -> Recognition) -> Self {
        let tasks = Handle::current().metrics().num_alive_tasks();
        let recognition = recognition(Handle::current());
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

    pub(crate) fn begin(&mut self) {
        self.speak(&[0; 1_600]);
        self.turns += 1;
        self.stream().begin(self.turns, self.position - 800);
    }

    /// Speaks faster than life, frame by frame.
    pub(crate) fn speak(&mut self, sound: &[i16]) {
        for frame in sound.chunks(audio::FRAME) {
            self.stream().audio(frame, self.position);
            self.position += frame.len() as u64;
        }
    }

    /// Ends the turn. The words, or why there are none.
    pub(crate) async fn finish(&mut self) -> String {
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
    pub(crate) async fn turn(&mut self, text: &str) -> String {
        self.begin();
        self.speak(&tones::speak(text));
        self.finish().await
    }

    /// Until so many words will not change.
    pub(crate) async fn until_stable(&mut self, words: usize) {
        while !matches!(self.next().await, Told::Partial { stable, .. } if stable >= words) {}
    }

    pub(crate) async fn until_connected(&mut self, server: &StandIn) {
        let connected = async {
            while server.accepted() == 0 {
                tokio::task::yield_now().await;
            }
        };
        timeout(HANG, connected).await.expect("a connection");
    }

    async fn next(&mut self) -> Told {
        timeout(HANG, self.told.recv())
            .await
            .expect("something is told in time")
            .expect("the task lives")
    }

    /// Hangs up: every task of ours and every connection must end.
    pub(crate) async fn end(mut self, servers: &[&StandIn]) {
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
