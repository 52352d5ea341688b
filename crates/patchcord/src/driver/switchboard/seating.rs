//! A caller's way into a conference and out of it.

use ari::{AddChannel, Mailbox, MuteDirection, RequestError, Resource, Snoop, SnoopDirection, ids};
use call::{Input, NoRoom};

use super::release::{Ours, release};
use super::{Done, Presence, Switchboard};
use crate::conferences::{Conferences, Seat};
use crate::driver::room::create_bridge;

/// The caller's place in a conference. The caller is in its bridge; in the caller's room a channel that snoops on the
/// caller is in the caller's place: what we play there is whispered to the caller, and what the caller says comes there.
pub(super) struct Seated {
    pub(super) seat: Seat,
    pub(super) snoop: String,
    /// What is still waited for.
    lacks: Lacks,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lacks {
    /// The reply to the request that makes the snooping channel, and the channel.
    ReplyAndChannel,
    Reply,
    Channel,
    Nothing,
}

impl Seated {
    /// Whether the caller is in the conference's bridge.
    pub(super) fn is_there(&self) -> bool {
        self.lacks == Lacks::Nothing
    }
}

impl Switchboard {
    /// Lets the caller into a conference; what the call is told if that cannot be.
    pub(in crate::driver) fn enter_conference(
        &mut self,
        mailbox: &Mailbox,
        conferences: &Conferences,
        room: &str,
        name: &str,
    ) -> Option<Input> {
        let Some(seat) = conferences.enter(room, name, &self.caller.id) else {
            return Some(Input::RoomRefused(NoRoom::Locked));
        };
        let (client, id, bridge) =
            (self.client.clone(), self.caller.id.clone(), seat.bridge.clone());
        let snoop = ids::unique("snoop");
        mailbox.watch(Resource::Channel(snoop.clone()));
        self.seated = Some(Seated { seat, snoop: snoop.clone(), lacks: Lacks::ReplyAndChannel });
        self.request(async move {
            let made = bridge.made.get_or_try_init(|| create_bridge(&client, &bridge.id)).await;
            if let Err(why) = made {
                return Done::Snooped(Err(why));
            }
            let how = Snoop {
                spy: SnoopDirection::In,
                whisper: SnoopDirection::Out,
                app: client.config().app().to_owned(),
                app_args: None,
            };
            let made = client.channels().snoop_channel(&id, &snoop, &how).await;
            Done::Snooped(made.map(drop).map_err(|error| error.to_string()))
        });
        None
    }

    /// Takes the caller into the conference, once the snooping channel can take the caller's place.
    pub(super) fn sit(&mut self, came: Lacks) {
        let Some(seated) = &mut self.seated else { return };
        seated.lacks = match (seated.lacks, came) {
            (Lacks::ReplyAndChannel, Lacks::Reply) => Lacks::Channel,
            (Lacks::ReplyAndChannel, Lacks::Channel) => Lacks::Reply,
            (lacks, came) if lacks == came => Lacks::Nothing,
            _ => return,
        };
        if seated.lacks != Lacks::Nothing {
            return;
        }
        let client = self.client.clone();
        let (conference, room) = (seated.seat.bridge.id.clone(), self.room.bridge.clone());
        let (caller, snoop) = (AddChannel::one(&self.caller.id), AddChannel::one(&seated.snoop));
        self.request(async move {
            let bridges = client.bridges();
            let moved = async {
                bridges.add_channel(&conference, &caller).await?;
                bridges.add_channel(&room, &snoop).await
            };
            Done::Seated(moved.await.map_err(|error: RequestError| error.to_string()))
        });
    }

    /// Takes the caller out of the conference.
    pub(in crate::driver) fn leave_conference(&mut self) {
        let Some(Seated { seat, snoop, .. }) = self.seated.take() else { return };
        let client = self.client.clone();
        let (room, caller) = (self.room.bridge.clone(), AddChannel::one(&self.caller.id));
        let here = self.caller.presence == Presence::Here;
        self.unwanted.push(snoop.clone());
        let left = seat.leave();
        self.request(async move {
            // Who hangs up just now cannot be moved, and needs not be.
            if here && let Err(error) = client.bridges().add_channel(&room, &caller).await {
                tracing::warn!(%error, "a caller could not be taken out of a conference");
            }
            release(&client, &Ours::Channel(snoop)).await;
            if let Some(bridge) = left {
                // One that is being made at this moment would be left over.
                let _ = bridge.made.get_or_try_init(|| create_bridge(&client, &bridge.id)).await;
                release(&client, &Ours::Bridge(bridge.id.clone())).await;
            }
            Done::Unseated
        });
    }

    pub(in crate::driver) fn lock_conference(&self, locked: bool) {
        if let Some(seated) = &self.seated {
            seated.seat.lock(locked);
        }
    }

    /// Plays music to the caller in place of what the conference's bridge would, or that again.
    pub(in crate::driver) fn hold(&mut self, held: bool) {
        if let Some(seated) = &self.seated {
            seated.seat.is_held(held);
        }
        let (client, id) = (self.client.clone(), self.caller.id.clone());
        self.request(async move {
            let channels = client.channels();
            let done = match held {
                true => channels.start_moh(&id, None).await,
                false => channels.stop_moh(&id).await,
            };
            if let Err(error) = done {
                tracing::warn!(%error, held, "a caller could not be held, or taken back");
            }
            Done::Released
        });
    }

    pub(in crate::driver) fn mute(&mut self, muted: bool) {
        if let Some(seated) = &self.seated {
            seated.seat.is_muted(muted);
        }
        let (client, id) = (self.client.clone(), self.caller.id.clone());
        self.request(async move {
            let channels = client.channels();
            let done = match muted {
                true => channels.mute(&id, MuteDirection::In).await,
                false => channels.unmute(&id, MuteDirection::In).await,
            };
            if let Err(error) = done {
                tracing::warn!(%error, muted, "a caller could not be muted, or heard again");
            }
            Done::Released
        });
    }
}
