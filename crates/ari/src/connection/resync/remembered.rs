//! What was set on the application through this client, to be set again when Asterisk may have forgotten it.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard};

use crate::models::Application;
use crate::rest::{Applications, EventFilter, RequestError, Roads};

/// The event filter and the explicit subscriptions.
#[derive(Debug, Default)]
pub(crate) struct Remembered(Mutex<Settings>);

#[derive(Debug, Default)]
struct Settings {
    filter: Option<EventFilter>,
    sources: BTreeSet<String>,
}

impl Remembered {
    /// Subscribes to an event source, for good.
    pub(crate) async fn subscribe(
        &self,
        roads: &Roads,
        app: &str,
        source: &str,
    ) -> Result<(), RequestError> {
        Applications(roads).subscribe(app, &[source]).await?;
        self.settings().sources.insert(source.to_owned());
        Ok(())
    }

    /// Ends a subscription.
    pub(crate) async fn unsubscribe(
        &self,
        roads: &Roads,
        app: &str,
        source: &str,
    ) -> Result<(), RequestError> {
        // Whatever comes of the request, it is not to come back.
        self.settings().sources.remove(source);
        Applications(roads).unsubscribe(app, &[source]).await.map(drop)
    }

    /// Sets the event filter, for good.
    pub(crate) async fn filter(
        &self,
        roads: &Roads,
        app: &str,
        filter: EventFilter,
    ) -> Result<(), RequestError> {
        Applications(roads).filter(app, &filter).await?;
        self.settings().filter = Some(filter);
        Ok(())
    }

    /// Sets again what is missing.
    pub(super) async fn restore(&self, roads: &Roads, app: &str) -> Result<(), RequestError> {
        let applications = Applications(roads);
        let (filter, sources) = {
            let settings = self.settings();
            (settings.filter.clone(), settings.sources.clone())
        };
        if let Some(filter) = filter {
            applications.filter(app, &filter).await?;
        }
        if sources.is_empty() {
            return Ok(());
        }
        // Subscriptions are counted: a second one would outlive its end.
        let present = applications.get(app).await?;
        for source in sources.iter().filter(|source| !is_subscribed(&present, source)) {
            // One a request: a source that is gone would refuse the others too.
            match applications.subscribe(app, &[source]).await {
                Err(RequestError::Rejected { reason, .. }) => {
                    tracing::warn!(app, source, %reason, "a subscription has come to its end");
                    self.settings().sources.remove(source);
                }
                outcome => drop(outcome?),
            }
        }
        Ok(())
    }

    fn settings(&self) -> MutexGuard<'_, Settings> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }
}

/// Whether Asterisk still has it. A bare scheme, which stands for all of a kind, ends with the socket.
fn is_subscribed(application: &Application, source: &str) -> bool {
    let Some((scheme, id)) = source.split_once(':') else { return false };
    let ids = match scheme {
        "channel" => &application.channel_ids,
        "bridge" => &application.bridge_ids,
        "endpoint" => &application.endpoint_ids,
        "deviceState" => &application.device_names,
        _ => return false,
    };
    ids.iter().any(|found| found == id)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_subscription_is_recognised_and_a_bare_scheme_never() {
        let application: Application = serde_json::from_value(json!({
            "name": "frontdesk", "channel_ids": ["c1"], "bridge_ids": ["b1"],
            "endpoint_ids": ["PJSIP/alice"], "device_names": ["Stasis:desk"],
        }))
        .unwrap();
        for (source, expected) in [
            ("channel:c1", true),
            ("channel:c2", false),
            ("bridge:b1", true),
            ("endpoint:PJSIP/alice", true),
            ("deviceState:Stasis:desk", true),
            ("channel:", false),
            ("channel", false),
        ] {
            assert_eq!(is_subscribed(&application, source), expected, "{source}");
        }
    }
}
