//! How the agents of the demo and of replays behave.

use std::time::Duration;

use serde::Deserialize;

use crate::assets;

/// How an agent reacts to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// Answers after ringing.
    Answers { rings: Duration },
    /// Is busy.
    Busy,
}

/// How agents behave, by endpoint. One that is not named answers after a short while.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Agents {
    rings_ms: u64,
    busy: Vec<String>,
}

impl Agents {
    /// The agents of `assets/agents.toml`.
    pub(crate) fn embedded() -> Self {
        let text = assets::file("agents.toml").unwrap_or_default();
        toml::from_slice(text).expect("the embedded file is well formed; a test reads it")
    }

    pub(crate) fn reaction(&self, endpoint: &str) -> Reaction {
        if self.busy.iter().any(|busy| busy == endpoint) {
            return Reaction::Busy;
        }

        Reaction::Answers { rings: Duration::from_millis(self.rings_ms) }
    }
}
