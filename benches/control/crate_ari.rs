//! The contestant that uses our crate, as its users would.

use std::sync::Arc;
use std::time::Instant;

use ari::{
    AddChannel, Arrival, Client, Config, CreateBridge, Delivery, Event, ExternalMedia, Hangup,
    Mailbox, Method, Resource,
};
use serde_json::json;
use tokio::try_join;

use crate::contestant::{
    APP, FLOOD, FLOODED, Flood, Ports, exit_with_input, first_packet, say, say_call, say_failed,
    say_flood,
};
use crate::wire::Access;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Serves until our input ends.
pub(crate) async fn run(access: Access) -> Result<()> {
    let ports = Arc::new(Ports::open().await?);
    let config = Config::new(&access.url, access.user, access.password, APP)?;
    let (client, mut arrivals) = Client::connect(config).await?;
    say(format_args!("ready"));
    exit_with_input();
    while let Some(arrival) = arrivals.recv().await {
        let (client, ports) = (client.clone(), Arc::clone(&ports));
        tokio::spawn(async move {
            let id = arrival.start.channel.id.clone();
            let done = if id.starts_with(FLOOD) {
                flooded(&client, arrival).await
            } else {
                serve(&client, arrival, &ports).await
            };
            if let Err(error) = done {
                say_failed(&id, &error);
            }
        });
    }
    Ok(())
}

async fn serve(client: &Client, arrival: Arrival, ports: &Ports) -> Result<()> {
    let Arrival { start, at, mut mailbox, .. } = arrival;
    let id = start.channel.id.as_str();
    let (media, bridge) = (format!("media-{id}"), format!("bridge-{id}"));
    mailbox.watch(Resource::Channel(media.clone()));
    let port = ports.take()?;
    let external = ExternalMedia::rtp_ulaw(APP, port.local_addr()?);
    let mixing = CreateBridge::default();
    let (channels, bridges) = (client.channels(), client.bridges());
    try_join!(
        channels.answer(id),
        bridges.create(&bridge, &mixing),
        channels.external_media(&media, &external),
    )?;
    started(&mut mailbox, &media).await?;
    let both = AddChannel { channels: vec![id.into(), media.clone()], ..AddChannel::default() };
    let (_, joined, packet) = try_join!(
        async { Ok(bridges.add_channel(&bridge, &both).await?) },
        entered(&mut mailbox),
        async { Ok(first_packet(&port).await?) },
    )?;
    try_join!(
        channels.hangup(id, Hangup::default()),
        channels.hangup(&media, Hangup::default()),
        bridges.destroy(&bridge),
    )?;
    say_call(id, at, joined, packet);
    Ok(())
}

async fn started(mailbox: &mut Mailbox, media: &str) -> Result<()> {
    loop {
        if let (Event::StasisStart(start), _) = next(mailbox).await?
            && start.channel.id == media
        {
            return Ok(());
        }
    }
}

/// When the second of the two entered the bridge.
async fn entered(mailbox: &mut Mailbox) -> Result<Instant> {
    let mut inside = 0;
    loop {
        if let (Event::ChannelEnteredBridge(_), at) = next(mailbox).await? {
            inside += 1;
            if inside == 2 {
                return Ok(at);
            }
        }
    }
}

async fn flooded(client: &Client, arrival: Arrival) -> Result<()> {
    let id = arrival.start.channel.id.as_str();
    // A mailbox of the size that a flood of this kind needs: its owner may be slower than Asterisk.
    let mut noise = client.mailbox();
    noise.watch(Resource::Channel(format!("in-{id}")));
    let mut flood = Flood { events: 0, first: None };
    let subscription = format!("applications/{APP}/subscription");
    let source = json!({ "eventSource": format!("channel:in-{id}") });
    client.request(Method::POST, &subscription, Some(source)).await?;
    client.channels().answer(id).await?;
    loop {
        match next(&mut noise).await? {
            (Event::ChannelVarset(set), at) => {
                flood.first.get_or_insert(at);
                flood.events += 1;
                if set.variable == FLOODED {
                    break;
                }
            }
            (Event::ChannelDialplan(_), _) => flood.events += 1,
            _ => {}
        }
    }
    let last = Instant::now();
    client.channels().hangup(id, Hangup::default()).await?;
    say_flood(id, flood, last);
    Ok(())
}

async fn next(mailbox: &mut Mailbox) -> Result<(Event, Instant)> {
    match mailbox.recv().await {
        Some(Delivery::Event(received)) => Ok((received.event, received.at)),
        other => Err(format!("instead of an event: {other:?}").into()),
    }
}
