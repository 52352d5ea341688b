//! One call over any road: a SIP caller in a bridge with an external media channel, tones both ways, a key, and sound
//! that is cut off. What depends on clocks is printed, what depends on samples is asserted.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use audio::jitter::Frame;
use audio::pcapng::{self, Direction};
use audio::rtp::{self, Packet};
use audio::tone::{self, Sine};
use audio::{FRAME, SAMPLE_RATE, g711};
use media::{FrameSink, Leg, LegEvent, Playout, Recorder, RecordingPlan};
use reqwest::Method;
use serde_json::{Value, json};
use tests::sipp::{Act, Caller, CallerRun};
use tests::softphone::Background;
use tokio::time::timeout;

use super::probe::about;
use super::{Events, Probe};
use crate::PATIENCE;

/// What the caller sends all the time, and what we send.
const CALLERS_TONE: f64 = 700.0;
const OUR_TONE: f64 = 440.0;

/// A caller who is answered and waits in a bridge.
pub(super) struct Stage {
    pub(super) probe: Probe,
    events: Events,
    caller: CallerRun,
    heard: Arc<Mutex<Vec<Frame>>>,
    epoch: tokio::time::Instant,
    asked: Instant,
}

/// What a leg hears.
pub(super) struct Heard(Arc<Mutex<Vec<Frame>>>);

impl FrameSink for Heard {
    fn frame(&mut self, frame: &Frame) {
        self.0.lock().expect("nobody panics with it").push(frame.clone());
    }
}

impl Stage {
    /// Sets it; `None` where that cannot be.
    pub(super) async fn set(added: &[(&str, &str)]) -> Option<Stage> {
        let probe = Probe::start_with(added)?;
        let mut events = probe.events("app=patchcord").await;
        let caller =
            Caller { background: Background::Tone(CALLERS_TONE), ..Caller::new("200", crate::DID) };
        let caller = caller.start(&probe.asterisk).expect("SIPp starts");
        let entered = events.until(|event| event["type"] == "StasisStart").await;
        let id = entered.last().expect("one")["channel"]["id"].as_str().expect("an id").to_owned();
        probe.ask(Method::POST, &format!("channels/{id}/answer"), Value::Null).await;
        probe.ask(Method::POST, "bridges/room", json!({ "type": "mixing" })).await;
        let join = json!({ "channel": id });
        probe.ask(Method::POST, "bridges/room/addChannel", join).await;
        let epoch = tokio::time::Instant::now();
        let heard = Arc::default();
        Some(Stage { probe, events, caller, heard, epoch, asked: Instant::now() })
    }

    pub(super) fn sink(&self) -> Heard {
        Heard(self.heard.clone())
    }

    pub(super) fn epoch(&self) -> tokio::time::Instant {
        self.epoch
    }

    /// Makes the external media channel `media`; gives the reply.
    pub(super) async fn media(&mut self, mut body: Value) -> Value {
        body["app"] = "patchcord".into();
        body["channelId"] = "media".into();
        self.asked = Instant::now();
        self.probe.ask(Method::POST, "channels/externalMedia", body).await
    }

    /// Has the call, and looks at all of it.
    pub(super) async fn play(mut self, road: &str, mut leg: Leg, over: Over) {
        let opened = self.asked.elapsed();
        let recorder = Recorder::start().expect("a thread can be had");
        let files = Files::new(road);
        let recording = leg.record(&recorder, files.plan());
        self.events.until(|event| about(event, "StasisStart", "media")).await;
        let join = json!({ "channel": "media" });
        self.probe.ask(Method::POST, "bridges/room/addChannel", join).await;
        let first = event(&mut leg, |event| matches!(event, LegEvent::FirstPacket { .. })).await;
        let joined = self.asked.elapsed();
        println!("{road}: leg after {opened:?}, the caller's sound after {joined:?} ({first:?})");

        self.the_caller_is_heard(road).await;
        self.we_are_heard(road, &mut leg).await;
        if over == Over::Tcp {
            self.caller.act(Act::Press('5'));
            event(&mut leg, |event| matches!(event, LegEvent::Digit { key: '5', .. })).await;
        }
        self.sound_is_held(road, &mut leg).await;
        for _ in 0..5 {
            self.sound_is_cut_off(road, &mut leg).await;
        }

        let stats = leg.stats();
        println!("{road}: {stats:?}");
        assert_eq!((stats.malformed, stats.untaken, stats.send_failures), (0, 0, 0));
        assert!(stats.quality.mos > 4.0 && stats.overall().mos > 4.0, "{:?}", stats.overall());
        timeout(PATIENCE, leg.close()).await.expect("it closes");
        let recorded = timeout(PATIENCE, recording.ended()).await.expect("it ends");
        assert_eq!(recorded.expect("it is whole").lost, 0);
        files.hold_both_tones(road, over);
        if over == Over::Tcp {
            self.probe.until_gone("media").await;
        }
        self.caller.act(Act::HangUp);
        self.caller.finish(PATIENCE).expect("it ends");
    }

