//! The tests that belong to no single crate.

mod call;
mod corpus;
mod layout;
