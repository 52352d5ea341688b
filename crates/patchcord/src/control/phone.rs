//! A phone that is rung for somebody who looks after calls: it comes into a room as a guest, or listens. Whatever ends, the
//! phone or what it was rung for, nothing of it is left.

use std::pin::pin;
use std::time::Duration;

use ari::{
    AddChannel, Client, Delivery, Event, Mailbox, MuteDirection, Originate, Resource, Snoop,
    SnoopDirection, ids,
};
use call::RoomNews;
use tokio::sync::watch;

use crate::conferences::{Conferences, Seat};
use crate::driver::{Ours, create_bridge, release};
use crate::live_calls::Listening;

/// How much longer than its ringing time a phone may take before it is given up.
const GRACE: Duration = Duration::from_secs(2);

/// How long a channel of ours may take to be there.
const SOON: Duration = Duration::from_secs(5);

/// A phone that rings.
pub(super) struct Phone {
    client: Client,
    mailbox: Mailbox,
    channel: String,
    ring: Duration,
}

impl Phone {
    pub(super) async fn ring(
        client: &Client,
        endpoint: &str,
        ring: Duration,
    ) -> Result<Self, String> {
        let (mailbox, channel) = (client.mailbox(), ids::unique("phone"));
        mailbox.watch(Resource::Channel(channel.clone()));
        let mut originate = Originate::to_app(endpoint, client.config().app());
        originate.timeout = Some(ring);
        match client.channels().originate(&channel, &originate).await {
            Ok(_) => Ok(Self { client: client.clone(), mailbox, channel, ring }),
            Err(error) => {
                // It may ring all the same.
                release(client, &Ours::Channel(channel)).await;
                Err(format!("{endpoint} cannot be rung: {error}"))
            }
        }
    }

    /// Waits until a channel is in our application; false if that cannot be any more, or takes too long.
    async fn enters(&mut self, channel: &str, within: Duration) -> bool {
        let entered = async {
            loop {
                match self.next().await {
                    Some(Told::Entered(id)) if id == channel => return true,
                    Some(Told::Ended(id)) if id == channel || id == self.channel => return false,
                    Some(_) => {}
                    None => return false,
                }
            }
        };
        tokio::time::timeout(within, entered).await.unwrap_or(false)
    }

    async fn answered(&mut self, stopped: &mut watch::Receiver<bool>) -> bool {
        let (channel, within) = (self.channel.clone(), self.ring + GRACE);
        tokio::select! {
            answered = self.enters(&channel, within) => answered,
            _ = stopped.wait_for(|&stop| stop) => false,
        }
    }

    /// Waits until one of the channels that are watched is gone.
    async fn ends(&mut self) {
        while !matches!(self.next().await, None | Some(Told::Ended(_))) {}
    }

    /// What happens next to the channels that are watched; none after the client has closed.
    async fn next(&mut self) -> Option<Told> {
        loop {
            let Delivery::Event(received) = self.mailbox.recv().await? else { continue };
            return Some(match &received.event {
                Event::StasisStart(start) => {
                    // A phone that transfers its call is another channel from then on.
                    let old = start.replace_channel.as_ref();
                    if old.is_some_and(|old| old.id == self.channel) {
                        self.channel.clone_from(&start.channel.id);
                    }
                    Told::Entered(start.channel.id.clone())
                }
                Event::StasisEnd(end) => Told::Ended(end.channel.id.clone()),
                Event::ChannelDestroyed(end) => Told::Ended(end.channel.id.clone()),
                _ => continue,
            });
        }
    }

    async fn hang_up(self) {
        release(&self.client, &Ours::Channel(self.channel.clone())).await;
    }
}

enum Told {
    Entered(String),
    Ended(String),
}

/// The way of a phone into a room, until it or the last caller leaves.
pub(super) async fn attends(
    mut phone: Phone,
    rooms: Conferences,
    room: String,
    name: String,
    mut stopped: watch::Receiver<bool>,
) {
    if !phone.answered(&mut stopped).await {
        return phone.hang_up().await;
    }
    let mut seat = match rooms.invite(&room, &name, &phone.channel) {
        Ok(seat) => seat,
        Err(gone) => {
            tracing::info!("{gone}");
            return phone.hang_up().await;
        }
    };
    let add = AddChannel::one(&phone.channel);
    match phone.client.bridges().add_channel(&seat.bridge.id, &add).await {
        Ok(()) => {
            seat.take();
            stays(&mut phone, &mut seat, &mut stopped).await;
        }
        Err(error) => tracing::warn!(%error, "a phone could not be let into a conference"),
    }
    let (client, left) = (phone.client.clone(), seat.leave());
    phone.hang_up().await;
    if let Some(bridge) = left {
        release(&client, &Ours::Bridge(bridge.id.clone())).await;
    }
}

