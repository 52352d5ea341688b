//! A media WebSocket without the socket: messages and commands in; frames, events and messages out.

use super::{
    control::{Command as Control, ControlFormat, Event, MarkId, MediaStart},
    feed::{Feed, Item},
    format::Format,
};
use crate::{
    leg::{Command, LegEvent, LegStats, Speech},
    tap::FrameTap,
    tcp::{Ear, Gauge},
    watch::Watch,
};
use audio::{FRAME, FRAME_TIME, jitter::Frame};
use std::time::Duration;
use tokio::time::Instant;

/// The state of one media WebSocket.
#[derive(Debug)]
pub(super) struct Session {
    format: Format,
    epoch: Instant,
    /// How Asterisk writes, once it has.
    control: Option<ControlFormat>,
    ear: Ear,
    watch: Watch,
    feed: Feed,
    samples: Vec<i16>,
    items: Vec<Item>,
    events: Vec<LegEvent>,
    gauge: Gauge,
    stats: LegStats,
    tap: FrameTap,
}

/// A message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outgoing {
    Text(String),
    Binary(Vec<u8>),
}

/// Why a session cannot go on; said as it is to whoever owns the leg.
pub(super) type Failure = String;

impl Session {
    pub(super) fn new(
        format: Format,
        epoch: Instant,
        now: Instant,
        silent_after: Duration,
    ) -> Session {
        Session {
            format,
            epoch,
            control: None,
            ear: Ear::new(),
            watch: Watch::new(now, silent_after),
            feed: Feed::new(),
            samples: Vec::new(),
            items: Vec::new(),
            events: Vec::new(),
            gauge: Gauge::new(now),
            stats: LegStats::default(),
            tap: FrameTap::new(),
        }
    }

    /// Takes what the leg's owner commands.
    pub(super) fn command(&mut self, now: Instant, command: Command) {
        match command {
            Command::Speak(Speech::Play(playout)) => self.feed.play(now, playout, &mut self.items),
            Command::Speak(Speech::Hold) => self.feed.hold(now, &mut self.items),
            Command::Speak(Speech::Resume) => self.feed.resume(&mut self.items),
            Command::Speak(Speech::Stop(id)) => self.feed.stop(now, id, &mut self.items),
            Command::Speak(Speech::StopAll) => self.feed.stop_all(now, &mut self.items),
            Command::Tap(tap) => self.tap.add(*tap),
        }
    }

    /// Takes control text.
    pub(super) fn text(&mut self, now: Instant, text: &str) -> Result<(), Failure> {
        match Event::parse(text) {
            Ok(Event::MediaStart(start)) => self.start(&start, ControlFormat::of(text))?,
            Ok(Event::DtmfEnd(key)) => {
                self.events.push(LegEvent::Digit { key, at: now });
                self.tap.pressed(now, key);
            }
            Ok(Event::MediaXoff) => self.feed.close(),
            Ok(Event::MediaXon) => self.feed.open(&mut self.items),
            Ok(Event::MarkProcessed(Some(mark)) | Event::BufferingCompleted(Some(mark))) => {
                self.feed.passed(now, mark, &mut self.events, &mut self.items);
            }
            Ok(Event::Error(error)) => tracing::warn!(error, "Asterisk refused a media command"),
            Ok(
                Event::Status(_)
                | Event::QueueDrained
                | Event::MarkProcessed(None)
                | Event::BufferingCompleted(None)
                | Event::Unknown(_),
            ) => {}
            Err(error) => {
                tracing::debug!(%error, "unreadable control text");
                self.stats.malformed += 1;
            }
        }
        Ok(())
    }

    /// Takes sound: all binary messages that have come since the last time belong together.
    pub(super) fn sound(&mut self, bytes: &[u8]) {
        self.stats.heard.received += 1;
        self.format.decode(bytes, &mut self.samples);
    }

    /// Nothing more has come for now: gives out the frames of what did, to `give` which says whether it took one.
    pub(super) fn settle(&mut self, now: Instant, mut give: impl FnMut(&Frame) -> bool) {
        if self.samples.is_empty() {
            return;
        }
        self.events.extend(self.watch.heard(now));
        let arrived = now.saturating_duration_since(self.epoch);
        let (untaken, gauge, tap) = (&mut self.stats.untaken, &mut self.gauge, &mut self.tap);
        self.ear.hear(arrived, &self.samples, |frame| {
            gauge.heard(frame);
            tap.heard(now, frame);
            *untaken += u64::from(!give(frame));
        });
        self.samples.clear();
        self.gauge.look(now, &mut self.stats);
    }

    /// Tells a silence that has lasted.
    pub(super) fn tick(&mut self, now: Instant) {
        self.events.extend(self.watch.look(now));
    }

    /// When to [`tick`](Session::tick).
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.watch.deadline()
    }

    /// What has happened.
    pub(super) fn events(&mut self) -> impl Iterator<Item = LegEvent> {
        self.events.drain(..)
    }

    /// What is to be sent.
    pub(super) fn outgoing(&mut self, now: Instant) -> Vec<Outgoing> {
        let Some(control) = self.control else { return Vec::new() };
        copy(&self.items, now, self.feed.queued(), &mut self.tap);
        let (format, items) = (self.format, self.items.drain(..));
        items.map(|item| to_send(format, control, item)).collect()
    }

    pub(super) fn stats(&self) -> LegStats {
        let unrecorded = self.tap.lost();
        LegStats { sent: self.feed.sent(), unrecorded, ..self.stats }
    }

    fn start(&mut self, start: &MediaStart, control: ControlFormat) -> Result<(), Failure> {
        let (name, bytes) = (self.format.name(), self.format.frame_bytes());
        if (start.format.as_str(), start.optimal_frame_size, start.ptime) != (name, bytes, 20) {
            return Err(format!(
                "Asterisk's media WebSocket carries {} in frames of {} bytes and {} ms, not {name} in {bytes} bytes \
                 and 20 ms: ask for format={name} without passthrough",
                start.format, start.optimal_frame_size, start.ptime
            ));
        }
        self.control = Some(control);
        self.feed.open(&mut self.items);
        Ok(())
    }
}

