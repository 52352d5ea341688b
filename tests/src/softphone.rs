//! The sound of calls whose signalling SIPp does: RTP on a UDP socket of ours, sent on the beat of
//! 20 ms and recorded with the time at which each packet came or went.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use audio::tone::Sine;
use audio::{FRAME, FRAME_TIME, g711, rtp, telephone_event};

/// A UDP socket on loopback that carries the sound of one or more calls. Calls are told apart by
/// the port from which Asterisk sends, the one that its SDP names.
pub(crate) struct MediaPort {
    shared: Arc<Shared>,
    receiver: Option<JoinHandle<()>>,
}

/// What a call sends when it has nothing to say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Background {
    /// Digital silence: packets all the same, as from a telephone.
    Silence,
    /// A sine of this many Hz at -12 dBFS.
    Tone(f64),
}

/// One side of a call: a thread that sends on the beat, and the record of both directions.
pub(crate) struct Leg {
    state: Arc<Mutex<Sound>>,
    on: Arc<AtomicBool>,
    sender: Option<JoinHandle<()>>,
}

/// What went out and what came in on a leg.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    /// What was heard, mono at 8 kHz, in the order of arrival.
    pub heard: Vec<i16>,
    /// When each packet of `heard` arrived, 160 samples each.
    pub heard_at: Vec<Instant>,
    /// When each frame of what was *said* (not of the background) went out, 160 samples each.
    pub said_at: Vec<Instant>,
}

impl Recording {
    /// When sample `n` of what was said went out. `None` if it never did.
    pub fn said_sample_at(&self, n: usize) -> Option<Instant> {
        let frame = *self.said_at.get(n / FRAME)?;
        Some(frame + audio::duration_of((n % FRAME) as u64))
    }

    /// What was heard in the packets that arrived from `from` on.
    pub fn heard_since(&self, from: Instant) -> &[i16] {
        let first = self.heard_at.partition_point(|&at| at < from);
        &self.heard[first * FRAME..]
    }
}

impl MediaPort {
    pub(crate) fn open() -> io::Result<MediaPort> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_read_timeout(Some(LOOK_UP))?;
        let shared = Arc::new(Shared { socket, legs: Mutex::default(), on: AtomicBool::new(true) });
        let theirs = Arc::clone(&shared);
        let receiver = std::thread::spawn(move || theirs.receive());
        Ok(MediaPort { shared, receiver: Some(receiver) })
    }

    pub(crate) fn port(&self) -> io::Result<u16> {
        Ok(self.shared.socket.local_addr()?.port())
    }

    /// Begins to send to Asterisk's `port`, and to record what comes from there.
    pub(crate) fn call(&self, port: u16, background: Background) -> Leg {
        let state = Arc::new(Mutex::new(Sound::default()));
        locked(&self.shared.legs).insert(port, Arc::clone(&state));
        let on = Arc::new(AtomicBool::new(true));
        let beat = Beat {
            shared: Arc::clone(&self.shared),
            to: port,
            state: Arc::clone(&state),
            on: Arc::clone(&on),
            header: rtp::Header {
                payload_type: rtp::PCMU,
                // Any will do; calls that share a socket differ in it.
                ssrc: 0x5000_0000 | u32::from(port),
                ..rtp::Header::default()
            },
            tone: match background {
                Background::Silence => None,
                Background::Tone(hz) => Some(Sine::new(hz, -12.0)),
            },
        };
        let sender = std::thread::spawn(move || beat.run());
        Leg { state, on, sender: Some(sender) }
    }
}

impl Drop for MediaPort {
    fn drop(&mut self) {
        self.shared.on.store(false, Ordering::Relaxed);
        let _ = self.receiver.take().map(JoinHandle::join);
    }
}

impl Leg {
    /// Says `samples` after what is still to be said.
    pub(crate) fn say(&self, samples: &[i16]) {
        locked(&self.state).to_say.extend(samples);
    }

    /// Presses a key for 100 ms (RFC 4733).
    pub(crate) fn press(&self, key: char) {
        locked(&self.state).to_press.push_back(key);
    }

    /// The record so far.
    pub(crate) fn recording(&self) -> Recording {
        locked(&self.state).recording.clone()
    }
}

impl Drop for Leg {
    fn drop(&mut self) {
        self.on.store(false, Ordering::Relaxed);
        let _ = self.sender.take().map(JoinHandle::join);
    }
}

/// How long a closed port may take to notice.
const LOOK_UP: Duration = Duration::from_millis(50);
/// Packets that report a pressed key; the last is sent three times (RFC 4733 section 2.5.1.4).
const KEY_PACKETS: u32 = 5;
const KEY_REPEATS: u32 = 2;

