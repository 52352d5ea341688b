//! Recorded and captured calls in virtual time: the same ear, model and call as live, faster than life, with the same result every
//! time.
//!
//! Nothing here waits. Engines work as fast as they can, and what they cost is stated by a model
//! ([`engines::cost`]), never taken from the clock on the wall; Asterisk is stood for by fixed delays, and agents by a
//! plan.

mod agenda;
#[cfg(test)]
mod barge_in;
mod ear;
mod line;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use call::{
    Call, Command, Input, Join, NoRoom, Place, PlayId, Played, Record, Why, Written, ZoneCut,
};
use engines::models::ModelPaths;
use engines::moonshine::Moonshine;
use engines::runtime::Runtime;
use engines::silero::Silero;
use engines::voice::Batch;
use flow::Reply;
use media::{LegStats, Player, Playout};

use crate::agents::{Agents, Reaction};
use crate::captured::CapturedCall;
use crate::desk::{Answers, Desk};
use crate::facts;
use crate::finished::Finished;
use crate::hear::{self, CallClock, RankingTime};
use crate::labels::SampleCall;
use crate::media_road::line_quality;
use crate::redacted::Cards;

use agenda::Agenda;
pub(crate) use ear::VirtualEar;
pub(crate) use line::CallerLine;

/// What Asterisk takes, as measured on the real one: to answer, to set the media leg up, to accept a command.
const ANSWER: Duration = Duration::from_millis(5);
const MEDIA: Duration = Duration::from_millis(20);
const ACCEPT: Duration = Duration::from_millis(6);
/// What a ranking takes.
pub(crate) const RANKING: Duration = Duration::from_micros(50);
/// How long caller and agent talk.
const TALK: Duration = Duration::from_secs(1);
/// When a caller whom nobody helps gives up.
const GIVES_UP: Duration = Duration::from_secs(90);

/// Engines that work for one replay after the other.
pub(crate) struct Engines {
    batch: Batch<Silero, ()>,
    recognizer: Moonshine,
}

/// What happens at a time.
enum Event {
    Told(Input),
    /// It is our turn to send a packet.
    Turn,
    Frame,
    HangsUp,
}

struct Replay<'a> {
    desk: &'a Desk,
    agents: &'a Agents,
    engines: &'a mut Engines,
    call: Call,
    now: Duration,
    agenda: Agenda<Event>,
    line: CallerLine<'a>,
    ear: Option<(VirtualEar, Arc<Answers>)>,
    clock: CallClock,
    cards: Cards,
    player: Player,
    /// The mu-law of the packet that was sent last.
    codes: [u8; audio::FRAME],
    #[cfg(test)]
    rig: barge_in::Rig,
    over: bool,
}

impl Engines {
    /// Loads the models.
    ///
    /// # Errors
    /// In words, with the mend.
    pub(crate) fn load(paths: &ModelPaths) -> Result<Self, String> {
        fn words(error: impl std::error::Error) -> String {
            error.to_string()
        }
        let library: &Path = &paths.onnxruntime;
        let runtime = Runtime::load(library).map_err(words)?;
        Ok(Self {
            batch: Batch::new(Silero::load(&paths.silero).map_err(words)?),
            recognizer: Moonshine::load(runtime, &paths.moonshine_dir).map_err(words)?,
        })
    }
}

/// Replays one recorded call.
pub(crate) fn replay(
    desk: &Desk,
    agents: &Agents,
    engines: &mut Engines,
    sample: &SampleCall,
) -> Finished {
    let mut replay = Replay::new(desk, agents, engines, CallerLine::new(&sample.audio));
    replay.agenda.add(GIVES_UP, Event::HangsUp);
    if let Some(label) = &sample.label {
        for press in &label.digits {
            replay.agenda.add(ANSWER + press.at(), Event::Told(Input::Digit(press.digit)));
        }
        if let Some(at) = label.hang_up_ms {
            replay.agenda.add(ANSWER + Duration::from_millis(at), Event::HangsUp);
        }
    }
    replay.run();
    let began = replay.clock.zero().map(|zero| zero - replay.line.skipped_seconds());
    Finished::new(sample.name.clone(), replay.record(), sample.label.clone(), began)
}

