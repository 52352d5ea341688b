//! Who gets which event.
//!
//! The socket's reader reads of each event no more than its kind and the ids it names ([`envelope`]), finds the
//! mailboxes that own those ids ([`books`], [`router`]) and puts the text into their queues ([`queue`]). It takes constant
//! time an event and never waits; the text is parsed by whoever takes it out.
//!
//! While the state is compared after a reconnect, events wait ([`hold`]); what was missed is told by events of our
//! own making ([`made_up`]).

mod arrivals;
mod books;
mod counters;
mod envelope;
mod hold;
mod made_up;
mod mailbox;
mod queue;
mod router;

pub use arrivals::{Arrival, Arrivals};
pub use counters::Counters;
pub use mailbox::{Delivery, Mailbox, Origin, Received};
pub use router::Resource;

pub(crate) use books::{MailboxId, Standing, Told};
pub(crate) use hold::Held;
pub(crate) use queue::Limits;
pub(crate) use router::{Chore, Router, Signal};

/// The ids that an event is routed by, in the order of the text; none of a text that is no event. For tests.
#[doc(hidden)]
pub fn routing_keys(json: &str) -> Option<Vec<String>> {
    let envelope: envelope::Envelope<'_> = serde_json::from_str(json).ok()?;
    Some(envelope.ids.into_iter().map(|(_, id)| id.into_owned()).collect())
}

#[cfg(test)]
mod tests;
