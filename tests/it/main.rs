//! The tests that belong to no single crate.

mod call;
mod conformance;
mod corpus;
mod layout;
mod network;
