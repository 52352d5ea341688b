//! Who gets which event.
//!
//! The socket's reader reads of each event no more than its kind and the ids it names ([`envelope`]), finds the
//! mailboxes that own those ids ([`router`]) and puts the text into their queues ([`queue`]). It takes constant
//! time an event and never waits; the text is parsed by whoever takes it out.

mod arrivals;
mod counters;
mod envelope;
mod mailbox;
mod queue;
mod router;

pub use arrivals::{Arrival, Arrivals};
pub use counters::Counters;
pub use mailbox::{Delivery, Mailbox, Received};
pub use router::Resource;

pub(crate) use router::{Router, Signal};

#[cfg(test)]
mod tests;
