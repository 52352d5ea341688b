//! The task of an AudioSocket leg.

use super::{
    voice::Voice,
    wire::{Message, Rate},
};
use crate::{
    leg::{Command, LegEvent, LegStats, Teller},
    tap::FrameTap,
    tcp::{Converter, Ear, Gauge, Outlet, is_hang_up},
    watch::Watch,
};
use std::{io, time::Duration};
use tokio::{
    io::Interest,
    net::TcpStream,
    sync::mpsc,
    time::{Instant, sleep_until},
};

/// A peer that has not read for so long will not read again.
const WRITE_LIMIT: Duration = Duration::from_secs(5);

/// Reads of 4 KB before anything else has its turn again.
const AT_ONCE: usize = 16;

pub(super) struct Task {
    pub(super) stream: TcpStream,
    pub(super) epoch: Instant,
    pub(super) outlet: Outlet,
    pub(super) teller: Teller,
    pub(super) hearing: Hearing,
    pub(super) voice: Voice,
    pub(super) sending: Sending,
    pub(super) stats: LegStats,
    pub(super) tap: FrameTap,
}

/// What is made of the bytes that come.
pub(super) struct Hearing {
    rate: Rate,
    /// The beginning of a message whose rest has not come yet.
    bytes: Vec<u8>,
    samples: Vec<i16>,
    converter: Converter,
    ear: Ear,
    gauge: Gauge,
    watch: Watch,
}

/// What could not be written yet.
#[derive(Default)]
pub(super) struct Sending {
    /// The rest of a frame whose beginning is on its way.
    rest: Vec<u8>,
    /// Since when nothing could be written.
    stuck: Option<Instant>,
}

/// Why a leg has ended.
#[derive(Debug)]
enum End {
    /// Nobody has its handle any more.
    Dropped,
    /// Asterisk has hung up.
    HungUp,
    Failed(String),
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> End {
        if is_hang_up(&error) { End::HungUp } else { End::Failed(error.to_string()) }
    }
}

impl Hearing {
    pub(super) fn new(rate: Rate, now: Instant, silent_after: Duration) -> Hearing {
        Hearing {
            rate,
            bytes: Vec::new(),
            samples: Vec::new(),
            converter: Converter::to_8000_from(rate.hz()),
            ear: Ear::new(),
            gauge: Gauge::new(now),
            watch: Watch::new(now, silent_after),
        }
    }
}

impl Task {
    /// Runs until the leg's handle is dropped, or the socket ends.
    pub(super) async fn run(mut self, mut commands: mpsc::UnboundedReceiver<Command>) {
        let end = self.serve(&mut commands).await;
        match &end {
            End::Failed(cause) => self.tell(LegEvent::Failed(format!("the AudioSocket: {cause}"))),
            End::Dropped => self.say_goodbye(),
            End::HungUp => {}
        }
        // The leg is over for its owner when the last of these goes.
        let stats = self.stats();
        let Task { stream, outlet, teller: _teller, .. } = self;
        drop(stream);
        outlet.close().await;
        tracing::debug!(?end, ?stats, "AudioSocket closed");
    }

    async fn serve(&mut self, commands: &mut mpsc::UnboundedReceiver<Command>) -> End {
        loop {
            let wake = self.voice.next();
            tokio::select! {
                // The clock comes before the network: no flood may hold up what the caller hears.
                biased;
                command = commands.recv() => match command {
                    Some(Command::Speak(speech)) => self.voice.command(speech),
                    Some(Command::Tap(tap)) => self.tap.add(*tap),
                    None => return End::Dropped,
                },
                () = sleep_until(wake) => {
                    if let Err(error) = self.tick() {
                        return error.into();
                    }
                }
                ready = self.stream.ready(self.sending.interest()) => {
                    let end = match ready.and_then(|_| self.sending.go_on(&self.stream)) {
                        Ok(()) => self.read(),
                        Err(error) => Some(error.into()),
                    };
                    if let Some(end) = end {
                        return end;
                    }
                }
            }
            self.teller.stats.send_replace(self.stats());
        }
    }

    fn stats(&self) -> LegStats {
        LegStats { unrecorded: self.tap.lost(), ..self.stats }
    }

