//! Callers and phones around a real Asterisk: SIPp does their signalling, a [`softphone`] of ours
//! their sound, so that a test knows when each sample was sent and heard.
//!
//! [`softphone`]: crate::softphone

mod process;
mod side;

use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use audio::tone::DualTone;
use process::{Control, News, Sipp};
use side::Side;

use crate::asterisk::{Asterisk, RigError, rig_folder};
use crate::softphone::{Background, MediaPort, Recording};

/// Somebody who calls.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The caller's number, as the `From` header's user.
    pub number: String,
    /// The caller's name, as the `From` header's display name.
    pub name: String,
    /// The number called.
    pub exten: String,
    /// What the caller does, each at a time after the sound's way to Asterisk is open: the answer,
    /// or early media before it.
    pub acts: Vec<(Duration, Act)>,
    /// What the caller sends in between.
    pub background: Background,
    /// How long the caller waits for the answer.
    pub patience: Patience,
    /// How the caller's telephone sends keys.
    pub keys: Keys,
}

/// How a telephone sends keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// As RFC 4733 events.
    Events,
    /// As tones in its sound; it offers nothing else.
    Tones,
}

/// How long a caller waits for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// For ever.
    Endless,
    /// Cancels as soon as Asterisk has the call. An answer may cross: then the caller hangs up at once.
    None,
}

/// Something a caller does.
#[derive(Debug, Clone)]
pub enum Act {
    /// Speaks: mono at 8 kHz.
    Say(Vec<i16>),
    /// Presses a key for 100 ms.
    Press(char),
    /// Phones only: has whom it talks with transferred to this SIP URI.
    Refer(String),
    /// Hangs up; before the answer, cancels.
    HangUp,
}

/// How a phone takes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Rings for so long, then answers.
    Answers(Duration),
    /// Rings for ever.
    NeverAnswers,
    /// Refuses at once with this SIP status, for example 486 (busy), 480 or 603.
    Refuses(u16),
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Our side hung up after the answer.
    Ours,
    /// Asterisk's side hung up after the answer.
    Theirs,
    /// It was never answered: the SIP status, 487 when the calling side cancelled.
    Unanswered(u16),
    /// SIPp met what its scenario does not have, and gave up; it said what on standard error.
    Broken,
}

/// A call as one end of it saw it.
#[derive(Debug, Clone, Default)]
pub struct CallRecord {
    /// When it rang: for a caller the 180, for a phone the INVITE.
    pub rang_at: Option<Instant>,
    /// When it was answered.
    pub answered_at: Option<Instant>,
    /// The tag that Asterisk gave a caller's call, with which others can name it.
    pub tag: String,
    /// What came of a transfer that a phone asked for, as a SIP status.
    pub referred: Option<u16>,
    /// When it ended, and how. `None` while it is up.
    pub ended: Option<(Instant, End)>,
    /// What was said and heard.
    pub recording: Recording,
}

/// A call under way, seen from the caller.
pub struct CallerRun {
    side: Arc<Side>,
    sipp: Sipp,
    call_id: String,
}

/// Many who call, all from one SIPp. They send silence.
pub struct Crowd {
    side: Arc<Side>,
    sipp: Sipp,
}

/// A phone that is switched on, until it is dropped.
pub struct Phone {
    side: Arc<Side>,
    sipp: Sipp,
}

impl Caller {
    /// A caller without a name and with nothing to do: waits until the other side hangs up.
    pub fn new(number: &str, exten: &str) -> Caller {
        Caller {
            number: number.into(),
            name: String::new(),
            exten: exten.into(),
            acts: Vec::new(),
            background: Background::Silence,
            patience: Patience::Endless,
            keys: Keys::Events,
        }
    }

    /// Has the caller cancel as soon as Asterisk has the call.
    pub fn cancelling(mut self) -> Caller {
        self.patience = Patience::None;
        self
    }

    /// Adds something to do.
    pub fn at(mut self, after: Duration, act: Act) -> Caller {
        self.acts.push((after, act));
        self.acts.sort_by_key(|&(after, _)| after);
        self
    }

    /// Calls.
    ///
    /// # Errors
    /// When there is no socket or no SIPp to be had.
    pub fn start(self, asterisk: &Asterisk) -> io::Result<CallerRun> {
        let side = Arc::new(Side::new(MediaPort::open()?, self.background, self.keys));
        let port = asterisk.caller_port();
        let call_id = format!("caller-{}-{:?}", asterisk.sip_port(), Instant::now());
        let call_id: String = call_id.chars().filter(|c| c.is_alphanumeric()).collect();
        let mut command = sipp(asterisk, port, &side, callers(asterisk, self.keys)?)?;
        command.arg(format!("127.0.0.1:{}", asterisk.sip_port()));
        command.args(["-m", "1", "-s", &self.exten, "-cid_str", &call_id]);
        command.args(["-key", "number", &self.number, "-key", "name", &self.name]);
        let (theirs, mut acts) = (Arc::clone(&side), Some(self.acts));
        let sipp = Sipp::spawn(command, port, side.clone(), move |control, call_id, at, news| {
            if matches!(news, News::Trying) && self.patience == Patience::None {
                control.next(call_id);
            }
            if matches!(news, News::Early(_) | News::Answered(_))
                && let Some(acts) = acts.take()
            {
                let (side, control) = (Arc::clone(&theirs), control.clone());
                let call_id = call_id.to_owned();
                std::thread::spawn(move || perform(acts, at, &side, &control, &call_id));
            }
        })?;
        Ok(CallerRun { side, sipp, call_id })
    }
}