struct Shared {
    socket: UdpSocket,
    legs: Mutex<HashMap<u16, Arc<Mutex<Sound>>>>,
    on: AtomicBool,
}

#[derive(Default)]
struct Sound {
    to_say: VecDeque<i16>,
    to_press: VecDeque<char>,
    recording: Recording,
}

impl Shared {
    fn receive(&self) {
        let mut datagram = [0; 2048];
        while self.on.load(Ordering::Relaxed) {
            let Ok((len, from)) = self.socket.recv_from(&mut datagram) else { continue };
            let at = Instant::now();
            // RTCP comes from another port, and so does whatever a former call still sends.
            let Some(leg) = locked(&self.legs).get(&from.port()).cloned() else { continue };
            let Ok(packet) = rtp::Packet::parse(&datagram[..len]) else { continue };
            if packet.payload_type == rtp::PCMU && packet.payload.len() == FRAME {
                let mut samples = [0; FRAME];
                g711::decode_ulaw(packet.payload, &mut samples);
                let mut sound = locked(&leg);
                sound.recording.heard.extend(samples);
                sound.recording.heard_at.push(at);
            }
        }
    }
}

/// The sending side of a leg.
struct Beat {
    shared: Arc<Shared>,
    to: u16,
    state: Arc<Mutex<Sound>>,
    on: Arc<AtomicBool>,
    header: rtp::Header,
    tone: Option<Sine>,
}

impl Beat {
    fn run(mut self) {
        let mut due = Instant::now();
        while self.on.load(Ordering::Relaxed) {
            let key = locked(&self.state).to_press.pop_front();
            let frames = match key.and_then(telephone_event::code_of) {
                Some(code) => self.send_key(code, &mut due),
                None => {
                    self.send_frame();
                    1
                }
            };
            self.header.timestamp = self.header.timestamp.wrapping_add(frames * FRAME as u32);
            due += FRAME_TIME;
            wait_until(due);
        }
        // Asterisk may have used the port again, for a later call of the same phone.
        let mut legs = locked(&self.shared.legs);
        if legs.get(&self.to).is_some_and(|leg| Arc::ptr_eq(leg, &self.state)) {
            legs.remove(&self.to);
        }
    }

    fn send_frame(&mut self) {
        let mut samples = [0; FRAME];
        let mut sound = locked(&self.state);
        let speaking = !sound.to_say.is_empty();
        if speaking {
            let many = sound.to_say.len().min(FRAME);
            for (to, from) in samples.iter_mut().zip(sound.to_say.drain(..many)) {
                *to = from;
            }
        }
        drop(sound);
        if let (false, Some(tone)) = (speaking, &mut self.tone) {
            tone.fill(&mut samples);
        }
        let mut payload = [0; FRAME];
        g711::encode_ulaw(&samples, &mut payload);
        self.send(&payload);
        if speaking {
            locked(&self.state).recording.said_at.push(Instant::now());
        }
    }

    /// Sends a whole key press, on the beat, and returns how many frames long it was.
    fn send_key(&mut self, code: u8, due: &mut Instant) -> u32 {
        let voice = self.header;
        self.header.payload_type = rtp::TELEPHONE_EVENT;
        for n in 1..=KEY_PACKETS + KEY_REPEATS {
            self.header.marker = n == 1;
            let event = telephone_event::Event {
                code,
                end: n >= KEY_PACKETS,
                volume: 10,
                duration: (n.min(KEY_PACKETS) * FRAME as u32) as u16,
            };
            self.send(&event.to_bytes());
            if n < KEY_PACKETS {
                *due += FRAME_TIME;
                wait_until(*due);
            }
        }
        self.header = rtp::Header { sequence: self.header.sequence, ..voice };
        KEY_PACKETS
    }

    fn send(&mut self, payload: &[u8]) {
        let mut datagram = [0; rtp::HEADER_LEN + FRAME];
        let (header, rest) = datagram.split_first_chunk_mut().expect("longer than a header");
        self.header.write(header);
        rest[..payload.len()].copy_from_slice(payload);
        // Asterisk may be gone before we are told; there is nobody to complain to.
        let _ = self
            .shared
            .socket
            .send_to(&datagram[..rtp::HEADER_LEN + payload.len()], (Ipv4Addr::LOCALHOST, self.to));
        self.header.sequence = self.header.sequence.wrapping_add(1);
    }
}

fn wait_until(due: Instant) {
    std::thread::sleep(due.saturating_duration_since(Instant::now()));
}

/// A panic elsewhere fails the test by itself; the sound stays usable.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