    /// A word of the caller's comes whole, once, and in time.
    async fn the_caller_is_heard(&self, road: &str) {
        self.until_heard(|frames| of_pitch(frames, CALLERS_TONE).count() > 0).await;
        let pitch = 1_000.0;
        self.caller.act(Act::Say(sine(pitch, 400)));
        let said = 400 * SAMPLE_RATE as usize / 1000 / FRAME;
        // A filter spreads it over the frames at its ends.
        let whole = |frames: &[Frame]| {
            let over = frames.last().is_some_and(|frame| is(&frame.samples, CALLERS_TONE));
            over && of_pitch(frames, pitch).count() + 1 >= said
        };
        let frames = self.until_heard(whole).await;
        let record = self.caller.record().recording;
        let word: Vec<&Frame> = of_pitch(&frames, pitch).collect();
        assert!(word.windows(2).all(|pair| pair[1].position == pair[0].position + FRAME as u64));
        let arrived = word.iter().map(|frame| self.epoch.into_std() + frame.arrived);
        let mut delays: Vec<Duration> = record
            .said_at
            .iter()
            .rev()
            .zip(arrived.rev())
            .map(|(said, arrived)| arrived.saturating_duration_since(*said))
            .collect();
        delays.sort_unstable();
        println!(
            "{road}: the frames of a word came {:?} after they went out, at most {:?}",
            delays[delays.len() / 2],
            delays[delays.len() - 1]
        );
    }