impl CallerRun {
    /// Does something now.
    pub fn act(&self, act: Act) {
        do_act(act, &self.side, &self.sipp.control, &self.call_id);
    }

    /// The call's `Replaces` as a URI's header says it: with it others can name the call.
    pub fn replaces(&self) -> String {
        let tag = self.record().tag;
        format!("{}%3Bto-tag%3D{tag}%3Bfrom-tag%3Dcaller", self.call_id)
    }

    /// The call so far.
    pub fn record(&self) -> CallRecord {
        self.side.records().pop().unwrap_or_default()
    }

    /// Waits until the call so far satisfies `until`.
    ///
    /// # Errors
    /// [`RigError::Failed`] with the record if that takes longer than `patience`.
    pub fn wait(
        &self,
        patience: Duration,
        until: impl Fn(&CallRecord) -> bool,
    ) -> Result<CallRecord, RigError> {
        let records = self.side.wait(patience, |calls| calls.iter().any(&until))?;
        Ok(records.into_iter().find(until).expect("one was found a moment ago"))
    }

    /// Waits until the call is over.
    ///
    /// # Errors
    /// [`RigError::Failed`] if that takes longer than `patience`; the caller is gone then, too.
    pub fn finish(self, patience: Duration) -> Result<CallRecord, RigError> {
        self.side.wait_until_over(patience)?;
        Ok(self.record())
    }
}

impl Crowd {
    /// Has `many` call `exten`, so many of them a second.
    ///
    /// # Errors
    /// When there is no socket or no SIPp to be had.
    pub fn start(
        asterisk: &Asterisk,
        exten: &str,
        many: usize,
        a_second: usize,
    ) -> io::Result<Crowd> {
        let side = Arc::new(Side::new(MediaPort::open()?, Background::Silence, Keys::Events));
        let port = asterisk.caller_port();
        let mut command = sipp(asterisk, port, &side, rig_folder().join("sipp/caller.xml"))?;
        let call_id = format!("crowd{port}%u");
        command.arg(format!("127.0.0.1:{}", asterisk.sip_port()));
        command.args([
            "-m",
            &many.to_string(),
            "-l",
            &many.to_string(),
            "-r",
            &a_second.to_string(),
        ]);
        command
            .args(["-s", exten, "-cid_str", &call_id, "-key", "number", "200", "-key", "name", ""]);
        let sipp = Sipp::spawn(command, port, side.clone(), |_, _, _, _| {})?;
        Ok(Crowd { side, sipp })
    }

    /// Waits until the calls so far satisfy `until`.
    ///
    /// # Errors
    /// [`RigError::Failed`] with the records if that takes longer than `patience`.
    pub fn wait(
        &self,
        patience: Duration,
        until: impl Fn(&[CallRecord]) -> bool,
    ) -> Result<Vec<CallRecord>, RigError> {
        self.side.wait(patience, until)
    }

    /// The first `many` of those who talk hang up.
    pub fn hang_up(&self, many: usize) {
        for call_id in self.side.talking().into_iter().take(many) {
            self.sipp.control.next(&call_id);
        }
    }
}

impl Phone {
    /// Switches on the phone `name`, an endpoint of the rig's Asterisk, and waits until calls reach
    /// it. It takes any number of calls at once; its sound in each is `background`.
    ///
    /// # Errors
    /// [`RigError::Failed`] when the rig has no such phone, or SIPp does not come up.
    pub fn start(
        asterisk: &Asterisk,
        name: &str,
        behaviour: Behaviour,
        background: Background,
    ) -> Result<Phone, RigError> {
        let port = asterisk
            .phone_port(name)
            .ok_or_else(|| RigError::Failed(format!("the rig has no phone {name:?}")))?;
        let side = Arc::new(Side::new(MediaPort::open()?, background, Keys::Events));
        let command = sipp(asterisk, port, &side, scenario(asterisk, behaviour)?)?;
        let mut sipp =
            Sipp::spawn(command, port, side.clone(), move |control, call_id, _, news| {
                if let (News::Ringing, Behaviour::Answers(after)) = (news, behaviour) {
                    let (control, call_id) = (control.clone(), call_id.to_owned());
                    std::thread::spawn(move || {
                        std::thread::sleep(after);
                        control.next(&call_id);
                    });
                }
            })?;
        sipp.wait_until_open()?;
        Ok(Phone { side, sipp })
    }

