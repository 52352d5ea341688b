//! One call as a value.
//!
//! A [`Call`] is told what happened, by [`Call::handle`], and says what is to be done, by [`Call::poll`]. It reads no
//! clock and does nothing itself, so a call can be kept as a list of inputs, its [`journal`], and replayed in virtual time:
//!
//! ```text
//! call.handle(now, input);
//! while let Some(command) = call.poll() { /* the driver does it */ }
//! // sleep until call.deadline(), then call.handle(deadline, Input::Wake)
//! ```
//!
//! The contract is those three lines: handle one input, drain the commands, wait for the next input or the deadline,
//! whichever comes first. Every wait inside has a deadline, except the one for the end of a conversation between two
//! people. [`Command::Finish`] comes exactly once, and last.
//!
//! What a caller may want and where each wish leads stands in the [`Receptionist`]; what happened stands in the
//! [`Record`], with the waterfall and the three clocks.

mod budget;
mod call;
pub mod journal;
mod kept;
mod receptionist;
mod record;
mod timers;
mod words;

pub use budget::{Budget, Fallback, Overrun, Stage, What};
pub use call::Call;
pub use flow::{Finding, Findings, Sound};
pub use kept::{
    Message, RecordedBy, Recording, RecordingEnd, RecordingId, ZoneCut, ZoneEvent, ZoneMark,
};
pub use receptionist::{
    Course, Destination, DestinationId, Domain, Filled, Patience, Place, Prompts, Receptionist,
    Wish,
};
pub use record::{Attempt, Basis, Decision, LineQuality, Mark, Outcome, Record, Reply, Turn};
pub use words::{
    Command, Heard, Input, Join, NoRoom, PlayId, Played, RoomNews, Slot, TransferNews, Why,
    WriteId, Written,
};