/// Replays one captured call: its caller's packets, with all that the network did to them.
pub(crate) fn replay_capture(
    desk: &Desk,
    agents: &Agents,
    engines: &mut Engines,
    call: &CapturedCall,
) -> Finished {
    let mut replay = Replay::new(desk, agents, engines, CallerLine::captured(&call.packets));
    replay.agenda.add(GIVES_UP, Event::HangsUp);
    replay.run();
    Finished::new(call.name.clone(), replay.record(), None, None)
}

impl<'a> Replay<'a> {
    fn new(
        desk: &'a Desk,
        agents: &'a Agents,
        engines: &'a mut Engines,
        line: CallerLine<'a>,
    ) -> Self {
        Self {
            desk,
            agents,
            engines,
            call: desk.call(facts::of_nobody()),
            now: Duration::ZERO,
            agenda: Agenda::default(),
            line,
            ear: None,
            clock: CallClock::default(),
            cards: Cards::default(),
            player: Player::default(),
            codes: [audio::g711::ULAW_SILENCE; audio::FRAME],
            #[cfg(test)]
            rig: barge_in::Rig::default(),
            over: false,
        }
    }

    fn record(&self) -> Record {
        let heard = self.line.stats();
        let line = line_quality(&LegStats { heard, ..LegStats::default() });
        let mut record = Record { line, ..self.call.record().clone() };
        self.cards.redact(&mut record);
        record
    }

    fn run(&mut self) {
        loop {
            while let Some(command) = self.call.poll() {
                #[cfg(test)]
                self.rig.commanded(self.now, &command);
                self.carry_out(command);
            }
            if self.over {
                return;
            }
            let deadline =
                [self.call.deadline(), self.ear.as_ref().and_then(|(ear, _)| ear.deadline())];
            let wake = deadline.into_iter().flatten().min();
            match self.agenda.next_before(wake) {
                Some((at, event)) => {
                    self.now = self.now.max(at);
                    self.happens(event);
                }
                None => {
                    let Some(wake) = wake else { return };
                    self.now = self.now.max(wake);
                    if let Some((ear, _)) = &mut self.ear {
                        ear.wake(self.now);
                    }
                    self.drain_ear();
                    self.tell(Input::Wake);
                }
            }
        }
    }

    fn tell(&mut self, input: Input) {
        self.call.handle(self.now, input);
    }

