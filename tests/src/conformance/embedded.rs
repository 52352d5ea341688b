//! The world around the embedded PBX.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::{APP, Access, CONTEXT, DID, Reaction, SOUND_LENGTH, World};
use crate::asterisk::RigError;
use pbx::{CallInProgress, Caller, Endpoint, HangsUp, Pbx, PbxConfig, Speech};

/// An embedded PBX set up like the rig's Asterisk, and the people around it.
pub struct PbxWorld {
    pbx: Pbx,
    callers: Vec<CallInProgress>,
    phones: Vec<String>,
}

impl PbxWorld {
    /// Starts a PBX with the dialplan and the sound that the scenarios expect.
    ///
    /// # Errors
    /// When there is no port on loopback.
    pub async fn start() -> io::Result<PbxWorld> {
        let config = PbxConfig {
            app: APP.into(),
            context: CONTEXT.into(),
            phones_context: "no-calls-from-phones".into(),
            ..PbxConfig::default()
        };
        let pbx = Pbx::start(config).await?;
        pbx.dialplan(CONTEXT, DID);
        pbx.dialplan("queues", "tone");
        let mut samples = vec![0; SOUND_LENGTH.as_millis() as usize * 8];
        audio::tone::Sine::new(440.0, -12.0).fill(&mut samples);
        pbx.sound("/rig/tone", Arc::from(samples));
        Ok(PbxWorld { pbx, callers: Vec::new(), phones: Vec::new() })
    }

    /// Ends it.
    pub async fn stop(self) {
        drop(self.callers);
        self.pbx.shutdown().await;
    }
}

impl World for PbxWorld {
    fn access(&self) -> Access {
        let PbxConfig { username, password, .. } = PbxConfig::default();
        Access { url: self.pbx.url(), username, password }
    }

    fn call(&mut self) -> Result<(), RigError> {
        let long = Duration::from_secs(60);
        self.callers.push(self.pbx.call(Caller {
            number: "5550199".into(),
            name: "Ann".into(),
            dialled: DID.into(),
            hangs_up: HangsUp::At(long),
            patience: long,
            ..Caller::default()
        }));
        Ok(())
    }

    fn answered(&mut self) -> Result<(), RigError> {
        Ok(())
    }

    fn press(&mut self, key: char) {
        self.callers.last().expect("somebody has called").press(key);
    }

    fn hang_up(&mut self) {
        self.callers.last().expect("somebody has called").hang_up();
    }

    fn phone(&mut self, name: &str, reaction: Reaction) -> Result<(), RigError> {
        let soon = Duration::from_millis(50);
        let says = Speech::Once(Arc::from([]));
        let (rings_for, then) = match reaction {
            Reaction::Answers => (soon, pbx::Reaction::Answers { says, hangs_up_after: None }),
            Reaction::Rings => (soon, pbx::Reaction::NoAnswer),
            Reaction::Busy => (Duration::ZERO, pbx::Reaction::Busy),
            Reaction::Declines => (Duration::ZERO, pbx::Reaction::Rejects { cause: 21 }),
        };
        let name = format!("PJSIP/{name}");
        self.pbx.endpoint(&name, Endpoint { rings_for, then });
        self.phones.push(name);
        Ok(())
    }

    fn phones_hang_up(&mut self) {
        self.phones.iter().for_each(|phone| self.pbx.agents_hang_up(phone));
    }

    fn clear(&mut self) {
        self.callers.clear();
        self.phones.clear();
    }
}
