//! Events, typed after Asterisk's own names.

#[cfg(test)]
mod coverage;
mod parse;
mod table;

pub use table::*;
