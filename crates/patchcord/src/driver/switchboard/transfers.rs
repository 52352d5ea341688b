//! Transfers: those that Asterisk has made, and those that a phone asks us for.
//!
//! Asterisk makes a transfer by putting another channel, one half of a `Local` pair as a rule, into our bridge in the agent's
//! place. That channel enters our application with a `StasisStart` that names the one it replaces, and is the agent's channel
//! from then on; an event of the bridge says to whom the caller was handed, before or after that.

use ari::{Channel, Event, TransferProgress};
use call::{Input, TransferNews};

use super::release::{Ours, release};
use super::{AgentState, Done, Switchboard};

/// What makes a phone's transfers a matter of ours; Asterisk has it for SIP.
pub(super) fn asking(endpoint: &str) -> Option<(String, String)> {
    let sip = endpoint.get(..6).is_some_and(|begins| begins.eq_ignore_ascii_case("PJSIP/"));
    sip.then(|| ("PJSIP_TRANSFER_HANDLING()".to_owned(), "ari-only".to_owned()))
}

impl Switchboard {
    /// What the event of a transfer means to the call.
    pub(super) fn transfer(&self, event: &Event) -> Option<Input> {
        match event {
            Event::BridgeBlindTransfer(made) => {
                let ours = is(made.bridge.as_deref().map(|it| &it.id), &self.room.bridge);
                let by = [Some(&made.channel), made.replace_channel.as_deref()];
                (ours && made.result == SUCCESS && !self.is_by_caller(by))
                    .then(|| Input::Transferred { to: made.exten.clone() })
            }
            Event::BridgeAttendedTransfer(made) => {
                let is_ours = |bridge: &Option<Box<ari::Bridge>>| {
                    is(bridge.as_deref().map(|it| &it.id), &self.room.bridge)
                };
                let ours = is_ours(&made.transferer_first_leg_bridge)
                    || is_ours(&made.transferer_second_leg_bridge);
                let by = [
                    Some(&*made.transferer_first_leg),
                    Some(&*made.transferer_second_leg),
                    made.replace_channel.as_deref(),
                ];
                let to = made.transfer_target.as_deref().map(name);
                (ours && made.result == SUCCESS && !self.is_by_caller(by))
                    .then(|| Input::Transferred { to: to.unwrap_or_default() })
            }
            Event::ChannelTransfer(asked) => {
                // How far a transfer is that we make comes back as such events, and so does its end, without a bridge.
                let told = asked.state.as_deref().is_some_and(|it| it.starts_with("channel_"));
                let by = &asked.referred_by;
                if told || !is(by.bridge.as_ref().map(|it| &it.id), &self.room.bridge) {
                    return None;
                }
                let by = by.source_channel.as_ref()?;
                let mut agents = self.agents.iter();
                let (&attempt, _) = agents
                    .find(|(_, agent)| agent.id == by.id && agent.state == AgentState::Talking)?;
                let refer = &asked.refer_to;
                let to = match &refer.destination_channel {
                    // Who is at the other end there is not in our application, and cannot be joined.
                    Some(_) => "the other end of another call of theirs".to_owned(),
                    None => phone(refer.requested_destination.destination.as_deref()?),
                };
                Some(Input::TransferAsked { attempt, to })
            }
            _ => None,
        }
    }

    /// Whether it is the caller's channel, or was, that made a transfer.
    fn is_by_caller<const N: usize>(&self, by: [Option<&Channel>; N]) -> bool {
        by.into_iter().flatten().any(|channel| channel.id == self.caller.id)
    }

    /// Tells the agent who asked for it how far a transfer is.
    pub(in crate::driver) fn report_transfer(&mut self, attempt: u32, news: TransferNews) {
        let Some(agent) = self.agents.get_mut(&attempt) else { return };
        if agent.state != AgentState::Talking {
            return;
        }
        let progress = match news {
            TransferNews::Rings => TransferProgress::ChannelProgress,
            TransferNews::Done => TransferProgress::ChannelAnswered,
            TransferNews::NotTaken => TransferProgress::ChannelUnavailable,
            TransferNews::Refused => TransferProgress::ChannelDeclined,
        };
        let goes = news == TransferNews::Done;
        if goes {
            agent.state = AgentState::Abandoned;
        }
        let (client, id) = (self.client.clone(), agent.id.clone());
        self.show();
        self.request(async move {
            let told = client.channels().transfer_progress(&id, progress).await;
            if let Err(error) = told.or_else(|e| if e.is_gone() { Ok(()) } else { Err(e) }) {
                tracing::warn!(%error, "an agent could not be told how far a transfer is");
            }
            if goes {
                release(&client, &Ours::Channel(id)).await;
            }
            Done::Released
        });
    }
}

/// How a transfer went, in Asterisk's word.
const SUCCESS: &str = "Success";

fn is(found: Option<&String>, ours: &str) -> bool {
    found.is_some_and(|found| found == ours)
}

/// Who is at a channel: a number, else the name of the phone.
fn name(channel: &Channel) -> String {
    if !channel.caller.number.is_empty() {
        return channel.caller.number.clone();
    }
    let resource = channel.name.split_once('/').map_or(&*channel.name, |(_, resource)| resource);
    resource.rsplit_once('-').map_or(resource, |(phone, _)| phone).to_owned()
}

/// Whom a phone names, without the address around.
fn phone(destination: &str) -> String {
    let bare = destination.trim_start_matches("sips:").trim_start_matches("sip:");
    bare.split(['@', ';', '?']).next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_is_named_as_people_know_it() {
        for destination in ["sales", "sip:sales@127.0.0.1:5060", "sips:sales;x=1", "sales@host"] {
            assert_eq!(phone(destination), "sales");
        }
        let channel = |number: &str| {
            let caller = ari::CallerId { number: number.to_owned(), ..Default::default() };
            Channel { name: "PJSIP/front-desk-0000001a".to_owned(), caller, ..Channel::default() }
        };
        assert_eq!(
            (name(&channel("700")), name(&channel(""))),
            ("700".into(), "front-desk".into())
        );
    }

    #[test]
    fn only_a_sip_phone_is_told_to_ask() {
        assert!(asking("PJSIP/sales").is_some() && asking("pjsip/sales").is_some());
        assert!(asking("Local/sales@queues").is_none() && asking("").is_none());
    }
}