async fn stays(phone: &mut Phone, seat: &mut Seat, stopped: &mut watch::Receiver<bool>) {
    let (mut muted, mut held) = (false, false);
    loop {
        let news = tokio::select! {
            () = phone.ends() => return,
            _ = stopped.wait_for(|&stop| stop) => return,
            news = seat.news.recv() => news,
        };
        match news {
            None | Some(RoomNews::Removed) => return,
            Some(RoomNews::Muted(now)) => muted = now,
            Some(RoomNews::Held(now)) => {
                held = now;
                let channels = phone.client.channels();
                let done = match held {
                    true => channels.start_moh(&phone.channel, None).await,
                    false => channels.stop_moh(&phone.channel).await,
                };
                failed(done);
            }
            Some(_) => continue,
        }
        let channels = phone.client.channels();
        failed(match muted || held {
            true => channels.mute(&phone.channel, MuteDirection::In).await,
            false => channels.unmute(&phone.channel, MuteDirection::In).await,
        });
        seat.is_muted(muted);
        seat.is_held(held);
    }
}

fn failed(done: Result<(), ari::RequestError>) {
    if let Err(error) = done {
        tracing::warn!(%error, "a phone in a conference could not be muted or held, or taken back");
    }
}

/// Lets a phone hear what a channel says and hears, and if it whispers, be heard by that channel alone. It ends with either,
/// or when nobody may listen any more.
pub(super) async fn listens(
    mut phone: Phone,
    target: String,
    whispers: bool,
    mut listening: Option<Listening>,
    mut stopped: watch::Receiver<bool>,
) {
    let client = phone.client.clone();
    let (bridge, snoop) = (ids::unique("supervision"), ids::unique("snoop"));
    phone.mailbox.watch(Resource::Channel(snoop.clone()));
    phone.mailbox.watch(Resource::Bridge(bridge.clone()));
    let quit = async {
        let must_end = async {
            match &mut listening {
                Some(listening) => listening.must_end().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = must_end => {}
            _ = stopped.wait_for(|&stop| stop) => {}
        }
    };
    if let Err(cause) = hears(&mut phone, &target, whispers, &bridge, &snoop, quit).await {
        tracing::warn!(cause, "a call could not be listened to");
    }
    release(&client, &Ours::Channel(snoop)).await;
    // From here on nobody listens.
    drop(listening);
    phone.hang_up().await;
    release(&client, &Ours::Bridge(bridge)).await;
}

/// No request is given up on the way: what it makes has to be known when it is taken down.
async fn hears(
    phone: &mut Phone,
    target: &str,
    whispers: bool,
    bridge: &str,
    snoop: &str,
    quit: impl Future<Output = ()>,
) -> Result<(), String> {
    let mut quit = pin!(quit);
    let (client, channel, ring) = (phone.client.clone(), phone.channel.clone(), phone.ring);
    let answered = tokio::select! {
        answered = phone.enters(&channel, ring + GRACE) => answered,
        () = &mut quit => false,
    };
    if !answered {
        return Ok(());
    }
    create_bridge(&client, bridge).await?;
    let how = Snoop {
        spy: SnoopDirection::Both,
        whisper: if whispers { SnoopDirection::Out } else { SnoopDirection::None },
        app: client.config().app().to_owned(),
        app_args: None,
    };
    let made = client.channels().snoop_channel(target, snoop, &how).await;
    made.map_err(|error| error.to_string())?;
    let came = tokio::select! {
        came = phone.enters(snoop, SOON) => came,
        () = &mut quit => return Ok(()),
    };
    if !came {
        return Err("the channel that listens did not come".to_owned());
    }
    let add = AddChannel { channels: vec![channel, snoop.to_owned()], ..AddChannel::default() };
    let added = client.bridges().add_channel(bridge, &add).await;
    added.map_err(|error| error.to_string())?;
    tokio::select! {
        () = phone.ends() => {}
        () = &mut quit => {}
    }
    Ok(())
}
