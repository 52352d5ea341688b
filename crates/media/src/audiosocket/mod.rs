//! Media over AudioSocket: Asterisk connects to us over TCP (`externalMedia` with `encapsulation=audiosocket`, the
//! channel driver `AudioSocket/`, or the application `AudioSocket()`), says its UUID, and both sides send sound.
//!
//! Asterisk plays what comes as it comes, so our clock paces it: one frame every 20 ms, by absolute times, written at
//! once and whole. There is no flush, so nothing is ever sent ahead. Silence is sent from the first moment on, since an
//! Asterisk that hears nothing from us may send nothing either.

mod door;
mod task;
mod uuid;
mod voice;
pub mod wire;

pub use self::{
    door::{Door, DoorConfig, Expected, MediaConfig},
    uuid::StreamId,
    wire::Rate,
};
