//! What the roads over TCP have in common: sound without timestamps, and a sink that must not hold up the socket.

mod convert;
mod ear;
mod gauge;
mod guests;
mod outlet;

pub(crate) use self::{
    convert::Converter,
    ear::Ear,
    gauge::Gauge,
    guests::{Guest, Guests},
    outlet::Outlet,
};

use std::io;

/// Whether an error is no more than the other side's going away: Asterisk hangs up without having read all that we have
/// sent, and TCP tells of that with a reset.
pub(crate) fn is_hang_up(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset)
}
