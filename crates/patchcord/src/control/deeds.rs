//! What can be asked for, and how it is done.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use call::{Place, RoomNews};
use serde::Deserialize;
use store::Audit;

use super::phone::{Phone, attends, listens};
use super::{Office, Refusal};

/// What is asked for, and by whom.
#[derive(Debug, Deserialize)]
pub(super) struct Asked<Deed> {
    by: String,
    #[serde(flatten)]
    deed: Deed,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(super) enum OfCall {
    Listen { from: String },
    Whisper { from: String },
}

#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(super) enum OfRoom {
    Add { destination: String },
    Lock,
    Unlock,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(super) enum OfMember {
    Remove,
    Mute,
    Unmute,
    Hold,
    Resume,
    Listen { from: String },
    Whisper { from: String },
}

pub(super) async fn of_call(
    office: &Arc<Office>,
    call: &str,
    Asked { by, deed }: Asked<OfCall>,
) -> Result<String, Refusal> {
    let (from, whispers) = match deed {
        OfCall::Listen { from } => (from, false),
        OfCall::Whisper { from } => (from, true),
    };
    let (endpoint, ring) = office.phone(&from)?;
    let listening = office.calls.listen(call, whispers)?;
    let target = listening.channel.clone();
    let phone = office.ring(&endpoint, ring).await?;
    office.audit(&by, if whispers { "call.whisper" } else { "call.listen" }, call);
    let stopped = office.stopped.clone();
    office.beside(listens(phone, target, whispers, Some(listening), stopped));
    Ok(format!("{from} rings, and hears the call"))
}

pub(super) async fn of_room(
    office: &Arc<Office>,
    room: &str,
    Asked { by, deed }: Asked<OfRoom>,
) -> Result<String, Refusal> {
    let (what, told) = match deed {
        OfRoom::Add { destination } => {
            office.conferences.has(room)?;
            let (endpoint, ring) = office.phone(&destination)?;
            let phone = office.ring(&endpoint, ring).await?;
            let (rooms, stopped) = (office.conferences.clone(), office.stopped.clone());
            let told = format!("{destination} rings, and comes into {room}");
            office.beside(attends(phone, rooms, room.to_owned(), destination, stopped));
            ("room.add", told)
        }
        OfRoom::Lock => {
            office.conferences.lock(room, true)?;
            ("room.lock", format!("{room} is locked"))
        }
        OfRoom::Unlock => {
            office.conferences.lock(room, false)?;
            ("room.unlock", format!("{room} is open"))
        }
    };
    office.audit(&by, what, room);
    Ok(told)
}

pub(super) async fn of_member(
    office: &Arc<Office>,
    room: &str,
    number: u64,
    Asked { by, deed }: Asked<OfMember>,
) -> Result<String, Refusal> {
    let (what, news, told) = match deed {
        OfMember::Remove => ("room.remove", RoomNews::Removed, "is taken out"),
        OfMember::Mute => ("room.mute", RoomNews::Muted(true), "is muted"),
        OfMember::Unmute => ("room.unmute", RoomNews::Muted(false), "is heard"),
        OfMember::Hold => ("room.hold", RoomNews::Held(true), "hears music"),
        OfMember::Resume => ("room.resume", RoomNews::Held(false), "hears the room"),
        OfMember::Listen { from } => return of_voice(office, room, number, &by, from, false).await,
        OfMember::Whisper { from } => return of_voice(office, room, number, &by, from, true).await,
    };
    office.conferences.tell(room, number, news)?;
    office.audit(&by, what, &format!("{room}/{number}"));
    Ok(format!("number {number} in {room} {told}"))
}

/// Somebody listens to one who is in a room.
async fn of_voice(
    office: &Arc<Office>,
    room: &str,
    number: u64,
    by: &str,
    from: String,
    whispers: bool,
) -> Result<String, Refusal> {
    let target = office.conferences.channel(room, number)?;
    let (endpoint, ring) = office.phone(&from)?;
    // Of guests there is no call.
    let listening = office.calls.listen_to(&target).transpose()?;
    let phone = office.ring(&endpoint, ring).await?;
    let what = if whispers { "room.whisper" } else { "room.listen" };
    office.audit(by, what, &format!("{room}/{number}"));
    office.beside(listens(phone, target, whispers, listening, office.stopped.clone()));
    Ok(format!("{from} rings, and hears number {number} in {room}"))
}

impl Office {
    /// The phone of a destination, and how long it may ring.
    fn phone(&self, name: &str) -> Result<(String, Duration), Refusal> {
        let receptionist = self.desks.for_call("").receptionist.clone();
        let Some(id) = receptionist.destination_named(name) else {
            let known: Vec<&str> = receptionist.destinations.iter().map(|it| &*it.name).collect();
            let mend = format!("use one of: {}", known.join(", "));
            let cause = format!("there is no destination {name}\n  mend: {mend}");
            return Err(Refusal(StatusCode::NOT_FOUND, cause));
        };
        let destination = receptionist.destination(id);
        match &destination.place {
            Place::Endpoint(endpoint) => Ok((endpoint.clone(), destination.ring)),
            Place::Queue(_) | Place::Dialplan { .. } => {
                let cause = format!("the destination {name} is no phone, and cannot be rung");
                Err(Refusal(StatusCode::CONFLICT, cause))
            }
        }
    }

    async fn ring(&self, endpoint: &str, ring: Duration) -> Result<Phone, Refusal> {
        let denied = self.dialling.dial(endpoint, &mut 0, Instant::now());
        denied.map_err(|denied| Refusal(StatusCode::FORBIDDEN, denied.to_string()))?;
        let rung = Phone::ring(&self.client, endpoint, ring).await;
        rung.map_err(|cause| Refusal(StatusCode::BAD_GATEWAY, cause))
    }

    fn audit(&self, by: &str, what: &str, subject: &str) {
        self.keeper.audit(Audit::new(by, what).about(subject));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_read_with_who_asks() {
        let asked: Asked<OfMember> =
            serde_json::from_str(r#"{"by": "ann", "do": "hold"}"#).expect("well formed");
        assert!(asked.by == "ann" && matches!(asked.deed, OfMember::Hold));
        let asked: Asked<OfCall> =
            serde_json::from_str(r#"{"by": "ann", "do": "whisper", "from": "tom"}"#)
                .expect("well formed");
        assert!(matches!(asked.deed, OfCall::Whisper { from } if from == "tom"));
        for wrong in [r#"{"do": "hold"}"#, r#"{"by": "ann", "do": "fly"}"#, "{}"] {
            assert!(serde_json::from_str::<Asked<OfMember>>(wrong).is_err(), "{wrong}");
        }
    }
}
