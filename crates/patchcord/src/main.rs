//! Patchcord, the AI receptionist for Asterisk: configuration, command line, and the driver that joins the rest.
//!
//! The data's way through the program: [`service`] takes an arrival and gives it to a [`driver`], which owns the call.
//! Its [`line`](driver) turns RTP into frames for the ear; [`hear`] turns what the ear hears into inputs of the call;
//! the call's commands go out through the switchboard to Asterisk. [`replay`] does the same in virtual time, and
//! [`rehearsal`] plays recorded callers to the whole over real sockets.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line prints")]

mod agents;
mod align;
mod allocations;
mod assets;
mod capture;
mod captured;
mod command;
mod conferences;
mod control;
mod cpu;
mod desk;
mod desks;
mod dialling;
mod diff;
mod driver;
mod facts;
mod finished;
mod flows;
mod hear;
mod journals;
mod keep;
mod labels;
mod live_calls;
mod media_road;
mod published;
mod recording;
mod redacted;
mod rehearsal;
mod replay;
mod report;
mod service;
mod settings;
mod speech;
mod tapes;
mod trial;

use std::process::ExitCode;

fn main() -> ExitCode {
    command::run()
}
