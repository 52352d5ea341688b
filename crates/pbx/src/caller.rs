//! Somebody who rings the inbound number.

use std::{sync::Arc, time::Duration};

/// A caller, told before the call. All times count from the call's start unless they say otherwise.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Caller ID number.
    pub number: String,
    /// Caller ID name.
    pub name: String,
    /// The extension that the caller dials, in the context of
    /// [`PbxConfig::context`](crate::PbxConfig::context).
    pub dialled: String,
    /// What the dialplan hands to `Stasis()` after the application's name.
    pub app_args: Vec<String>,
    /// What the caller says from the moment of answer, mono at 8 kHz; silence follows.
    pub audio: Arc<[i16]>,
    /// Keys, each with the moment of its release. A key may come before the answer.
    pub digits: Vec<(Duration, char)>,
    /// When the caller hangs up, satisfied.
    pub hangs_up: HangsUp,
    /// When the caller gives up, whatever happens.
    pub patience: Duration,
}

impl Default for Caller {
    fn default() -> Caller {
        Caller {
            number: "5550100".to_owned(),
            name: "Caller".to_owned(),
            dialled: "100".to_owned(),
            app_args: Vec::new(),
            audio: Arc::from([]),
            digits: Vec::new(),
            hangs_up: HangsUp::AfterAudio,
            patience: Duration::from_secs(60),
        }
    }
}

/// When a caller hangs up of their own will.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HangsUp {
    /// When the audio has been spoken, which begins at the answer.
    AfterAudio,
    /// At this time after the call's start, answered or not.
    At(Duration),
    /// After having been connected to a destination for this long.
    OnceConnectedFor(Duration),
    /// Just before the n-th request since the call's start is carried out, whichever it is.
    BeforeRequest(u32),
    /// Right after the n-th event since the call's start was sent, whichever it is.
    AfterEvent(u32),
}
