//! How what is ours in Asterisk is ended.

use std::time::Duration;

use ari::{Client, Hangup, RequestError};

/// How often a hang-up or the end of a bridge is asked for while no reply comes, and how long to wait in between.
const RELEASES: u32 = 4;
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// Something of ours in Asterisk.
#[derive(Debug)]
pub(crate) enum Ours {
    Channel(String),
    Bridge(String),
}

/// Ends something of ours. It is asked for again while nobody knows whether it was done: twice does no harm.
pub(crate) async fn release(client: &Client, ours: &Ours) {
    for attempt in 1..=RELEASES {
        let released = match ours {
            Ours::Channel(id) => client.channels().hangup(id, Hangup::default()).await,
            Ours::Bridge(id) => client.bridges().destroy(id).await,
        };
        match released {
            Err(RequestError::NotSent { .. } | RequestError::OutcomeUnknown { .. })
                if attempt < RELEASES =>
            {
                tokio::time::sleep(ASK_AGAIN).await;
            }
            Err(error) if !error.is_gone() => {
                return tracing::warn!(%error, ?ours, "something could not be released");
            }
            _ => return,
        }
    }
}