/// Copies what is sent, at the times when it will be played: of the `queued` frames it is the last.
fn copy(items: &[Item], now: Instant, queued: usize, tap: &mut FrameTap) {
    let frames = || {
        items.iter().flat_map(|item| match item {
            Item::Sound(codes) => codes.chunks(FRAME),
            Item::Mark(_) | Item::Flush => [].chunks(FRAME),
        })
    };
    let ahead = queued.saturating_sub(frames().count());
    for (place, codes) in (ahead as u32..).zip(frames()) {
        tap.said(now + FRAME_TIME * place, codes);
    }
}

fn to_send(format: Format, control: ControlFormat, item: Item) -> Outgoing {
    match item {
        Item::Sound(codes) => {
            let mut bytes = Vec::with_capacity(codes.len() / audio::FRAME * format.frame_bytes());
            format.encode(&codes, &mut bytes);
            Outgoing::Binary(bytes)
        }
        Item::Mark(mark) => Outgoing::Text(mark_command(control, mark).to_text(control)),
        Item::Flush => Outgoing::Text(Control::FlushMedia.to_text(control)),
    }
}

/// MARK_MEDIA came together with JSON. The end of a buffering is told in the same way, also of one that was never begun,
/// and by all releases.
fn mark_command(control: ControlFormat, mark: MarkId) -> Control {
    match control {
        ControlFormat::Json => Control::MarkMedia(mark),
        ControlFormat::PlainText => Control::StopMediaBuffering(mark),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playout::Playout;

    const START: &str = "MEDIA_START connection_id:c channel:C channel_id:m format:ulaw optimal_frame_size:160 ptime:20";
    const START_JSON: &str = r#"{"event":"MEDIA_START","connection_id":"c","channel_id":"m","format":"ulaw","optimal_frame_size":160,"ptime":20}"#;

    fn session(now: Instant) -> Session {
        Session::new(Format::Ulaw, now, now, Duration::from_secs(2))
    }

    fn play(id: u64) -> Command {
        Command::Speak(Speech::Play(Playout::once(id, [9000; 160])))
    }

    fn texts(session: &mut Session) -> Vec<String> {
        let text = |message| match message {
            Outgoing::Text(text) => Some(text),
            Outgoing::Binary(_) => None,
        };
        session.outgoing(Instant::now()).into_iter().filter_map(text).collect()
    }

    #[test]
    fn it_speaks_as_it_is_spoken_to() {
        let now = Instant::now();
        let mut plain = session(now);
        plain.command(now, play(1));
        assert_eq!(plain.outgoing(now), [], "nothing before the start");
        plain.text(now, START).unwrap();
        let sent = texts(&mut plain);
        assert_eq!(sent[..2], ["STOP_MEDIA_BUFFERING 0", "STOP_MEDIA_BUFFERING 1"]);
        plain.text(now, "MEDIA_BUFFERING_COMPLETED 0").unwrap();
        let told: Vec<LegEvent> = plain.events().collect();
        assert_eq!(told, [LegEvent::FirstAudioOut { id: 1, at: now }]);

        let mut json = session(now);
        json.text(now, START_JSON).unwrap();
        json.command(now, play(1));
        let sent = texts(&mut json);
        assert_eq!(sent[0], r#"{"command":"MARK_MEDIA","correlation_id":"0"}"#);
        assert!(sent.contains(&r#"{"command":"FLUSH_MEDIA"}"#.to_owned()), "{sent:?}");
        assert_eq!(json.stats().sent, 40);
    }

    #[test]
    fn sound_before_the_start_is_heard_and_a_key_is_told() {
        let now = Instant::now();
        let mut session = session(now);
        session.sound(&[0xFF; 100]);
        session.sound(&[0xFF; 220]);
        let mut frames = 0;
        for _ in 0..2 {
            session.settle(now, |_| {
                frames += 1;
                frames == 1
            });
        }
        assert_eq!((frames, session.stats().untaken), (2, 1));
        session.text(now, "DTMF_END digit:5 channel_id:m").unwrap();
        session.text(now, "what?").unwrap();
        let told: Vec<LegEvent> = session.events().collect();
        assert_eq!(
            told,
            [LegEvent::FirstPacket { at: now }, LegEvent::Digit { key: '5', at: now }]
        );
        assert_eq!(session.stats().malformed, 1);
    }

    #[test]
    fn another_format_than_was_asked_for_ends_it_and_says_why() {
        let now = Instant::now();
        for other in ["format:opus optimal_frame_size:0", "format:ulaw optimal_frame_size:80"] {
            let text = START.replace("format:ulaw optimal_frame_size:160", other);
            let failure = session(now).text(now, &text).unwrap_err();
            assert!(failure.contains("format=ulaw"), "{failure}");
        }
    }
}
