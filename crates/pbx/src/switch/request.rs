//! Requests: who may be asked for what, and where each operation is carried out.

use super::{Key, Switch, channel::State};
use crate::{
    Operation,
    params::Params,
    reply::{Refusal, Reply},
};
use std::{net::SocketAddr, time::Duration};

/// A request, read and routed.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) operation: Operation,
    pub(crate) ids: Vec<String>,
    pub(crate) params: Params,
    /// A port that was opened for external media, in case the request needs one.
    pub(crate) media: Option<MediaAddress>,
}

/// The two ends of an external-media leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MediaAddress {
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
}

impl Request {
    /// The id that the path names first; empty when it names none.
    pub(super) fn id(&self) -> &str {
        self.ids.first().map_or("", String::as_str)
    }
}

impl Switch {
    /// Carries a request out. Its events, and those of the threads that it starts, go out no
    /// earlier than `hold_events` from now.
    pub(crate) fn request(
        &mut self,
        now: Duration,
        request: &Request,
        hold_events: Duration,
    ) -> Reply {
        self.advance(now);
        if self.closed {
            return Refusal::new(503, "Asterisk is shutting down").into();
        }
        if hold_events > Duration::ZERO {
            self.hold_events_until = self.now + hold_events;
        }
        self.spoil(request);
        let reply = self.carry_out(request);
        self.hold_events_until = Duration::ZERO;
        reply.unwrap_or_else(Reply::from)
    }

    fn carry_out(&mut self, request: &Request) -> Result<Reply, Refusal> {
        match request.operation {
            Operation::ListApplications => Ok(self.list_applications()),
            Operation::GetApplication => self.get_application(request),
            Operation::Subscribe => self.subscribe_application(request),
            Operation::Unsubscribe => self.unsubscribe_application(request),
            Operation::GetInfo => Ok(self.info()),
            Operation::Ping => Ok(self.ping()),
            Operation::ListModules => Ok(self.list_modules()),
            Operation::GetModule => self.get_module(request),
            Operation::ListBridges => Ok(self.list_bridges()),
            Operation::CreateBridge => self.create_bridge(request),
            Operation::GetBridge => self.get_bridge(request),
            Operation::DestroyBridge => self.destroy_bridge(request),
            Operation::AddChannel => self.add_to_bridge(request),
            Operation::RemoveChannel => self.remove_from_bridge(request),
            Operation::ListChannels => Ok(self.list_channels()),
            Operation::Originate => self.originate(request),
            Operation::CreateChannel => self.create_channel(request),
            Operation::GetChannel => self.get_channel(request),
            Operation::Hangup => self.hang_up(request),
            Operation::Continue => self.continue_in_dialplan(request),
            Operation::Answer => self.answer_channel(request),
            Operation::Ring => self.ring(request),
            Operation::RingStop | Operation::StartMoh | Operation::StopMoh => {
                self.standing(request.id()).map(|_| Reply::no_content())
            }
            Operation::SendDtmf => self.send_dtmf(request),
            Operation::Dial => self.dial_channel(request),
            Operation::ExternalMedia => self.external_media(request),
            Operation::GetVariable => self.get_variable(request),
            Operation::SetVariable => self.change_variable(request),
            Operation::Play => self.play(request),
            Operation::GetPlayback => self.get_playback(request),
            Operation::StopPlayback => self.stop_playback(request),
            Operation::UserEvent => self.user_event(request),
            Operation::NotOffered => Err(Refusal::new(501, "Not implemented by the embedded PBX")),
        }
    }

    /// A channel that an application controls (`find_control`).
    pub(super) fn controlled(&self, id: &str) -> Result<Key, Refusal> {
        let key = self.find_channel(id).ok_or(Refusal::new(404, "Channel not found"))?;
        if self.channels[&key].stasis.is_none() {
            return Err(Refusal::new(409, "Channel not in Stasis application"));
        }
        Ok(key)
    }

    /// A controlled channel that is not an outbound one still on its way
    /// (`channel_state_invalid`).
    pub(super) fn standing(&self, id: &str) -> Result<Key, Refusal> {
        let key = self.controlled(id)?;
        match self.channels[&key].state {
            State::Ring | State::Up => Ok(key),
            State::Down | State::Ringing => Err(Refusal::new(412, "Channel in invalid state")),
        }
    }

    /// When a thread that this request starts gets to work.
    pub(super) fn thread_start(&self) -> Duration {
        let held = self.hold_events_until.saturating_sub(self.now);
        self.config.thread_start.max(held)
    }
}
