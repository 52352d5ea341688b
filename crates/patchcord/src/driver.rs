//! The driver of one live call: it carries out what the call commands, and tells the call what happened.
//!
//! ```text
//! mailbox ──┐                            ┌─► switchboard: requests to Asterisk ─► results ──┐
//! media leg ┼─► Input ─► Call ─► Command ┤                                                  │
//! ear ──────┤                            └─► media leg: play, stop                          │
//! clock ────┴───◄───────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! One task drives one call and owns all that belongs to it. Requests run beside it, so that a slow one delays no
//! event; when the call is over, the task waits for what is still under way and takes down every channel and bridge
//! that it made.

mod asides;
mod feed;
mod keys;
mod line;
mod lookup;
mod recordings;
mod room;
mod speaking;
mod switchboard;
mod voice;
mod writing;
mod zone;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ari::{Arrival, Delivery, Event, Mailbox};
use call::journal::Journaled;
use call::{Command, Input, Place, PlayId, Played, Record, Sound, Stage, Why, WriteId, ZoneCut};
use engines::listener::Heard;
use engines::llm::{LlmError, Told, speech};
use flow::{Model, Question};
use media::{LegEvent, Playout};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::capture::Capture;
use crate::conferences::Conferences;
use crate::desk::{Answers, Desk};
use crate::desks::Desks;
use crate::dialling::Dialling;
use crate::facts;
use crate::finished::Finished;
use crate::hear::{self, Ears, RankingTime};
use crate::journals::{self, Journals, Page};
use crate::keep::{Keeper, Opening};
use crate::live_calls::LiveCalls;
use crate::media_road::MediaRoad;
use crate::redacted::Cards;
use crate::tapes::Tapes;

use asides::Asides;
use keys::{Keys, Press};
use line::Line;
pub(crate) use lookup::Lookups;
use recordings::Recordings;
pub(crate) use room::create_bridge;
use speaking::Speaking;
use switchboard::{News, Switchboard};
pub(crate) use switchboard::{Ours, release};
use voice::Voice;
pub(crate) use voice::beep;
use writing::Writing;
use zone::{Pressed, Zone};

/// What every call of a process works with.
#[derive(Clone)]
pub(crate) struct Shared {
    pub desks: Desks,
    pub client: ari::Client,
    pub ears: Arc<Ears>,
    /// How callers' sound comes and goes.
    pub road: Arc<MediaRoad>,
    /// Who may be dialled.
    pub dialling: Arc<Dialling>,
    pub conferences: Conferences,
    pub calls: LiveCalls,
    pub lookups: Lookups,
    /// Whether a call keeps all the audio that it receives, to be compared with a recording afterwards.
    pub tap: Tap,
    /// Where files of each call go, if anywhere.
    pub capture: Option<Arc<Capture>>,
    /// Where what a flow records goes, if anywhere.
    pub tapes: Option<Arc<Tapes>>,
    /// What calls leave behind goes here.
    pub keeper: Keeper,
    /// Where the journal of each call goes, if anywhere.
    pub journals: Option<Arc<Journals>>,
}

/// Whether a call keeps the audio that it receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tap {
    Off,
    On,
}

/// A call that is over.
pub(crate) struct Driven {
    /// The caller's name, or number where there is none.
    pub caller: String,
    pub opening: Opening,
    pub record: Record,
    /// The audio that was received, if it was kept.
    pub received: Vec<i16>,
    /// When the first sample of it was spoken, in seconds of the call's clock.
    pub began: Option<f64>,
}

