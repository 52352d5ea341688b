//! What the roads over TCP have in common: sound without timestamps, and a sink that must not hold up the socket.

mod convert;
mod ear;
mod guests;
mod outlet;
mod watch;

pub(crate) use self::{
    convert::Converter,
    ear::Ear,
    guests::{Guest, Guests},
    outlet::Outlet,
    watch::Watch,
};