    /// The calls so far, in the order in which they arrived.
    pub fn calls(&self) -> Vec<CallRecord> {
        self.side.records()
    }

    /// Waits until the calls so far satisfy `until`.
    ///
    /// # Errors
    /// [`RigError::Failed`] with the records if that takes longer than `patience`.
    pub fn wait(
        &self,
        patience: Duration,
        until: impl Fn(&[CallRecord]) -> bool,
    ) -> Result<Vec<CallRecord>, RigError> {
        self.side.wait(patience, until)
    }

    /// Does something in every call that is up.
    pub fn act(&self, act: &Act) {
        for call_id in self.side.talking() {
            do_act(act.clone(), &self.side, &self.sipp.control, &call_id);
        }
    }

    /// Hangs up every call that is up.
    pub fn hang_up(&self) {
        for call_id in self.side.talking() {
            self.sipp.control.next(&call_id);
        }
    }
}

/// Does each of `acts` at its time after `from`, until the call is over.
fn perform(
    acts: Vec<(Duration, Act)>,
    from: Instant,
    side: &Side,
    control: &Control,
    call_id: &str,
) {
    for (after, act) in acts {
        let left = (from + after).saturating_duration_since(Instant::now());
        if side.wait_until_over(left).is_ok() {
            return;
        }
        do_act(act, side, control, call_id);
    }
}

fn do_act(act: Act, side: &Side, control: &Control, call_id: &str) {
    match act {
        Act::Say(samples) => side.with_leg(call_id, |leg| leg.say(&samples)),
        Act::Press(key) if side.keys() == Keys::Tones => {
            let tone = DualTone::key(key).map(tone_of_a_key).unwrap_or_default();
            side.with_leg(call_id, |leg| leg.say(&tone));
        }
        Act::Press(key) => side.with_leg(call_id, |leg| leg.press(key)),
        Act::Refer(to) => control.next_with(call_id, &format!("Refer-To: <{to}>\r\n")),
        Act::HangUp => control.next(call_id),
    }
}

/// 100 ms of a key, and 60 of silence.
fn tone_of_a_key(mut tone: DualTone) -> Vec<i16> {
    let mut samples = vec![0; 160 * 8];
    tone.fill(&mut samples[..100 * 8]);
    samples
}

/// SIPp with what callers and phones have in common.
fn sipp(asterisk: &Asterisk, port: u16, side: &Side, scenario: PathBuf) -> io::Result<Command> {
    // SIPp opens sockets for sound and control that nobody here uses, on ports of its choosing; with
    // an address of its own for those it never meets another SIPp.
    let [high, low] = port.to_be_bytes();
    let unused = Ipv4Addr::new(127, 1, high, low).to_string();
    let mut command = Command::new("sipp");
    command
        .current_dir(asterisk.folder())
        .args(["-i", "127.0.0.1", "-p", &port.to_string(), "-nostdin", "-aa"])
        .args(["-mi", &unused, "-ci", &unused])
        .args(["-trace_logs", "-log_file", "/dev/stderr"])
        .args(["-trace_err", "-error_file", "/dev/stderr"])
        .args(["-key", "rtp_port", &side.media().port()?.to_string()])
        .arg("-sf")
        .arg(scenario)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    Ok(command)
}

/// The scenario of a caller.
fn callers(asterisk: &Asterisk, keys: Keys) -> io::Result<PathBuf> {
    let events = rig_folder().join("sipp/caller.xml");
    if keys == Keys::Events {
        return Ok(events);
    }
    let told = |line: &str| line.contains("telephone-event") || line.contains("a=fmtp:101");
    let text = std::fs::read_to_string(events)?.replace("RTP/AVP 0 101", "RTP/AVP 0");
    let lines: Vec<_> = text.lines().filter(|line| !told(line)).collect();
    let path = asterisk.folder().join("caller-with-tones.xml");
    std::fs::write(&path, lines.join("\n"))?;
    Ok(path)
}

/// The scenario of a phone. SIPp takes a status only as text, so that of refusals is written in.
fn scenario(asterisk: &Asterisk, behaviour: Behaviour) -> io::Result<PathBuf> {
    let sipp = rig_folder().join("sipp");
    let Behaviour::Refuses(status) = behaviour else { return Ok(sipp.join("phone.xml")) };
    let refusing = std::fs::read_to_string(sipp.join("refusing-phone.xml"))?;
    let path = asterisk.folder().join(format!("refusing-{status}.xml"));
    let status = status.to_string();
    let refusing = refusing.replace("486 Busy Here", &format!("{status} Refused"));
    std::fs::write(&path, refusing.replace("[call_id] 486", &format!("[call_id] {status}")))?;
    Ok(path)
}