struct Driver {
    shared: Shared,
    /// The one that took the call when it arrived, whatever is published meanwhile.
    desk: Arc<Desk>,
    arrived: Instant,
    call: Journaled,
    page: Option<Page>,
    cards: Cards,
    switchboard: Switchboard,
    mailbox: Mailbox,
    line: Option<Line>,
    asides: Asides,
    heard: (mpsc::UnboundedSender<Heard>, mpsc::UnboundedReceiver<Heard>),
    /// What may be said to the question that was asked last.
    answers: Option<Arc<Answers>>,
    /// What was played last.
    playing: PlayId,
    /// What is made ready beside the call.
    made: (mpsc::UnboundedSender<Made>, mpsc::UnboundedReceiver<Made>),
    /// What no other call is named, on any node and at any time.
    unique: String,
    lookup: Option<AbortHandle>,
    /// What a language model writes now.
    writing: Option<Writing>,
    /// The model that hears the caller now.
    speaking: Option<Speaking>,
    keys: Keys,
    /// How often it has dialled out of this Asterisk.
    dialled: u32,
    recordings: Recordings,
    zone: Zone,
    /// When the caller speaks who leaves a message.
    voice: (mpsc::UnboundedSender<Voice>, mpsc::UnboundedReceiver<Voice>),
}

/// Something that took time to be made.
enum Made {
    Sound(PlayId, Result<Arc<[i16]>, String>),
    /// To be said to the agent of an attempt.
    Whisper(u32, Result<Arc<[i16]>, String>),
    Answer(Input),
    /// By a language model.
    Written(WriteId, Result<Told, LlmError>),
    /// By one that speaks.
    Spoken(WriteId, Result<speech::Told, LlmError>),
}

/// What the task was woken by.
enum Woken {
    Made(Made),
    Mail(Option<Delivery>),
    News(News),
    Leg(LegEvent),
    Aside(asides::Told),
    Heard(Heard),
    Voice(Voice),
    Recorded(Vec<Input>),
    Deadline,
}

/// Drives a call from its arrival to its end.
pub(crate) async fn drive(shared: Shared, arrival: Arrival) -> Driven {
    let channel = &arrival.start.channel;
    let caller = [&channel.caller.name, &channel.caller.number]
        .into_iter()
        .find(|name| !name.is_empty())
        .unwrap_or(&channel.id)
        .clone();
    let switchboard = Switchboard::new(&shared, channel, arrival.at);
    let recordings = Recordings::new(
        shared.tapes.clone(),
        shared.client.clone(),
        channel.id.clone(),
        recordings::Caller {
            number: channel.caller.number.clone(),
            name: channel.caller.name.clone(),
        },
        switchboard.bridge().to_owned(),
    );
    let desk = shared.desks.for_call(&channel.dialplan.exten);
    let opening = Opening::of(&arrival, &desk);
    let open = shared.keeper.begin(&opening);
    let facts = facts::of(channel, &arrival.start.args, &desk);
    let header = shared.journals.as_ref().map(|_| {
        let packets = shared.capture.as_ref().map(|capture| capture.packets(&channel.id));
        journals::header(&desk, &facts, &channel.id, arrival.at, packets)
    });
    let driver = Driver {
        arrived: arrival.at,
        call: Journaled::new(desk.call(facts), header.as_ref()),
        page: shared.journals.as_ref().map(|journals| journals.page(&channel.id)),
        cards: Cards::default(),
        switchboard,
        mailbox: arrival.mailbox,
        line: None,
        asides: Asides::new(),
        heard: mpsc::unbounded_channel(),
        answers: None,
        playing: PlayId(0),
        made: mpsc::unbounded_channel(),
        unique: ari::ids::unique("call"),
        lookup: None,
        writing: None,
        speaking: None,
        keys: Keys::new(shared.road.tells_keys()),
        dialled: 0,
        recordings,
        zone: Zone::default(),
        voice: mpsc::unbounded_channel(),
        desk,
        shared,
    };
    let (record, received, began) = driver.run().await;
    let mut call = Finished::new(caller, record, None, None);
    call.opening = Some(opening.clone());
    open.close(&call);
    Driven { caller: call.name, opening, record: call.record, received, began }
}

