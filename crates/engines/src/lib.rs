//! Ears for telephone calls: voice activity, turns and speech recognition, all on this machine unless asked otherwise;
//! a mouth, [`synthesis`], and a pen, [`llm`], which may also hear and speak by itself.
//!
//! From the outside in: [`models`] fetches and checks the files; [`hearing`] is the live service,
//! one thread that listens to all calls and a pool that reads for them; [`listener`] is the ear of
//! one call, without clock or engine, the same live and in a replay; [`voice`] gates
//! and batches voice activity; [`silero`], computed here, and [`moonshine`], run by ONNX Runtime
//! ([`runtime`]), are the engines behind the traits of [`recognizer`], which another engine can
//! implement; [`cost`] says what they cost in virtual time. [`turn`] judges whether a pause is an end, and [`echo`]
//! whether what is heard is our own voice. [`remote`] speaks to vendors' recognizers instead, and [`chain`] puts
//! engines in an order of preference, so that a turn is heard by the next one when one fails. [`embedding`] is
//! optional and makes vectors of sentences.
//!
//! Audio comes in as frames of 160 samples at 8 kHz and is read at 16 kHz. Positions are samples
//! at 8 kHz on the stream's time line.
//!
//! ```no_run
//! use engines::hearing::{Hearing, HearingConfig};
//! use engines::listener::Heard;
//! use engines::models::Store;
//!
//! let models = Store::open(Store::default_dir()?)?.paths()?;
//! let hearing = Hearing::start(&models, HearingConfig::default())?;
//! let mut ear = hearing.ear(|heard| {
//!     if let Heard::Final(words) = heard {
//!         println!("{}", words.text);
//!     }
//! })?;
//! for position in (0..80_000).step_by(audio::FRAME) {
//!     ear.frame(&[0; audio::FRAME], position);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod chain;
pub mod cost;
pub mod echo;
pub mod embedding;
pub mod hearing;
pub mod key;
pub mod listener;
pub mod llm;
pub mod models;
pub mod moonshine;
mod numerals;
pub mod phrases;
pub mod recognizer;
pub mod remote;
pub mod runtime;
pub mod script;
pub mod silero;
pub mod synthesis;
pub mod tls;
pub mod turn;
pub mod voice;
pub mod words;