    /// A second of our tone reaches the caller sample for sample, and its marks are told.
    async fn we_are_heard(&self, road: &str, leg: &mut Leg) {
        let before = self.caller.record().recording.heard.len();
        let asked = Instant::now();
        leg.play(Playout::once(1, sine(OUR_TONE, 1000)));
        let audible =
            event(leg, |event| matches!(event, LegEvent::FirstAudioOut { id: 1, .. })).await;
        let LegEvent::FirstAudioOut { at, .. } = audible else { unreachable!("it is that one") };
        event(leg, |event| *event == LegEvent::Finished { id: 1 }).await;
        let finished = asked.elapsed();
        let second = SAMPLE_RATE as usize;
        let done = |heard: &[i16]| loud(heard) + 2 * FRAME >= second;
        let record = self
            .caller
            .wait(PATIENCE, |call| done(&call.recording.heard[before..]))
            .expect("our tone is heard");
        let recording = record.recording;
        let packets = recording.heard[before..].chunks(FRAME);
        let first = packets.clone().position(|packet| loud(packet) > 0).expect("it is heard");
        let heard_at = recording.heard_at[before / FRAME + first];
        println!(
            "{road}: our tone began to be heard {:?} after the command, {:?} after it was told, and was told to end \
             after {finished:?}",
            heard_at - asked,
            heard_at.saturating_duration_since(at.into_std()),
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
        let heard = &self.caller.record().recording.heard[before..];
        let sounding = loud(heard);
        assert!(sounding.abs_diff(second) <= FRAME, "{sounding} samples instead of {second}");
        let start = heard.iter().position(|sample| sample.unsigned_abs() > 1000).expect("loud");
        assert!(is(&heard[start..][..second - FRAME], OUR_TONE), "it is our tone without a gap");
    }

    /// A tone without an end that is stopped.
    async fn sound_is_cut_off(&self, road: &str, leg: &mut Leg) {
        leg.play(Playout::forever(2, sine(OUR_TONE, 1000)));
        event(leg, |event| matches!(event, LegEvent::FirstAudioOut { id: 2, .. })).await;
        let from = Instant::now();
        self.caller
            .wait(PATIENCE, |call| loud(call.recording.heard_since(from)) > 4_000)
            .expect("it is heard");
        let stopped = Instant::now();
        leg.stop(2);
        let (late, _) = self.until_silent(stopped);
        println!("{road}: the sound that was cut off was over {late:?} after the command");
    }

    /// A prompt that is held falls silent, and goes on from the same sample.
    async fn sound_is_held(&self, road: &str, leg: &mut Leg) {
        // A pitch for each 100 ms, so that none is missed or heard twice unnoticed.
        let pitches = || (5..17).map(|step| 100.0 * f64::from(step) + 50.0);
        let prompt: Vec<i16> = pitches().flat_map(|pitch| sine(pitch, 100)).collect();
        let before = self.caller.record().recording.heard.len();
        leg.play(Playout::once(3, prompt.clone()));
        self.caller
            .wait(PATIENCE, |call| loud(&call.recording.heard[before..]) > 3_000)
            .expect("it is heard");
        let held = Instant::now();
        leg.hold();
        let (late, silent) = self.until_silent(held);
        println!("{road}: a prompt was silent {late:?} after it was held");
        leg.resume();
        event(leg, |event| *event == LegEvent::Finished { id: 3 }).await;
        let done = |call: &tests::sipp::CallRecord| {
            let rest = &call.recording.heard[silent..];
            loud(rest) > 0 && rest.len() > 20 * FRAME && loud(&rest[rest.len() - 10 * FRAME..]) == 0
        };
        let heard = self.caller.wait(PATIENCE, done).expect("it ends").recording.heard;
        let (first, second) = (&heard[before..silent], &heard[silent..]);
        let sounding = loud(first) + loud(second);
        assert!(sounding.abs_diff(prompt.len()) <= FRAME, "{road}: {sounding} of {}", prompt.len());
        for pitch in pitches() {
            let frames = [first, second].into_iter().flat_map(|part| part.chunks(FRAME));
            let count = frames.filter(|frame| is(frame, pitch)).count();
            assert!((3..=6).contains(&count), "{road}: {count} frames of {pitch} Hz");
        }
    }

    /// Waits for the silence behind a sound that was told to end at `told`. Gives how long the sound went on, and where in
    /// what the caller has heard the silence is.
    fn until_silent(&self, told: Instant) -> (Duration, usize) {
        // Nothing tells the end of a sound but the silence behind it.
        let silent = |call: &tests::sipp::CallRecord| {
            let since = call.recording.heard_since(told);
            since.len() >= 25 * FRAME && loud(&since[since.len() - 10 * FRAME..]) == 0
        };
        let record = self.caller.wait(PATIENCE, silent).expect("it ends").recording;
        let first = record.heard_at.partition_point(|at| *at < told);
        let packets = record.heard[first * FRAME..].chunks(FRAME);
        let last = packets.enumerate().rfind(|(_, packet)| loud(packet) > 0);
        let late = last.map_or(Duration::ZERO, |(index, packet)| {
            let sounding = packet.iter().rposition(|sample| sample.unsigned_abs() > 1000);
            let sounding = audio::duration_of(sounding.unwrap_or(0) as u64);
            record.heard_at[first + index] - told + sounding
        });
        (late, record.heard.len() - FRAME)
    }

    async fn until_heard(&self, enough: impl Fn(&[Frame]) -> bool) -> Vec<Frame> {
        let look = async {
            loop {
                let frames = self.heard.lock().expect("nobody panics with it").clone();
                if enough(&frames) {
                    return frames;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, look).await.expect("the caller is heard")
    }
}

/// What is recorded of a call.
struct Files(PathBuf);

impl Files {
    fn new(road: &str) -> Files {
        let name: String = road.chars().filter(|c| c.is_alphanumeric()).collect();
        let folder = std::env::temp_dir().join(format!("recorded-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("writable");
        Files(folder)
    }

    fn plan(&self) -> RecordingPlan {
        let file = |name| Some(self.0.join(name));
        let (wav, pcapng) = (file("call.wav"), file("call.pcapng"));
        RecordingPlan { wav, pcapng, ..RecordingPlan::default() }
    }

    /// The caller's tone is left and came in, ours is right and went out; nowhere is the other.
    fn hold_both_tones(&self, road: &str, over: Over) {
        let wav = std::fs::read(self.0.join("call.wav")).expect("it is there");
        assert_eq!(wav[40..44], ((wav.len() - 44) as u32).to_le_bytes(), "as long as it says");
        let side = |at: usize| -> Vec<i16> {
            let sample = |both: &[u8]| i16::from_le_bytes([both[at], both[at + 1]]);
            wav[44..].chunks_exact(4).map(sample).collect()
        };
        let capture = std::fs::read(self.0.join("call.pcapng")).expect("it is there");
        let datagrams = pcapng::read(&capture).expect("it can be read");
        let packets = |direction| -> Vec<i16> {
            let ours = datagrams.iter().filter(|datagram| datagram.direction == Some(direction));
            let packets = ours.filter_map(|datagram| Packet::parse(datagram.payload).ok());
            let sound = packets.filter(|packet| packet.payload_type == rtp::PCMU);
            let codes = sound.flat_map(|packet| packet.payload);
            codes.map(|code| g711::decode_ulaw_sample(*code)).collect()
        };
        for (what, caller, us) in [
            ("WAV", side(0), side(2)),
            ("pcapng", packets(Direction::Inbound), packets(Direction::Outbound)),
        ] {
            let count = |samples: &[i16], hz| samples.chunks(FRAME).filter(|c| is(c, hz)).count();
            let theirs = (count(&caller, CALLERS_TONE), count(&caller, OUR_TONE));
            let ours = (count(&us, OUR_TONE), count(&us, CALLERS_TONE));
            println!("{road}: {what} holds {theirs:?} frames of the caller, {ours:?} of ours");
            assert!(theirs.0 > 100 && theirs.1 == 0, "{road}, {what}: {theirs:?}");
            assert!(ours.0 > 60 && ours.1 == 0, "{road}, {what}: {ours:?}");
        }
        let keys = datagrams.iter().filter_map(|datagram| Packet::parse(datagram.payload).ok());
        let keys = keys.filter(|packet| packet.payload_type == rtp::TELEPHONE_EVENT).count();
        assert_eq!(keys, usize::from(over == Over::Tcp));
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a road runs over. Over a connection Asterisk tells the caller's keys, and its end is the channel's; over RTP
/// neither.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    Rtp,
    Tcp,
}

/// The leg's next event of this kind.
async fn event(leg: &mut Leg, wanted: impl Fn(&LegEvent) -> bool) -> LegEvent {
    loop {
        let event = timeout(PATIENCE, leg.next_event()).await.expect("an event comes");
        match event.expect("the leg lives") {
            event if wanted(&event) => return event,
            LegEvent::Failed(cause) => panic!("{cause}"),
            _ => {}
        }
    }
}

fn sine(hz: f64, ms: usize) -> Vec<i16> {
    let mut samples = vec![0; ms * SAMPLE_RATE as usize / 1000];
    Sine::new(hz, -12.0).fill(&mut samples);
    samples
}

/// Samples of the loud part: from one that is audible to the last one.
fn loud(samples: &[i16]) -> usize {
    let audible = |sample: &i16| sample.unsigned_abs() > 1000;
    let first = samples.iter().position(audible);
    let last = samples.iter().rposition(audible);
    first.zip(last).map_or(0, |(first, last)| last + 1 - first)
}

/// Whether most of the power lies at one frequency.
fn is(samples: &[i16], hz: f64) -> bool {
    let all = 10_f64.powf(tone::level_dbfs(samples) / 10.0);
    all > 1e-4 && tone::power(samples, hz) > all * 0.7
}

fn of_pitch(frames: &[Frame], hz: f64) -> impl Iterator<Item = &Frame> {
    frames.iter().filter(move |frame| is(&frame.samples, hz))
}
