//! The tests that belong to no single crate.

mod conformance;
mod corpus;
mod layout;
mod network;
