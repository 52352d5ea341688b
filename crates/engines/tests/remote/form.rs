//! A server of `/audio/transcriptions`, over plain HTTP/1.1.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::dialects::KEY;
use crate::standin::{Ear, Fault, State};
use crate::web::{from_pcm, reset_on_close};

pub(crate) async fn serve(mut stream: TcpStream, state: Arc<State>) {
    tokio::select! {
        () = answer(&mut stream, &state) => {}
        () = state.killed() => reset_on_close(&stream),
    }
}

async fn answer(stream: &mut TcpStream, state: &State) {
    let Some((head, body)) = request(stream).await else { return };
    assert!(head.starts_with("POST /v1/audio/transcriptions HTTP/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("authorization: Bearer {KEY}\r\n")), "{head}");
    let wav = body.windows(4).position(|bytes| bytes == b"RIFF").expect("a WAV file");
    let length = u32::from_le_bytes(body[wav + 40..wav + 44].try_into().unwrap()) as usize;
    let mut ear = Ear::default();
    let mut words = ear.hear(&from_pcm(&body[wav + 44..wav + 44 + length])).settled;
    words.extend(ear.finish().settled);
    let text: Vec<_> = words.iter().map(|word| word.text).collect();
    let ok = |body: &str| {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let whole = ok(&serde_json::json!({ "text": text.join(" ") }).to_string());
    let refused = |status: &str| format!("HTTP/1.1 {status}\r\nContent-Length: 7\r\n\r\nhunter2");
    let answer = match state.fault {
        Fault::None | Fault::Doubled => whole,
        Fault::Refuse => refused("401 Unauthorized"),
        Fault::TooMany => refused("429 Too Many Requests\r\nRetry-After: 7"),
        Fault::Unavailable | Fault::Error(_) => refused("503 Service Unavailable"),
        Fault::Close(_) => whole[..whole.len() / 2].to_owned(),
        Fault::Reset(_) => {
            reset_on_close(stream);
            return;
        }
        Fault::Mute | Fault::HalfOpen(_) => {
            state.freeze(stream).await;
            return;
        }
        Fault::Empty => ok(r#"{"text":""}"#),
        Fault::Malformed => ok("<html>"),
        Fault::Huge => ok(&format!(r#"{{"text":"{}"}}"#, "x".repeat(2 << 20))),
        Fault::Late => {
            state.released().await;
            whole
        }
    };
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
    // Whoever closes with unread bytes resets the connection.
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

async fn request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let Some(end) = bytes.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(bytes[..end + 4].to_vec()).ok()?;
        let length = head
            .to_lowercase()
            .split("content-length: ")
            .nth(1)?
            .lines()
            .next()?
            .parse::<usize>()
            .ok()?;
        if bytes.len() >= end + 4 + length {
            return Some((head, bytes[end + 4..].to_vec()));
        }
    }
}
