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

/// The ids that an event is routed by, in the order of the text; none of a text that is no event. For tests.
#[doc(hidden)]
pub fn routing_keys(json: &str) -> Option<Vec<String>> {
    let envelope: envelope::Envelope<'_> = serde_json::from_str(json).ok()?;
    Some(envelope.ids.into_iter().map(|(_, id)| id.into_owned()).collect())
}

#[cfg(test)]
mod tests;
