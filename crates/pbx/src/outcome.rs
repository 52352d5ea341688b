//! What became of a call, as the caller lived it.

use std::time::Duration;

/// A finished call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The id of the caller's channel.
    pub channel: String,
    /// Where the caller was last connected.
    pub connected_to: Option<Place>,
    /// How the dialplan's `Stasis()` ended.
    pub stasis: StasisStatus,
    /// Who ended the caller's call.
    pub hung_up_by: HungUpBy,
    /// The hang-up cause (ITU-T Q.850); 0 when there is none.
    pub cause: u16,
    /// Whether the call was ever answered.
    pub answered: bool,
    /// All that the caller heard from the answer on: mono at 8 kHz, silence where nothing sounded.
    pub heard: Vec<i16>,
    /// All that the agent who was connected heard from their answer on.
    pub agent_heard: Vec<i16>,
    /// Notable moments with their distance from the call's start, in order.
    pub timeline: Vec<(Duration, Moment)>,
}

impl Outcome {
    /// When `moment` first happened, counted from the call's start.
    pub fn at(&self, moment: &Moment) -> Option<Duration> {
        self.timeline.iter().find(|(_, other)| other == moment).map(|(at, _)| *at)
    }
}

/// Where a caller can end up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Place {
    /// A destination that was dialled, by its name, such as `PJSIP/helpdesk`.
    Endpoint(String),
    /// A place in the dialplan.
    Dialplan {
        /// The context.
        context: String,
        /// The extension.
        exten: String,
        /// The priority, from 1.
        priority: i64,
    },
}

/// The dialplan variable `STASISSTATUS` (application `Stasis`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StasisStatus {
    /// The channel was in the application.
    Success,
    /// The application was not connected.
    Failed,
}

/// Who ended a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HungUpBy {
    /// The caller hung up.
    Caller,
    /// The application asked for it.
    Application,
    /// The dialplan had nowhere to go on.
    Dialplan,
    /// The PBX was stopped.
    Shutdown,
}

/// A notable moment in a caller's call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Moment {
    /// The call entered the application.
    EnteredStasis,
    /// The application was not connected.
    StasisFailed,
    /// The caller hears ringing.
    Ringing,
    /// The call was answered; the caller's audio begins here.
    Answered,
    /// The caller released a key.
    DigitSent(char),
    /// The application sent these digits to the caller.
    DigitsHeard(String),
    /// The caller's channel joined this bridge.
    EnteredBridge(String),
    /// The caller's channel left this bridge.
    LeftBridge(String),
    /// The caller heard the first sound that is not silence.
    FirstSound,
    /// The caller was connected to a destination.
    ConnectedTo(Place),
    /// The connected agent hung up.
    AgentHungUp,
    /// The call ended.
    HungUp,
}
