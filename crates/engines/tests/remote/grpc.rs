//! Google's `StreamingRecognize`, over HTTP/2 in clear text.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::header::HeaderMap;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::dialects::KEY;
use crate::standin::{Ear, Fault, News, State};
use crate::tones::Spoken;
use crate::web::{from_mulaw, reset_on_close};

#[derive(Clone, PartialEq, prost::Message)]
struct Asked {
    #[prost(message, optional, tag = "1")]
    config: Option<Config>,
    #[prost(bytes = "vec", tag = "2")]
    audio: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Config {
    #[prost(message, optional, tag = "1")]
    config: Option<Recognition>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Recognition {
    #[prost(int32, tag = "1")]
    encoding: i32,
    #[prost(int32, tag = "2")]
    rate: i32,
    #[prost(string, tag = "3")]
    language: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Answer {
    #[prost(message, repeated, tag = "2")]
    results: Vec<Outcome>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Outcome {
    #[prost(message, repeated, tag = "1")]
    alternatives: Vec<Alternative>,
    #[prost(bool, tag = "2")]
    is_final: bool,
    #[prost(message, optional, tag = "4")]
    end: Option<Time>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Alternative {
    #[prost(string, tag = "1")]
    transcript: String,
    #[prost(float, tag = "2")]
    confidence: f32,
    #[prost(message, repeated, tag = "3")]
    words: Vec<Word>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Word {
    #[prost(message, optional, tag = "1")]
    start: Option<Time>,
    #[prost(message, optional, tag = "2")]
    end: Option<Time>,
    #[prost(string, tag = "3")]
    word: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Time {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

impl Time {
    fn of(sample: usize) -> Option<Self> {
        Some(Self { seconds: (sample / 8_000) as i64, nanos: (sample % 8_000 * 125_000) as i32 })
    }
}

fn outcome(words: &[Spoken], through: usize, is_final: bool) -> Outcome {
    let transcript = words.iter().map(|word| word.text).collect::<Vec<_>>().join(" ");
    let word = |word: &Spoken| Word {
        start: Time::of(word.start),
        end: Time::of(word.end),
        word: word.text.to_owned(),
    };
    let words = if is_final { words.iter().map(word).collect() } else { Vec::new() };
    Outcome {
        alternatives: vec![Alternative { transcript, confidence: 0.9, words }],
        is_final,
        end: Time::of(through),
    }
}

fn framed(message: &impl Message) -> Bytes {
    let body = message.encode_to_vec();
    [&[0], &(body.len() as u32).to_be_bytes()[..], &body].concat().into()
}

type Out = mpsc::Sender<Frame<Bytes>>;

pub(crate) async fn serve(stream: TcpStream, state: Arc<State>) {
    // The connection keeps its socket to itself; a second handle to it can still break it.
    let std = stream.into_std().unwrap();
    let handle = TcpStream::from_std(std.try_clone().unwrap()).unwrap();
    let io = TokioIo::new(TcpStream::from_std(std).unwrap());
    let (broken, mut breaks) = mpsc::channel::<Break>(1);
    let shared = Arc::clone(&state);
    let service = service_fn(move |request| answer(request, Arc::clone(&shared), broken.clone()));
    let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .serve_connection(io, service);
    tokio::pin!(connection);
    let how = tokio::select! {
        _ = &mut connection => return,
        Some(how) = breaks.recv() => how,
        () = state.killed() => Break::Reset,
    };
    match how {
        // While nobody polls the connection nothing is read or written.
        Break::Freeze => state.freeze(&handle).await,
        Break::Reset => reset_on_close(&handle),
    }
}

enum Break {
    Freeze,
    Reset,
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<State>,
    breaks: mpsc::Sender<Break>,
) -> Result<Response<Outgoing>, Infallible> {
    assert_eq!(request.uri().path(), "/google.cloud.speech.v1.Speech/StreamingRecognize");
    assert_eq!(request.headers()["x-goog-api-key"], KEY);
    assert_eq!(request.headers()["content-type"], "application/grpc");
    let (out, body) = mpsc::channel(1_024);
    let response =
        |status: u16| Response::builder().status(status).header("content-type", "application/grpc");
    match state.fault {
        Fault::Refuse => status(&out, 16, "no: hunter2").await,
        Fault::TooMany => {
            let refused = response(429).header("retry-after", "7").body(Outgoing(body)).unwrap();
            return Ok(refused);
        }
        Fault::Unavailable => return Ok(response(503).body(Outgoing(body)).unwrap()),
        _ => {
            tokio::spawn(hear(request.into_body(), out, state, breaks));
        }
    }
    Ok(response(200).body(Outgoing(body)).unwrap())
}

async fn hear(mut body: Incoming, out: Out, state: Arc<State>, breaks: mpsc::Sender<Break>) {
    let (mut ear, mut bytes, mut configured) = (Ear::default(), Vec::new(), false);
    while let Some(Ok(frame)) = body.frame().await {
        bytes.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
        while bytes.len() >= 5 {
            let length = u32::from_be_bytes(bytes[1..5].try_into().unwrap()) as usize;
            if bytes.len() < 5 + length {
                break;
            }
            let asked = Asked::decode(&bytes[5..5 + length]).unwrap();
            bytes.drain(..5 + length);
            if let Some(config) = asked.config {
                let config = config.config.unwrap();
                assert_eq!((config.encoding, config.rate, &*config.language), (3, 8_000, "en-US"));
                configured = true;
                continue;
            }
            assert!(configured && asked.audio.len() < 25_000);
            let news = ear.hear(&from_mulaw(&asked.audio));
            match state.fault {
                Fault::Mute => continue,
                Fault::Empty => say(&out, &News::default(), false).await,
                Fault::Malformed => {
                    send(&out, Bytes::from_static(&[0, 0, 0, 0, 3, 255, 255, 255])).await
                }
                Fault::Huge => send(&out, Bytes::from(vec![0, 0, 32, 0, 0, 0])).await,
                _ => say(&out, &news, state.fault == Fault::Doubled).await,
            }
            match state.fault {
                Fault::Close(words) if ear.count() >= words => {
                    return status(
                        &out,
                        11,
                        "Exceeded maximum allowed stream duration of 305 seconds.",
                    )
                    .await;
                }
                Fault::Error(words) if ear.count() >= words => {
                    return status(&out, 13, "not with hunter2").await;
                }
                Fault::Reset(words) if ear.count() >= words => {
                    let _ = breaks.send(Break::Reset).await;
                }
                Fault::HalfOpen(words) if ear.count() >= words => {
                    let _ = breaks.send(Break::Freeze).await;
                }
                _ => {}
            }
        }
    }
    let news = ear.finish();
    match state.fault {
        Fault::Mute => return state.released().await,
        Fault::Late => state.released().await,
        _ => {}
    }
    if state.fault != Fault::Empty {
        say(&out, &news, state.fault == Fault::Doubled).await;
    }
    status(&out, 0, "").await;
}

async fn say(out: &Out, news: &News, doubled: bool) {
    let mut results = Vec::new();
    if !news.settled.is_empty() {
        results.push(outcome(&news.settled, news.through, true));
    }
    // In pieces, as Google has them.
    results.extend(
        news.interim.iter().map(|word| outcome(std::slice::from_ref(word), word.end, false)),
    );
    if doubled && !news.settled.is_empty() {
        send(out, framed(&Answer { results: vec![outcome(&news.settled, news.through, true)] }))
            .await;
    }
    send(out, framed(&Answer { results })).await;
}

async fn send(out: &Out, bytes: Bytes) {
    let _ = out.send(Frame::data(bytes)).await;
}

async fn status(out: &Out, code: i32, message: &str) {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", code.into());
    trailers.insert("grpc-message", message.parse().unwrap());
    let _ = out.send(Frame::trailers(trailers)).await;
}

struct Outgoing(mpsc::Receiver<Frame<Bytes>>);

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|frame| frame.map(Ok))
    }
}