    /// Reads what is there.
    fn read(&mut self) -> Option<End> {
        let mut chunk = [0; 4096];
        let mut end = None;
        for _ in 0..AT_ONCE {
            end = match self.stream.try_read(&mut chunk) {
                Ok(0) => Some(End::HungUp),
                Ok(count) => {
                    self.hearing.bytes.extend_from_slice(&chunk[..count]);
                    // Messages are taken as they come, so no more is kept than one that is not whole.
                    self.hear()
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => Some(error.into()),
            };
            if end.is_some() {
                break;
            }
        }
        self.settle();
        end
    }

    /// Takes the messages that are whole.
    fn hear(&mut self) -> Option<End> {
        let mut bytes = std::mem::take(&mut self.hearing.bytes);
        let (mut taken, mut end) = (0, None);
        while end.is_none()
            && let Some((message, len)) = Message::split(&bytes[taken..])
        {
            taken += len;
            match message {
                Ok(message) => end = self.message(message),
                Err(error) => {
                    tracing::debug!(%error, "unreadable AudioSocket message");
                    self.stats.malformed += 1;
                }
            }
        }
        bytes.drain(..taken);
        self.hearing.bytes = bytes;
        end
    }

    fn message(&mut self, message: Message<'_>) -> Option<End> {
        match message {
            Message::Sound(rate, bytes) if rate == self.hearing.rate => {
                let (pairs, _) = bytes.as_chunks();
                self.hearing.samples.extend(pairs.iter().map(|pair| i16::from_le_bytes(*pair)));
                self.stats.heard.received += 1;
            }
            Message::Sound(..) => self.stats.wrong_payload_type += 1,
            Message::Digit(key) => {
                let at = Instant::now();
                self.tell(LegEvent::Digit { key, at });
                self.tap.pressed(at, key);
            }
            Message::HangUp => return Some(End::HungUp),
            Message::Error(code) => return Some(End::Failed(format!("error {code:?} over there"))),
            Message::Uuid(_) | Message::Unknown(_) => self.stats.malformed += 1,
        }
        None
    }

    /// Gives out the frames of all that has come at once.
    fn settle(&mut self) {
        if self.hearing.samples.is_empty() {
            return;
        }
        let now = Instant::now();
        let first = self.hearing.watch.heard(now);
        first.into_iter().for_each(|event| self.tell(event));
        let Hearing { samples, converter, ear, gauge, .. } = &mut self.hearing;
        let arrived = now.saturating_duration_since(self.epoch);
        let (untaken, tap) = (&mut self.stats.untaken, &mut self.tap);
        ear.hear(arrived, converter.convert(samples), |frame| {
            gauge.heard(frame);
            tap.heard(now, frame);
            *untaken += u64::from(!self.outlet.give(frame));
        });
        samples.clear();
        gauge.look(now, &mut self.stats);
    }

    /// Whatever the time has come for.
    fn tick(&mut self) -> io::Result<()> {
        let now = Instant::now();
        let silence = self.hearing.watch.look(now);
        silence.into_iter().for_each(|event| self.tell(event));
        let (frames, skipped) = self.voice.due(now);
        self.stats.skipped += u64::from(skipped);
        self.tap.leave_out(skipped);
        for _ in 0..frames {
            self.send_frame(now)?;
        }
        Ok(())
    }

    /// Writes the next frame, or leaves it out when the one before is not through yet.
    fn send_frame(&mut self, now: Instant) -> io::Result<()> {
        let (frame, told) = self.voice.frame();
        match self.sending.write(&self.stream, frame, now)? {
            Written::OnItsWay => {
                self.stats.sent += 1;
                self.tap.said(now, self.voice.codes());
                let audible = told.became_audible;
                let event = audible.map(|id| LegEvent::FirstAudioOut { id, at: now });
                event.into_iter().for_each(|event| self.tell(event));
            }
            Written::LeftOut => {
                self.stats.skipped += 1;
                self.tap.leave_out(1);
            }
        }
        told.finished.into_iter().for_each(|id| self.tell(LegEvent::Finished { id }));
        Ok(())
    }

    /// Hangs up, if that can be said at once.
    fn say_goodbye(&mut self) {
        if self.sending.rest.is_empty() {
            let mut bytes = Vec::new();
            Message::HangUp.write(&mut bytes);
            let _ = self.stream.try_write(&bytes);
        }
    }

    fn tell(&self, event: LegEvent) {
        // The receiver goes away with the leg's handle.
        let _ = self.teller.events.send(event);
    }
}

/// What became of a frame.
enum Written {
    OnItsWay,
    LeftOut,
}

impl Sending {
    fn interest(&self) -> Interest {
        if self.rest.is_empty() {
            Interest::READABLE
        } else {
            Interest::READABLE | Interest::WRITABLE
        }
    }

    /// Writes a frame as far as it goes at once. Nothing waits in line but the rest of a frame that has begun: what
    /// waits is heard late, and so is all that comes after it.
    fn write(&mut self, stream: &TcpStream, frame: &[u8], now: Instant) -> io::Result<Written> {
        self.go_on(stream)?;
        let count = if self.rest.is_empty() { write_some(stream, frame)? } else { 0 };
        if count > 0 {
            self.rest.extend_from_slice(&frame[count..]);
            self.stuck = None;
            return Ok(Written::OnItsWay);
        }
        let since = *self.stuck.get_or_insert(now);
        if now.saturating_duration_since(since) >= WRITE_LIMIT {
            let cause = format!("Asterisk has not read for {WRITE_LIMIT:?}");
            return Err(io::Error::new(io::ErrorKind::TimedOut, cause));
        }
        Ok(Written::LeftOut)
    }

    /// Writes more of a frame that has begun: Asterisk waits no longer than 5 ms for the rest.
    fn go_on(&mut self, stream: &TcpStream) -> io::Result<()> {
        if !self.rest.is_empty() {
            let count = write_some(stream, &self.rest)?;
            self.rest.drain(..count);
        }
        Ok(())
    }
}

/// Writes as much as can be at once; says how much.
fn write_some(stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    match stream.try_write(bytes) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        written => written,
    }
}
