//! Events, typed after Asterisk's own names.

mod parse;
mod table;

pub use table::*;
