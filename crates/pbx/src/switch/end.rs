//! How a channel goes, and in which order that is told.

use super::{
    Effect, Key, Switch,
    channel::{Channel, Line, Origin, State},
};
use crate::{EventKind, HungUpBy, Moment, Outcome, cause};
use serde_json::{Value, json};
use std::time::Duration;

/// Why a channel ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// The far end hung up or refused, with this cause.
    Remote(u16),
    /// A request asked for it, with this cause (`ast_softhangup`).
    Request(u16),
    /// A dial took too long; its thread drops the channel without a word.
    DialTimeout,
    /// The dialplan has nothing more to run.
    Dialplan,
    /// The switch stops.
    Shutdown,
}

impl Switch {
    /// Ends a channel: hang-up request, the end of its dial, out of bridge and application,
    /// destroyed.
    pub(super) fn end(&mut self, key: Key, ending: Ending) {
        self.announce(key, ending);
        let channel = self.channel(key);
        let dialled = matches!(channel.origin, Origin::Originated { .. });
        if dialled && channel.state != State::Up && ending != Ending::DialTimeout {
            let status = cause::dial_status(channel.cause);
            self.publish_dial(key, status);
        }
        self.break_off_playbacks(key);
        self.leave_stasis(key);
        self.announce_again(key);
        if let Some(line) = self.channel(key).caller_line() {
            line.hung_up_by = match ending {
                Ending::Remote(_) => HungUpBy::Caller,
                Ending::Request(_) => HungUpBy::Application,
                Ending::DialTimeout | Ending::Dialplan => HungUpBy::Dialplan,
                Ending::Shutdown => HungUpBy::Shutdown,
            };
            self.note(key, Moment::HungUp);
        }
        self.destroy(key);
    }

    /// The agents at this endpoint hang up now.
    pub(crate) fn agents_hang_up(&mut self, now: Duration, endpoint: &str) {
        self.advance(now);
        let at_it = self.channels.iter().filter(|(_, channel)| {
            let up = channel.state == State::Up;
            up && matches!(&channel.line, Line::Agent(agent) if agent.endpoint == endpoint)
        });
        let keys: Vec<Key> = at_it.map(|(key, _)| *key).collect();
        for key in keys {
            self.agent_hangs_up(key);
        }
    }

    /// Ends whatever there is, for good.
    pub(crate) fn end_all(&mut self, now: Duration) {
        self.advance(now);
        while let Some(key) = self.channels.keys().next().copied() {
            self.end(key, Ending::Shutdown);
        }
        self.bridges.clear();
        self.closed = true;
        self.timers.clear();
    }

    /// Says why the channel ends, while it still stands.
    fn announce(&mut self, key: Key, ending: Ending) {
        match ending {
            Ending::Remote(cause) => {
                let channel = self.channel(key);
                let mut fields = json!({});
                (channel.cause, channel.tech_cause) = match (&channel.line, channel.state) {
                    // A BYE says no cause; what is there comes from a bridge that the channel has left.
                    (_, State::Up) => (channel.cause, None),
                    (Line::Caller(_), _) => (cause::INTERWORKING, Some(CANCELLED)),
                    (Line::Agent(_), _) => (cause, Some(cause::refusal_status(cause))),
                    (Line::Media(_), _) => (cause, None),
                };
                if channel.cause != 0 {
                    fields["cause"] = json!(channel.cause);
                }
                add_tech_cause(&mut fields, channel.tech_cause);
                self.publish_channel(key, EventKind::ChannelHangupRequest, fields);
            }
            Ending::Request(cause) => {
                let channel = self.channel(key);
                channel.cause = cause;
                let told =
                    cause != cause::NORMAL_CLEARING && !matches!(channel.line, Line::Media(_));
                channel.tech_cause = told.then(|| cause::sip_status(cause));
                let fields = json!({ "cause": cause::SOFT_HANGUP_EXPLICIT, "soft": true });
                self.publish_channel(key, EventKind::ChannelHangupRequest, fields);
            }
            Ending::DialTimeout => {
                let channel = self.channel(key);
                channel.cause = cause::NO_ANSWER;
                let sip = !matches!(channel.line, Line::Media(_));
                channel.tech_cause = sip.then(|| cause::sip_status(cause::NO_ANSWER));
            }
            Ending::Dialplan | Ending::Shutdown => {}
        }
    }

    /// The thread that ran the channel hangs it up at its own end, too.
    fn announce_again(&mut self, key: Key) {
        let channel = self.channel(key);
        let fields = match channel.origin {
            Origin::Inbound => json!({ "cause": cause::NORMAL_CLEARING, "soft": true }),
            Origin::Created { .. } if channel.state == State::Down => {
                channel.tech_cause = Some(DECLINED);
                json!({ "cause": cause::NORMAL_CLEARING, "tech_cause": DECLINED })
            }
            Origin::Created { .. } | Origin::Originated { .. } => {
                if channel.cause == 0 {
                    channel.cause = cause::NORMAL_CLEARING;
                }
                return;
            }
        };
        self.publish_channel(key, EventKind::ChannelHangupRequest, fields);
    }

    fn destroy(&mut self, key: Key) {
        let &mut Channel { cause, tech_cause, .. } = self.channel(key);
        let mut fields = json!({ "cause": cause, "cause_txt": cause::text(cause) });
        add_tech_cause(&mut fields, tech_cause);
        self.publish_channel(key, EventKind::ChannelDestroyed, fields);
        let Some(channel) = self.channels.remove(&key) else { return };
        self.timers.retain(|_, (owner, _)| *owner != key);
        self.retire(&channel.topic());
        let Channel { id, line, cause, .. } = channel;
        match line {
            Line::Media(_) => self.effects.push_back(Effect::CloseMedia { channel: key }),
            Line::Agent(agent) => self.bereave(key, &agent.heard),
            Line::Caller(line) => {
                let agent_heard = line.agent.and_then(|agent| self.agent_heard(agent));
                let outcome = Outcome {
                    channel: id,
                    connected_to: line.connected_to,
                    stasis: line.stasis,
                    hung_up_by: line.hung_up_by,
                    cause,
                    answered: line.answered,
                    heard: line.heard,
                    agent_heard: agent_heard.unwrap_or(line.agent_heard),
                    timeline: line.timeline,
                };
                self.effects.push_back(Effect::Finished { channel: key, outcome });
            }
        }
    }

    /// Tells the callers of an agent that the agent is gone, and leaves them what the agent heard.
    fn bereave(&mut self, agent: Key, heard: &[i16]) {
        let now: Duration = self.now;
        for channel in self.channels.values_mut() {
            let at = now.saturating_sub(channel.created);
            if let Some(line) = channel.caller_line().filter(|line| line.agent == Some(agent)) {
                line.agent_heard = heard.to_vec();
                line.timeline.push((at, Moment::AgentHungUp));
            }
        }
    }

    fn agent_heard(&self, agent: Key) -> Option<Vec<i16>> {
        match &self.channels.get(&agent)?.line {
            Line::Agent(agent) => Some(agent.heard.clone()),
            Line::Caller(_) | Line::Media(_) => None,
        }
    }
}

/// SIP: Request Terminated, for a call that was cancelled.
const CANCELLED: u16 = 487;
/// SIP: Decline, which stands for a call that was never sent.
const DECLINED: u16 = 603;

/// The SIP status with which a PJSIP channel was refused.
fn add_tech_cause(fields: &mut Value, tech_cause: Option<u16>) {
    if let Some(status) = tech_cause {
        fields["tech_cause"] = json!(status);
    }
}
