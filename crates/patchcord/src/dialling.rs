//! Who may be dialled. Calls reach named destinations only; of those, the phones of this Asterisk always, and what leads out
//! of it where the configuration says so, and so often at most: a mistake in a flow or a clever caller must not run up a
//! bill.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use call::{Place, Receptionist};
use serde::Deserialize;
use thiserror::Error;

const HOUR: Duration = Duration::from_secs(3_600);

/// The section `[dialling]` of the configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DiallingSettings {
    /// How endpoints begin that lead out of this Asterisk and may be dialled all the same.
    allow: Vec<String>,
    /// How many of those a call may dial.
    in_a_call: u32,
    /// And all calls together in any hour.
    in_an_hour: usize,
    /// Who carries out the transfers that phones ask for.
    transfers: Transfers,
}

/// Who carries out the transfers that phones ask for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Transfers {
    /// Asterisk, to whatever the dialplan has in the phone's context.
    #[default]
    Asterisk,
    /// We, to the receptionist's destinations.
    Destinations,
}

impl Default for DiallingSettings {
    fn default() -> Self {
        Self { allow: Vec::new(), in_a_call: 4, in_an_hour: 200, transfers: Transfers::default() }
    }
}

/// Why an endpoint may not be dialled.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum Denied {
    #[error(
        "the destination \"{name}\" leads out of this Asterisk ({endpoint}), which nothing allows\n  mend: add how it begins to allow in [dialling], as in allow = [\"{endpoint}\"]"
    )]
    Destination { name: String, endpoint: String },
    #[error("{0} leads out of this Asterisk, and this call has dialled out {1} times already")]
    InACall(String, u32),
    #[error("{0} leads out of this Asterisk, and calls have dialled out {1} times within an hour")]
    InAnHour(String, usize),
}

/// Lets destinations be dialled, or not, and counts those that lead out of this Asterisk.
#[derive(Debug, Default)]
pub(crate) struct Dialling {
    settings: DiallingSettings,
    /// When each was dialled within the last hour.
    dialled: Mutex<VecDeque<Instant>>,
}

impl Dialling {
    pub(crate) fn new(settings: DiallingSettings) -> Self {
        Self { settings, dialled: Mutex::default() }
    }

    /// Whether phones that want a transfer are to ask us.
    pub(crate) fn transfers_are_ours(&self) -> bool {
        self.settings.transfers == Transfers::Destinations
    }

    /// Lets a call dial, which has dialled out `before` and counts on.
    pub(crate) fn dial(
        &self,
        endpoint: &str,
        before: &mut u32,
        now: Instant,
    ) -> Result<(), Denied> {
        if !leads_out(endpoint) {
            return Ok(());
        }
        if *before >= self.settings.in_a_call {
            return Err(Denied::InACall(endpoint.to_owned(), *before));
        }
        let mut dialled = self.dialled.lock().unwrap_or_else(PoisonError::into_inner);
        while dialled.front().is_some_and(|&first| now.saturating_duration_since(first) >= HOUR) {
            dialled.pop_front();
        }
        if dialled.len() >= self.settings.in_an_hour {
            return Err(Denied::InAnHour(endpoint.to_owned(), dialled.len()));
        }
        dialled.push_back(now);
        *before += 1;
        Ok(())
    }
}

impl DiallingSettings {
    /// Whether every destination of a receptionist may be dialled.
    pub(crate) fn suit(&self, receptionist: &Receptionist) -> Result<(), Denied> {
        for destination in &receptionist.destinations {
            if let Place::Endpoint(endpoint) = &destination.place
                && leads_out(endpoint)
                && !self.allow.iter().any(|begins| endpoint.starts_with(&**begins))
            {
                let (name, endpoint) = (destination.name.clone(), endpoint.clone());
                return Err(Denied::Destination { name, endpoint });
            }
        }
        Ok(())
    }
}

/// Whether a channel to this endpoint may leave this Asterisk: through a trunk (`PJSIP/15550100@carrier`, `DAHDI/g1/15550100`),
/// to an address (`PJSIP/phone/sip:...`), or into the dialplan, which can dial anything.
fn leads_out(endpoint: &str) -> bool {
    let (technology, resource) = endpoint.split_once('/').unwrap_or(("", endpoint));
    technology.eq_ignore_ascii_case("local") || resource.contains(['/', '@', ':'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowing(allow: &[&str]) -> DiallingSettings {
        let allow = allow.iter().map(|it| (*it).to_owned()).collect();
        DiallingSettings { allow, in_a_call: 2, in_an_hour: 3, ..DiallingSettings::default() }
    }

    fn receptionist(endpoint: &str) -> Receptionist {
        let text = crate::assets::file("receptionist.toml").expect("it is in the program");
        let text = String::from_utf8_lossy(text).replace("PJSIP/sales", endpoint);
        Receptionist::parse("receptionist.toml", &text).expect("well formed")
    }

    #[test]
    fn what_leads_out_is_denied_unless_it_is_allowed() {
        for phone in ["PJSIP/sales", "SIP/100", "DAHDI/1"] {
            assert_eq!(allowing(&[]).suit(&receptionist(phone)), Ok(()), "{phone}");
        }
        let out = [
            "PJSIP/15550100@carrier",
            "PJSIP/sales/sip:a@example.com",
            "DAHDI/g1/15550100",
            "Local/15550100@outbound",
        ];
        for endpoint in out {
            let denied = allowing(&[]).suit(&receptionist(endpoint));
            let (name, endpoint) = ("sales".to_owned(), endpoint.to_owned());
            assert_eq!(denied, Err(Denied::Destination { name, endpoint }));
        }
        let allowing = allowing(&["PJSIP/1555", "Local/"]);
        let allows = |endpoint: &&str| allowing.suit(&receptionist(endpoint)).is_ok();
        let allowed: Vec<_> = out.into_iter().filter(allows).collect();
        assert_eq!(allowed, ["PJSIP/15550100@carrier", "Local/15550100@outbound"]);
    }

    #[test]
    fn a_call_and_an_hour_have_an_end() {
        let out = "PJSIP/15550100@carrier";
        let dialling = Dialling::new(allowing(&["PJSIP/"]));
        let (now, mut one, mut other) = (Instant::now(), 0, 0);
        for _ in 0..2 {
            assert_eq!(dialling.dial(out, &mut one, now), Ok(()));
        }
        assert_eq!(dialling.dial(out, &mut one, now), Err(Denied::InACall(out.to_owned(), 2)));
        assert_eq!(dialling.dial("PJSIP/sales", &mut one, now), Ok(()));
        assert_eq!(dialling.dial(out, &mut other, now), Ok(()));
        assert_eq!(dialling.dial(out, &mut other, now), Err(Denied::InAnHour(out.to_owned(), 3)));
        assert_eq!(dialling.dial(out, &mut other, now + HOUR), Ok(()));
    }
}