impl Driver {
    async fn run(mut self) -> (Record, Vec<i16>, Option<f64>) {
        loop {
            while let Some(command) = self.call.poll() {
                if command == Command::Finish {
                    return self.finish().await;
                }
                self.carry_out(command);
            }
            self.write_down();
            match self.wait().await {
                Woken::Mail(Some(delivery)) => self.delivered(&delivery),
                Woken::Mail(None) => self.tell(Input::PbxLost),
                Woken::News(news) => self.news(news),
                Woken::Leg(event) => self.leg_event(event),
                Woken::Aside(asides::Told::Leg(attempt, event)) => self.aside(attempt, &event),
                Woken::Aside(asides::Told::Heard(attempt, heard)) => {
                    self.overheard(attempt, heard);
                }
                Woken::Heard(heard) => self.heard(heard),
                Woken::Voice(voice) => self.voice(voice),
                Woken::Recorded(told) => told.into_iter().for_each(|input| self.tell(input)),
                Woken::Made(Made::Answer(input)) => self.tell(input),
                Woken::Made(Made::Written(id, told)) => self.wrote(id, told),
                Woken::Made(Made::Spoken(id, told)) => self.spoke(id, told),
                Woken::Made(Made::Sound(id, sound)) => self.made(id, sound),
                Woken::Made(Made::Whisper(attempt, sound)) => self.whispers(attempt, sound),
                Woken::Deadline => self.tell(Input::Wake),
            }
        }
    }

