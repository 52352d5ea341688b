//! The world around a real Asterisk: callers and phones are SIPp.

use std::time::Duration;

use super::{Access, DID, Reaction, SOUND_LENGTH, World};
use crate::asterisk::{Asterisk, RigError};
use crate::sipp::{Act, Behaviour, Caller, CallerRun, Phone};
use crate::softphone::Background;

/// How long anybody at a telephone may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A real Asterisk and the people around it.
pub struct AsteriskWorld {
    asterisk: Asterisk,
    callers: Vec<CallerRun>,
    phones: Vec<Phone>,
}

impl AsteriskWorld {
    /// Starts an Asterisk that has [`SOUND`](super::SOUND).
    ///
    /// # Errors
    /// As for [`Asterisk::start`].
    pub fn start() -> Result<AsteriskWorld, RigError> {
        let asterisk = Asterisk::start()?;
        let mut samples = vec![0; SOUND_LENGTH.as_millis() as usize * 8];
        audio::tone::Sine::new(440.0, -12.0).fill(&mut samples);
        std::fs::write(asterisk.folder().join("tone.wav"), audio::wav::write(&samples))?;
        Ok(AsteriskWorld { asterisk, callers: Vec::new(), phones: Vec::new() })
    }
}

impl World for AsteriskWorld {
    fn access(&self) -> Access {
        Access {
            url: self.asterisk.ari_url(),
            username: self.asterisk.username().to_owned(),
            password: self.asterisk.password().to_owned(),
        }
    }

    fn call(&mut self) -> Result<(), RigError> {
        let mut caller = Caller::new("5550199", DID);
        caller.name = "Ann".to_owned();
        self.callers.push(caller.start(&self.asterisk)?);
        Ok(())
    }

    fn answered(&mut self) -> Result<(), RigError> {
        match self.callers.last() {
            Some(caller) => caller.wait(PATIENCE, |call| call.answered_at.is_some()).map(drop),
            None => Ok(()),
        }
    }

    fn press(&mut self, key: char) {
        self.callers.last().expect("somebody has called").act(Act::Press(key));
    }

    fn hang_up(&mut self) {
        self.callers.last().expect("somebody has called").act(Act::HangUp);
    }

    fn phone(&mut self, name: &str, reaction: Reaction) -> Result<(), RigError> {
        let behaviour = match reaction {
            Reaction::Answers => Behaviour::Answers(Duration::from_millis(50)),
            Reaction::Rings => Behaviour::NeverAnswers,
            Reaction::Busy => Behaviour::Refuses(486),
            Reaction::Declines => Behaviour::Refuses(603),
        };
        self.phones.push(Phone::start(&self.asterisk, name, behaviour, Background::Silence)?);
        Ok(())
    }

    fn phones_hang_up(&mut self) {
        self.phones.iter().for_each(Phone::hang_up);
    }

    fn clear(&mut self) {
        self.callers.clear();
        self.phones.clear();
    }
}
