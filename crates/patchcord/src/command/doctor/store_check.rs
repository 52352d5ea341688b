//! The store: whether it is there, and whether what is published in it can take calls.

use std::sync::Arc;

use store::{Live, Store};

use super::{Finding, warning, well};
use crate::desk::Desk;
use crate::desks::Board;
use crate::settings::StoreSettings;

pub(super) async fn look(
    settings: &StoreSettings,
    desk: Option<Desk>,
    findings: &mut Vec<Finding>,
) {
    if let Some(exposed) = &settings.exposed {
        findings.push(warning("store", exposed.to_string(), ""));
    }
    let store = match Store::open(&settings.location).await {
        Ok(store) => store,
        Err(error) => {
            findings.push(warning("store", error.to_string(), ""));
            return;
        }
    };
    let snapshot = match Live::start(store).await {
        Ok(live) => live.now(),
        Err(error) => {
            findings.push(warning("store", error.to_string(), ""));
            return;
        }
    };
    let (flows, numbers) = (snapshot.flows().count(), snapshot.numbers().count());
    let says = format!("{} has {flows} flows and {numbers} inbound numbers", settings.location);
    findings.push(well("store", says));
    // Who has no receptionist has been told so.
    let Some(desk) = desk else { return };
    let build = move || Board::build(&desk, Arc::clone(&snapshot), &Board::default()).1;
    match tokio::task::spawn_blocking(build).await {
        Ok(refused) => {
            let says = refused.iter().map(ToString::to_string);
            findings.extend(says.map(|says| warning("number", says, "")));
        }
        Err(error) => findings.push(warning("number", error.to_string(), "")),
    }
}