    async fn wait(&mut self) -> Woken {
        let deadline = self.call.deadline().map(|at| self.arrived + at);
        let sleep = async {
            match deadline {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        let leg = async {
            match &mut self.line {
                Some(line) => line.next_event().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            delivery = self.mailbox.recv() => Woken::Mail(delivery),
            news = self.switchboard.news() => Woken::News(news),
            event = leg => Woken::Leg(event),
            told = self.asides.next() => Woken::Aside(told),
            Some(heard) = self.heard.1.recv() => Woken::Heard(heard),
            Some(voice) = self.voice.1.recv() => Woken::Voice(voice),
            told = self.recordings.news() => Woken::Recorded(told),
            Some(made) = self.made.1.recv() => Woken::Made(made),
            () = sleep => Woken::Deadline,
        }
    }

    fn now(&self) -> Duration {
        self.arrived.elapsed()
    }

    fn tell(&mut self, input: Input) {
        self.call.handle(self.now(), input);
    }

    /// Hands over what the journal has by now. It waits for nobody: what cannot be written is lost, and the call goes on.
    fn write_down(&mut self) {
        let text = self.call.written();
        if let Some(page) = &self.page
            && !text.is_empty()
            && !page.write(text)
        {
            self.call.give_up_writing();
        }
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Answer => self.switchboard.answer(),
            Command::OpenMedia => self.switchboard.open_media(&self.mailbox),
            Command::Play { id, what } => self.play(id, what),
            Command::HoldPlaying => self.with_line(Line::hold),
            Command::ResumePlaying => self.with_line(Line::resume),
            Command::StopPlaying => {
                self.switchboard.music(None);
                self.with_line(Line::stop_playing);
            }
            Command::Listen(question) => self.listen(&question),
            Command::ReadSoon => self.with_line(Line::read_soon),
            Command::StopListening => {
                self.with_line(Line::stop_listening);
                self.forget_heard();
            }
            Command::Connect { attempt, place, ring, variables, join, .. } => {
                if let Place::Endpoint(endpoint) = &place
                    && let Err(denied) =
                        self.shared.dialling.dial(endpoint, &mut self.dialled, Instant::now())
                {
                    tracing::warn!("{denied}");
                    return self.tell(Input::NotConnected { attempt, why: Why::Unavailable });
                }
                self.switchboard.connect(&self.mailbox, attempt, &place, ring, variables, join);
            }
            Command::Whisper { attempt, say, question } => self.whisper(attempt, say, &question),
            Command::Admit { attempt } => {
                self.asides.close(attempt);
                self.switchboard.admit(attempt);
            }
            Command::EnterRoom { room, name } => {
                let conferences = &self.shared.conferences;
                let refused =
                    self.switchboard.enter_conference(&self.mailbox, conferences, &room, &name);
                refused.into_iter().for_each(|input| self.tell(input));
            }
            Command::LeaveRoom => self.switchboard.leave_conference(),
            Command::Mute { muted } => self.switchboard.mute(muted),
            Command::Hold { held } => self.switchboard.hold(held),
            Command::ReportTransfer { attempt, news } => {
                self.switchboard.report_transfer(attempt, news);
            }
            Command::LockRoom { locked } => self.switchboard.lock_conference(locked),
            Command::Abandon { attempt } => {
                self.asides.close(attempt);
                self.switchboard.abandon(attempt);
            }
            Command::CloseMedia => {
                self.with_line(Line::close);
                self.switchboard.close_media();
                self.recordings.talk_begins();
            }
            Command::LookUp(request) => {
                let lookups = self.shared.lookups.clone();
                self.look_up(lookups.ask(request, self.unique.clone()));
            }
            Command::Pay { request, card } => {
                let lookups = self.shared.lookups.clone();
                self.look_up(lookups.pay(request, card, self.unique.clone()));
            }
            Command::StopLookingUp => {
                if let Some(lookup) = self.lookup.take() {
                    lookup.abort();
                }
            }
            Command::OpenSpeech(brief) => self.open_speech(brief),
            Command::CloseSpeech => self.close_speech(),
            Command::Write { id, brief } => match brief.model {
                Model::Text => self.write(id, brief),
                Model::Speech => self.answer(id, brief),
            },
            Command::StopWriting => {
                self.writing = None;
                self.stop_speaking();
            }
            Command::Prepare(sounds) => self.prepare(sounds),
            Command::StartRecording => {
                let refused = self.recordings.start(self.line.as_ref().and_then(Line::leg));
                refused.into_iter().for_each(|input| self.tell(input));
            }
            Command::StopRecording => {
                self.suspect_cards();
                let off = self.recordings.stop();
                off.into_iter().for_each(|input| self.tell(input));
            }
            Command::BeginMessage { mailbox, most } => self.begin_message(mailbox, most),
            Command::KeepMessage => {
                self.with_line(Line::ignore_voice);
                self.recordings.keep_message();
            }
            Command::DropMessage => {
                self.with_line(Line::ignore_voice);
                self.recordings.drop_message();
            }
            Command::EnterZone { attempt } => self.enter_zone(attempt),
            Command::LeaveZone => self.leave_zone(),
            Command::TakeCard { item } => self.zone.take(item),
            Command::EndCard => {
                let taken = self.zone.end();
                taken.into_iter().for_each(|input| self.tell(input));
            }
            Command::DropCard => self.zone.forget(),
            Command::GiveBack { place, variables } => self.switchboard.give_back(place, variables),
            Command::HangUp => self.switchboard.hang_up(),
            Command::Finish => {}
        }
    }

    fn with_line(&mut self, action: impl FnOnce(&mut Line)) {
        if let Some(line) = &mut self.line {
            action(line);
        }
    }

    fn look_up(&mut self, asked: impl Future<Output = Input> + Send + 'static) {
        let made = self.made.0.clone();
        let asking = tokio::spawn(async move {
            // The call may be over; then nobody wants to know.
            let _ = made.send(Made::Answer(asked.await));
        });
        self.lookup = Some(asking.abort_handle());
    }

    /// What was heard up to now and not told yet is told to nobody.
    fn forget_heard(&mut self) {
        self.suspect_cards();
        self.heard = mpsc::unbounded_channel();
        self.answers = None;
    }

    fn begin_message(&mut self, mailbox: String, most: Duration) {
        self.voice = mpsc::unbounded_channel();
        let tell = self.voice.0.clone();
        self.with_line(|line| line.watch_voice(tell));
        let leg = self.line.as_ref().and_then(Line::leg);
        let failed = self.recordings.begin_message(leg, mailbox, most);
        failed.into_iter().for_each(|input| self.tell(input));
    }

    fn voice(&mut self, voice: Voice) {
        let at = self.now();
        self.tell(match voice {
            Voice::Began => Input::SpeechStarted { at },
            Voice::Ended => Input::SpeechEnded { at },
        });
    }

    /// Makes every cut at once: what is ours is silent when this returns, and all of it when it is told.
    fn enter_zone(&mut self, attempt: u32) {
        self.zone.begin(self.now());
        self.with_line(Line::cut);
        self.close_speech();
        self.forget_heard();
        let mut cuts = self.recordings.pause();
        let unrecorded = self.switchboard.is_unrecorded();
        cuts.push((ZoneCut::MixMonitor, Box::pin(unrecorded)));
        cuts.push((ZoneCut::Listener, Box::pin(self.switchboard.is_alone())));
        let made = self.made.0.clone();
        let entering = tokio::spawn(async move {
            let input = match zone::confirmed(cuts).await {
                Ok(()) => Input::ZoneEntered { attempt },
                Err(cut) => Input::ZoneRefused { attempt, cut },
            };
            // The call may be over; then nobody wants to know.
            let _ = made.send(Made::Answer(input));
        });
        self.zone.entering(entering.abort_handle());
    }

    fn leave_zone(&mut self) {
        self.zone.leave(self.now());
        self.with_line(Line::uncut);
        self.switchboard.is_open();
        self.recordings.resume();
    }

    fn press(&mut self, press: Press) {
        if let Some(before) = self.zone.over(self.now()) {
            self.keys.forget_before(before);
        }
        let pressed = self.zone.press(press.key, press.down);
        match pressed {
            Pressed::Outside(key) => self.cards.key(key, press.down),
            // One that comes while the zone is being entered goes on with what was begun before, too.
            Pressed::Cards(_) | Pressed::Nobodys => self.cards.key_of_card(press.down),
        }
        self.hide_cards();
        match pressed {
            Pressed::Outside(key) => self.tell(Input::Digit(key)),
            Pressed::Cards(input) => self.tell(input),
            Pressed::Nobodys => {}
        }
    }

    fn listen(&mut self, question: &Question) {
        let Some(answers) = self.desk.answers(question) else { return };
        let heard = self.heard.0.clone();
        let phrases = answers.phrases.clone();
        self.suspect_cards();
        self.answers = Some(answers);
        let ear = self.shared.ears.hearing.ear_with(phrases, move |event| {
            // The call may be over; then nobody wants to know.
            let _ = heard.send(event);
        });
        match ear {
            Ok(ear) => self.with_line(|line| line.listen(ear)),
            Err(error) => self.tell(Input::RecognizerFailed(error.to_string())),
        }
    }

    fn play(&mut self, id: PlayId, what: Played) {
        self.playing = id;
        let desk = &self.desk;
        let number = u64::from(id.0);
        let music = match &what {
            Played::Music(class) => Some(class.clone()),
            Played::Sounds(_) | Played::Voice(_) | Played::Ringing | Played::Beep => None,
        };
        self.switchboard.music(music);
        match what {
            Played::Music(_) => self.with_line(Line::stop_playing),
            Played::Ringing => {
                let ringing = Playout::forever(number, desk.ringing());
                self.with_line(|line| line.play(ringing));
            }
            Played::Beep => {
                let beep = Playout::once(number, beep());
                self.with_line(|line| line.play(beep));
            }
            Played::Voice(written) => match self.voice_of(written, id) {
                Some(voice) => self.with_line(|line| line.play(voice)),
                None => self.tell(Input::PromptEnded(id)),
            },
            Played::Sounds(sounds) => match desk.sound(&sounds) {
                Some(samples) => self.with_line(|line| line.play(Playout::once(number, samples))),
                None => self.speak(id, sounds),
            },
        }
    }

    /// Has words spoken that were not known before this call.
    fn speak(&mut self, id: PlayId, sounds: Vec<Sound>) {
        self.with_line(Line::stop_playing);
        let (desk, made) = (self.desk.clone(), self.made.0.clone());
        tokio::task::spawn_blocking(move || {
            // The call may be over; then nobody wants to hear it.
            let _ = made.send(Made::Sound(id, desk.sound_of_any(&sounds)));
        });
    }

    /// Words have been spoken; if something else plays by now, for nobody.
    fn made(&mut self, id: PlayId, sound: Result<Arc<[i16]>, String>) {
        if id != self.playing {
            return;
        }
        match sound {
            Ok(samples) => {
                self.with_line(|line| line.play(Playout::once(u64::from(id.0), samples)));
            }
            Err(cause) => {
                tracing::warn!(cause, "a prompt cannot be said");
                self.tell(Input::PromptEnded(id));
            }
        }
    }

    /// Says something to an agent alone, and listens to the answer. Words may have to be spoken first.
    fn whisper(&mut self, attempt: u32, say: Vec<Sound>, question: &Question) {
        let (desk, made) = (self.desk.clone(), self.made.0.clone());
        if let Some(answers) = desk.answers(question) {
            let (hearing, phrases) = (&self.shared.ears.hearing, answers.phrases.clone());
            let listens =
                self.asides.listen(attempt, answers, |tell| hearing.ear_with(phrases, tell));
            if let Err(error) = listens {
                // Keys count all the same.
                tracing::warn!(%error, "an agent is not listened to");
            }
        }
        tokio::task::spawn_blocking(move || {
            // The call may be over; then nobody wants to hear it.
            let _ = made.send(Made::Whisper(attempt, desk.sound_of_any(&say)));
        });
    }

    fn whispers(&mut self, attempt: u32, sound: Result<Arc<[i16]>, String>) {
        match sound {
            Ok(samples) => self.asides.say(attempt, samples),
            Err(cause) => {
                tracing::warn!(cause, "an introduction cannot be said");
                self.tell(Input::WhisperEnded { attempt });
            }
        }
    }

    fn aside(&mut self, attempt: u32, event: &LegEvent) {
        match event {
            LegEvent::Finished { id } if self.asides.is_last(attempt, *id) => {
                self.tell(Input::WhisperEnded { attempt });
            }
            LegEvent::Failed(cause) => {
                // The agent's keys count all the same, which Asterisk tells.
                tracing::warn!(cause, "the line to an agent has failed");
            }
            _ => {}
        }
    }

    /// An agent has said something who does not hear the caller yet.
    fn overheard(&mut self, attempt: u32, heard: Heard) {
        let arrival = self.arrived.saturating_duration_since(self.shared.ears.epoch);
        let Some((answers, clock)) = self.asides.answers(attempt, arrival) else { return };
        let (time, record) = (RankingTime::Measured, self.call.record());
        let input = hear::input(&mut Cards::default(), record, &answers, clock, time, heard);
        if let Some(Input::Heard(heard)) = input {
            self.tell(Input::AgentHeard { attempt, heard });
        }
    }

    fn delivered(&mut self, delivery: &Delivery) {
        match delivery {
            Delivery::Event(received) => {
                let came = received.at.saturating_duration_since(self.arrived);
                let stamp = received.event.timestamp().map(ari::Timestamp::unix_ms);
                let at = self.keys.at(stamp, came);
                match &received.event {
                    Event::ChannelDtmfReceived(press) => {
                        let key = press.digit.chars().next();
                        if let Some(key) = key.filter(|_| self.switchboard.is_callers(press)) {
                            let held = Duration::from_millis(press.duration_ms);
                            let press = self.keys.told_by_asterisk(key, at, held);
                            press.into_iter().for_each(|press| self.press(press));
                        }
                        if let (Some(key), Some(attempt)) = (key, self.switchboard.apart(press)) {
                            self.tell(Input::AgentDigit { attempt, key });
                        }
                    }
                    event => {
                        let input = self.switchboard.event(event);
                        input.into_iter().for_each(|input| self.tell(input));
                    }
                }
            }
            // What ended or began unseen is told by events that the client makes up.
            Delivery::Lost { .. }
            | Delivery::ConnectionLost { .. }
            | Delivery::Reconnected { .. } => {}
        }
    }

    fn news(&mut self, news: News) {
        match news {
            News::Tell(input) => self.tell(input),
            News::MediaOpened(line) => {
                if let (Some(capture), Some(leg)) = (&self.shared.capture, line.leg()) {
                    self.recordings.capture(capture, leg);
                }
                self.line = Some(*line);
                self.switchboard.media_flows();
            }
            News::ApartOpened(attempt, line) => {
                self.asides.open(attempt, *line);
                self.switchboard.apart_flows(attempt);
            }
            News::Nothing => {}
        }
    }

    fn leg_event(&mut self, event: LegEvent) {
        let play = |id: u64| PlayId(id as u32);
        let since = |at: Instant| at.saturating_duration_since(self.arrived);
        let input = match event {
            LegEvent::FirstPacket { .. } => Input::FirstAudio,
            LegEvent::Digit { key, at } => {
                let now = since(at.into_std());
                // Around a zone only those count who know when a key went down.
                if self.keys.leg_is_exact() || !self.zone.is_near(now) {
                    let press = self.keys.told_by_leg(key, now);
                    press.into_iter().for_each(|press| self.press(press));
                }
                return;
            }
            LegEvent::FirstAudioOut { id, at } => {
                Input::PromptAudible { id: play(id), at: since(at.into_std()) }
            }
            LegEvent::Finished { id } => Input::PromptEnded(play(id)),
            LegEvent::Silent { .. } => return,
            // It has been logged; who began the recording is told by its own end.
            LegEvent::RecordingEnded(_) => return,
            LegEvent::Failed(cause) => Input::RecognizerFailed(cause),
        };
        self.tell(input);
    }

    fn heard(&mut self, heard: Heard) {
        self.follow(&heard);
        let (Some(line), Some(answers)) = (&self.line, &self.answers) else { return };
        let clock = line.clock(self.arrived.saturating_duration_since(self.shared.ears.epoch));
        let time = RankingTime::Measured;
        let record = self.call.record();
        let input = hear::input(&mut self.cards, record, answers, clock, time, heard);
        self.hide_cards();
        let Some(input) = input else { return };
        let words = matches!(input, Input::Heard(_));
        let began = self.now();
        self.tell(input);
        if words {
            self.call.mark(Stage::Policy, began, self.now());
        }
    }

    /// What has come to light of a card leaves what waits to be written, and what is recorded.
    fn hide_cards(&mut self) {
        let found = self.cards.found();
        if found.told_before {
            self.call.hide_said();
        }
        for span in found.at {
            self.recordings.erase(self.arrived + span.start..self.arrived + span.end);
        }
    }

    /// Nobody hears the turn that goes on to its end, or it will be too late then.
    fn suspect_cards(&mut self) {
        self.cards.suspect(self.now());
        self.hide_cards();
    }

    /// Waits for what is still under way, then takes everything down.
    async fn finish(mut self) -> (Record, Vec<i16>, Option<f64>) {
        self.suspect_cards();
        self.write_down();
        self.writing = None;
        self.close_speech();
        if let Some(lookup) = self.lookup.take() {
            lookup.abort();
        }
        self.zone.leave(self.now());
        let mut line = self.line.take();
        let (received, began) = line.as_mut().map(Line::keepsake).unwrap_or_default();
        // A recording of Asterisk's ends before its bridge does, and nobody else waits for files to be closed.
        let told = match self.recordings.is_in_asterisk() {
            true => {
                let told = self.recordings.finish().await;
                self.switchboard.take_down(&mut self.mailbox).await;
                told
            }
            false => {
                let down = self.switchboard.take_down(&mut self.mailbox);
                tokio::join!(self.recordings.finish(), down).0
            }
        };
        let now = self.arrived.elapsed();
        told.into_iter().for_each(|input| self.call.handle(now, input));
        let mut record = self.call.record().clone();
        self.cards.redact(&mut record);
        record.troubles.append(&mut self.recordings.unclean);
        if let Some(line) = &mut line {
            record.line = line.quality().await;
        }
        if let Some(why) = self.page.as_ref().and_then(Page::lost) {
            record.troubles.push(format!("the journal of this call is not whole: {why}"));
        }
        (record, received, began)
    }
}

#[cfg(test)]
mod faults;
#[cfg(test)]
mod kept;
#[cfg(test)]
mod tests;
