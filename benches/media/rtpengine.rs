//! `rtpengine` of Sipwise, in userspace: each of its calls has two far ends, and what one says goes to the other.
//!
//! It is told by its control protocol "ng", in JSON: <https://rtpengine.readthedocs.io/en/latest/ng_control_protocol.html>.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use media::bench::Far;
use serde_json::{Value, json};

use crate::Result;
use crate::process::Process;

/// A running `rtpengine` without calls.
#[derive(Debug)]
pub(crate) struct Rtpengine {
    process: Process,
    control: Control,
}

/// Whether there is one on this machine.
pub(crate) enum Found {
    Here(Rtpengine),
    /// Why not.
    Not(String),
}

impl Rtpengine {
    /// Starts one by `tests/rig/rtpengine`.
    pub(crate) fn start() -> Result<Found> {
        let port = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rtpengine.log");
        let (first, last) = MEDIA_PORTS;
        let child =
            Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/rig/rtpengine"))
                .args([port, first, last].map(|port| port.to_string()))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(File::create(&log)?)
                .spawn()?;
        let mut process = Process(child);
        let mut control = Control::new(port)?;
        let give_up = Instant::now() + Duration::from_secs(10);
        while control.request(&json!({"command": "ping"})).is_err() {
            let said = || std::fs::read_to_string(&log).unwrap_or_default().trim().to_owned();
            match process.0.try_wait()?.map(|status| status.code()) {
                Some(Some(SKIPPED)) => return Ok(Found::Not(said())),
                Some(_) => return Err(format!("rtpengine does not start: {}", said()).into()),
                None if Instant::now() > give_up => return Err("rtpengine does not answer".into()),
                None => {}
            }
        }
        Ok(Found::Here(Rtpengine { process, control }))
    }

    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    /// Opens calls between far ends, the first and the second and so on; says where each is heard.
    pub(crate) fn open(&mut self, far_ends: usize, far_port: u16) -> Result<Vec<SocketAddr>> {
        let mut addresses = Vec::with_capacity(far_ends);
        for n in (0..far_ends).step_by(2) {
            let mut say = |command: &str, n: usize| {
                let call = json!({
                    "command": command, "call-id": format!("call-{}", n / 2),
                    "from-tag": "first", "to-tag": "second", "sdp": sdp(Far::ip(n), far_port),
                });
                self.control.request(&call).and_then(|reply| heard_at(&reply))
            };
            // What the first offers reaches the second with the address to answer at, and back.
            let second = say("offer", n)?;
            addresses.extend([say("answer", n + 1)?, second]);
        }
        Ok(addresses)
    }
}

/// The control protocol, one request after the other.
#[derive(Debug)]
struct Control {
    socket: UdpSocket,
    requests: u32,
}

impl Control {
    fn new(port: u16) -> Result<Control> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.connect((Ipv4Addr::LOCALHOST, port))?;
        socket.set_read_timeout(Some(Duration::from_millis(200)))?;
        Ok(Control { socket, requests: 0 })
    }

    fn request(&mut self, request: &Value) -> Result<Value> {
        self.requests += 1;
        let cookie = format!("{} ", self.requests);
        let mut buffer = [0; 4096];
        // By the cookie rtpengine knows what it has already done.
        for _ in 0..ATTEMPTS {
            self.socket.send(format!("{cookie}{request}").as_bytes())?;
            let Ok(len) = self.socket.recv(&mut buffer) else { continue };
            let reply = str::from_utf8(&buffer[..len])?;
            let Some(reply) = reply.strip_prefix(&cookie) else { continue };
            let reply: Value = serde_json::from_str(reply)?;
            return match reply["result"].as_str() {
                Some("ok" | "pong") => Ok(reply),
                _ => Err(format!("rtpengine says {reply} to {request}").into()),
            };
        }
        Err("rtpengine does not answer".into())
    }
}

/// A far end that speaks mu-law (RFC 8866, RFC 3551).
fn sdp(ip: Ipv4Addr, port: u16) -> String {
    [
        "v=0",
        &format!("o=- 1 1 IN IP4 {ip}"),
        "s=-",
        &format!("c=IN IP4 {ip}"),
        "t=0 0",
        &format!("m=audio {port} RTP/AVP 0\r\n"),
    ]
    .join("\r\n")
}

fn heard_at(reply: &Value) -> Result<SocketAddr> {
    let sdp = reply["sdp"].as_str().unwrap_or_default();
    let port = sdp
        .lines()
        .find_map(|line| line.strip_prefix("m=audio ")?.split(' ').next()?.parse().ok())
        .ok_or_else(|| format!("rtpengine gives no port: {reply}"))?;
    Ok((Ipv4Addr::LOCALHOST, port).into())
}

/// Below those that the system gives to anybody.
const MEDIA_PORTS: (u16, u16) = (10_000, 29_999);

const ATTEMPTS: usize = 3;

/// A script of the rig that cannot run here.
const SKIPPED: i32 = 77;