    fn later(&mut self, after: Duration, input: Input) {
        self.agenda.add(self.now + after, Event::Told(input));
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Answer => {
                self.later(ANSWER, Input::Answered);
                self.line.answered(ANSWER);
            }
            Command::OpenMedia => {
                self.later(MEDIA, Input::MediaUp);
                self.agenda.add(MEDIA, Event::Turn);
                let first = self.line.first_frame_after(MEDIA);
                self.agenda.add(first, Event::Frame);
                self.agenda.add(first, Event::Told(Input::FirstAudio));
            }
            Command::Play { id, what } => self.play(id, what),
            Command::HoldPlaying => self.player.hold(),
            Command::ResumePlaying => self.player.resume(),
            Command::StopPlaying => self.player.stop_all(),
            Command::Listen(question) => {
                let answers = self.desk.answers(&question);
                self.ear =
                    answers.map(|answers| (VirtualEar::new(answers.phrases.clone()), answers));
            }
            Command::ReadSoon => {
                if let Some((ear, _)) = &mut self.ear {
                    ear.read_soon(self.now);
                }
            }
            Command::StopListening => self.ear = None,
            Command::Connect { attempt, place, join, .. } => self.connect(attempt, &place, join),
            // Who is introduced takes the call.
            Command::Whisper { attempt, .. } => {
                self.later(ACCEPT, Input::AgentDigit { attempt, key: '1' });
            }
            Command::EnterRoom { .. } => {
                let why = NoRoom::Failed("a replay has no rooms".to_owned());
                self.later(ACCEPT, Input::RoomRefused(why));
            }
            Command::LeaveRoom => self.later(ACCEPT, Input::RoomLeft),
            Command::Mute { .. }
            | Command::Hold { .. }
            | Command::LockRoom { .. }
            | Command::ReportTransfer { .. } => {}
            Command::Admit { attempt } => self.later(ACCEPT, Input::Connected { attempt }),
            Command::Abandon { .. } | Command::CloseMedia => {}
            Command::StartRecording => {
                let why = "a replay records nothing".to_owned();
                self.later(ACCEPT, Input::RecordingRefused(why));
            }
            Command::BeginMessage { .. } => {
                let why = "a replay takes no messages".to_owned();
                self.later(ACCEPT, Input::MessageFailed(why));
            }
            Command::EnterZone { attempt } => {
                let cut = ZoneCut::Recording;
                self.later(ACCEPT, Input::ZoneRefused { attempt, cut });
            }
            Command::StopRecording => self.later(ACCEPT, Input::RecordingOff),
            Command::KeepMessage
            | Command::DropMessage
            | Command::LeaveZone
            | Command::TakeCard { .. }
            | Command::EndCard
            | Command::DropCard => {}
            // Nobody answers lookups here.
            Command::LookUp(_) | Command::Pay { .. } => {
                let why = "a replay has no lookups".to_owned();
                self.later(ACCEPT, Input::LookedUp(Reply::Failed(why)));
            }
            Command::Write { id, .. } => {
                let what = Written::Failed("a replay has no language model".to_owned());
                self.later(ACCEPT, Input::Written { id, what });
            }
            Command::StopLookingUp
            | Command::OpenSpeech(_)
            | Command::CloseSpeech
            | Command::StopWriting
            | Command::Prepare(_) => {}
            Command::GiveBack { .. } => self.later(ACCEPT, Input::LeftForDialplan),
            Command::HangUp => self.later(ACCEPT, Input::CallerHungUp),
            Command::Finish => self.over = true,
        }
    }

    fn play(&mut self, id: PlayId, what: Played) {
        let number = u64::from(id.0);
        match what {
            Played::Ringing => self.player.play(Playout::forever(number, self.desk.ringing())),
            // It has no language model, and is told so.
            Played::Voice(_) => self.later(Duration::ZERO, Input::PromptEnded(id)),
            // Music is Asterisk's.
            Played::Music(_) => self.player.stop_all(),
            Played::Beep => self.player.play(Playout::once(number, crate::driver::beep())),
            Played::Sounds(sounds) => match self.desk.sound_of_any(&sounds) {
                Ok(sound) => self.player.play(Playout::once(number, sound)),
                Err(cause) => {
                    tracing::warn!(cause, "a prompt cannot be said");
                    self.later(Duration::ZERO, Input::PromptEnded(id));
                }
            },
        }
    }

    /// Sends a packet.
    fn turn(&mut self) {
        let filled = self.player.fill(&mut self.codes);
        #[cfg(test)]
        self.rig.said(self.now, &self.codes);
        let play = |id: u64| PlayId(id as u32);
        let (audible, ended) = (filled.became_audible.map(play), filled.finished.map(play));
        if let Some(id) = audible {
            self.tell(Input::PromptAudible { id, at: self.now });
        }
        if let Some(id) = ended {
            self.tell(Input::PromptEnded(id));
        }
        self.agenda.add(self.now + audio::FRAME_TIME, Event::Turn);
    }

    fn connect(&mut self, attempt: u32, place: &Place, join: Join) {
        self.later(ACCEPT, Input::Accepted { attempt });
        match place {
            Place::Dialplan { .. } => self.later(ACCEPT + ACCEPT, Input::LeftForDialplan),
            Place::Queue(_) => {
                let why = Why::Empty;
                self.later(ACCEPT + ACCEPT, Input::NotConnected { attempt, why });
            }
            Place::Endpoint(endpoint) => match self.agents.reaction(endpoint) {
                Reaction::Answers { rings } => {
                    let answered = ACCEPT + rings;
                    let input = match join {
                        Join::AtOnce => Input::Connected { attempt },
                        Join::WhenAdmitted => Input::Reached { attempt },
                    };
                    self.later(answered, input);
                    self.agenda.add(self.now + answered + TALK, Event::HangsUp);
                }
                Reaction::Busy => {
                    let why = Why::Busy;
                    self.later(ACCEPT + ACCEPT, Input::NotConnected { attempt, why });
                }
            },
        }
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Told(input) => self.tell(input),
            Event::Turn => self.turn(),
            Event::HangsUp => self.tell(Input::CallerHungUp),
            Event::Frame => self.frame(),
        }
    }

    fn frame(&mut self) {
        #[cfg(test)]
        self.line.echo(self.rig.echo(self.now));
        let arrival = self.line.arrival(self.now);
        for key in arrival.keys {
            self.tell(Input::Digit(key));
        }
        for frame in arrival.frames {
            self.clock.frame(frame.position, frame.arrived);
            if let Some((ear, _)) = &mut self.ear {
                ear.said(&self.codes);
                ear.push(self.now, &frame);
                self.drain_ear();
            }
        }
        self.agenda.add(self.line.next(self.now), Event::Frame);
    }

    fn drain_ear(&mut self) {
        while let Some((ear, answers)) = &mut self.ear {
            let Some(heard) = ear.poll(self.now, self.engines) else { return };
            let time = RankingTime::Stated(RANKING);
            let record = self.call.record();
            let input = hear::input(&mut self.cards, record, answers, self.clock, time, heard);
            if let Some(input) = input {
                self.tell(input);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use engines::models::Store;

    use super::*;
    use crate::captured::CapturedPacket;
    use crate::{labels, report};

    /// The models, or none where they are not fetched: then the reason is printed, unless they are required.
    pub(super) fn models() -> Option<ModelPaths> {
        let store = Store::open(Store::default_dir().expect("a home")).expect("a platform we know");
        let paths = store.paths();
        if let Err(error) = &paths {
            assert!(std::env::var_os("PATCHCORD_REQUIRE_MODELS").is_none(), "{error}");
            println!("skipped: {error}");
        }
        paths.ok()
    }

    #[test]
    fn a_replay_is_the_same_to_the_byte_every_time() {
        let Some(paths) = models() else { return };
        let desk = Desk::embedded().expect("the sample is well formed");
        let agents = Agents::embedded();
        let samples = labels::embedded().expect("the samples are well formed");
        let some = ["billing-please", "tom-becker", "presses-two", "lemon-cake"];
        let run = || -> Vec<String> {
            let mut engines = Engines::load(&paths).expect("the models load");
            let samples = samples.iter().filter(|sample| some.contains(&sample.name.as_str()));
            samples.map(|s| report::json(&replay(&desk, &agents, &mut engines, s))).collect()
        };
        let first = run();
        assert_eq!(first.len(), some.len());
        assert_eq!(first, run());
    }

    #[test]
    fn sample_calls_end_where_their_labels_say() {
        let Some(paths) = models() else { return };
        let desk = Desk::embedded().expect("the sample is well formed");
        let mut engines = Engines::load(&paths).expect("the models load");
        for sample in &labels::embedded().expect("the samples are well formed") {
            let call = replay(&desk, &Agents::embedded(), &mut engines, sample);
            assert!(call.as_expected(), "{}", report::json(&call));
            assert!(!call.wrong_early_commit(), "{}", report::json(&call));
        }
    }

    #[test]
    fn a_capture_of_a_call_ends_where_its_recording_does() {
        let Some(paths) = models() else { return };
        let desk = Desk::embedded().expect("the sample is well formed");
        let mut engines = Engines::load(&paths).expect("the models load");
        let samples = labels::embedded().expect("the samples are well formed");
        let sample = samples.iter().find(|sample| sample.name == "billing-please").expect("there");
        let packet = |(index, said): (usize, &[i16])| {
            let mut bytes = vec![0xFF; audio::rtp::HEADER_LEN + audio::FRAME];
            let header = audio::rtp::Header {
                sequence: index as u16,
                timestamp: (index * audio::FRAME) as u32,
                ..Default::default()
            };
            let (head, payload) = bytes.split_first_chunk_mut().expect("longer than a header");
            header.write(head);
            audio::g711::encode_ulaw(said, &mut payload[..said.len()]);
            CapturedPacket { at: audio::FRAME_TIME * index as u32, bytes }
        };
        let packets = sample.audio.chunks(audio::FRAME).enumerate().map(packet);
        // One in fifty is lost.
        let packets = packets.enumerate().filter(|(n, _)| n % 50 != 7).map(|(_, packet)| packet);
        let captured = CapturedCall { name: "again".to_owned(), packets: packets.collect() };
        let call = replay_capture(&desk, &Agents::embedded(), &mut engines, &captured);
        let expected = sample.label.as_ref().and_then(|label| label.destination.as_deref());
        assert_eq!(call.record.destination(), expected, "{}", report::json(&call));
        assert!(call.record.line.is_some_and(|line| line.loss > 0.0), "{}", report::json(&call));
    }
}
