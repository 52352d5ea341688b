//! The tests that belong to no single crate.

mod call;
mod conformance;
mod corpus;
mod flow;
mod layout;
mod network;
