//! Operations on a channel that is there (`res/ari/resource_channels.c`).

use super::{
    GivesUp, Key, Switch, Timer,
    channel::{Location, Origin, State},
    end::Ending,
    request::Request,
};
use crate::{
    Moment, cause,
    reply::{Refusal, Reply},
};
use serde_json::{Value, json};
use std::time::Duration;

impl Switch {
    pub(super) fn list_channels(&self) -> Reply {
        let channels = self.channels.values().map(|channel| self.channel_json(channel));
        Reply::ok(Value::Array(channels.collect()))
    }

    pub(super) fn get_channel(&self, request: &Request) -> Result<Reply, Refusal> {
        let key = self.existing(request)?;
        Ok(Reply::ok(self.channel_json(&self.channels[&key])))
    }

    pub(super) fn hang_up(&mut self, request: &Request) -> Result<Reply, Refusal> {
        let key = self.existing(request)?;
        let cause = match (request.params.text("reason"), request.params.text("reason_code")) {
            (Some(_), Some(_)) => {
                return Err(Refusal::new(
                    400,
                    "The reason and reason_code can't both be specified",
                ));
            }
            (None, None) => cause::NORMAL_CLEARING,
            (None, Some(code)) => code
                .trim()
                .parse()
                .map_err(|_| Refusal::new(400, "Invalid reason for hangup reason code provided"))?,
            (Some(reason), None) => cause::from_reason(reason)
                .ok_or(Refusal::new(400, "Invalid reason for hangup reason provided"))?,
        };
        self.end(key, Ending::Request(cause));
        Ok(Reply::no_content())
    }

    pub(super) fn continue_in_dialplan(&mut self, request: &Request) -> Result<Reply, Refusal> {
        let key = self.standing(request.id())?;
        let here = self.channel(key).location.clone();
        let (context, exten) = (request.params.text("context"), request.params.text("extension"));
        let priority = match request.params.text("label") {
            Some(label) => {
                label.parse().map_err(|_| Refusal::new(404, "Requested label can not be found"))?
            }
            None => match request.params.integer("priority").filter(|priority| *priority != 0) {
                Some(priority) => priority,
                None if context.is_none() && exten.is_none() => here.priority + 1,
                None => 1,
            },
        };
        if priority == 0 {
            return Err(Refusal::new(400, "Requested priority is illegal"));
        }
        let exten = match (context, exten) {
            (_, Some(exten)) => exten.to_owned(),
            (Some(_), None) => "s".to_owned(),
            (None, None) => here.exten,
        };
        let context = context.map_or(here.context, str::to_owned);
        self.leave_stasis(key);
        self.enter_dialplan(key, Location { context, exten, priority });
        Ok(Reply::no_content())
    }

    pub(super) fn answer_channel(&mut self, request: &Request) -> Result<Reply, Refusal> {
        let key = self.standing(request.id())?;
        self.answer(key);
        Ok(Reply::no_content())
    }

    pub(super) fn ring(&mut self, request: &Request) -> Result<Reply, Refusal> {
        let key = self.standing(request.id())?;
        if self.channel(key).state == State::Ring {
            self.note(key, Moment::Ringing);
        }
        Ok(Reply::no_content())
    }

    pub(super) fn send_dtmf(&mut self, request: &Request) -> Result<Reply, Refusal> {
        let key = self.standing(request.id())?;
        let digits = request.params.text("dtmf").ok_or(Refusal::new(400, "DTMF is required"))?;
        self.note(key, Moment::DigitsHeard(digits.to_owned()));
        Ok(Reply::no_content())
    }

    /// Dials a channel that was created in an application.
    pub(super) fn dial_channel(&mut self, request: &Request) -> Result<Reply, Refusal> {
        let key = self.controlled(request.id())?;
        let channel = self.channel(key);
        if channel.state != State::Down {
            return Err(Refusal::new(409, "Channel is not in the 'Down' state"));
        }
        if !matches!(channel.origin, Origin::Created { .. }) {
            return Err(Refusal::new(409, "Dialing a channel not created by ARI"));
        }
        let caller = request.params.text("caller").and_then(|id| self.find_channel(id));
        if let Some(caller) = caller {
            let party = self.channel(caller).caller.clone();
            self.channel(key).connected = party;
        }
        if let Some(seconds) =
            request.params.integer("timeout").and_then(|it| u64::try_from(it).ok())
            && seconds > 0
        {
            let timeout = Duration::from_secs(seconds);
            self.after(timeout, key, Timer::DialTimeout(GivesUp::Command));
        }
        let delay = self.thread_start();
        self.after(delay, key, Timer::PlaceCall);
        Ok(Reply::no_content())
    }

    pub(super) fn get_variable(&self, request: &Request) -> Result<Reply, Refusal> {
        let name = variable_name(request)?;
        let key = self
            .find_channel(request.id())
            .ok_or(Refusal::new(404, "Provided channel was not found"))?;
        let channel = &self.channels[&key];
        let value = match name {
            "CALLERID(num)" => channel.caller.number.clone(),
            "CALLERID(name)" => channel.caller.name.clone(),
            _ if name.starts_with("DIALPLAN_EXISTS(") => {
                let exists = self.place_exists(arguments(name));
                u8::from(exists).to_string()
            }
            _ if name.ends_with(')') => {
                return Err(Refusal::new(500, "Unable to read provided function"));
            }
            _ => channel
                .variables
                .get(name)
                .cloned()
                .ok_or(Refusal::new(404, "Provided variable was not found"))?,
        };
        Ok(Reply::ok(json!({ "value": value })))
    }

    pub(super) fn change_variable(&mut self, request: &Request) -> Result<Reply, Refusal> {
        let name = variable_name(request)?;
        let key = self.controlled(request.id())?;
        if name.ends_with(')') {
            return Err(Refusal::new(400, "Failed to execute function"));
        }
        self.set_variable(key, name, request.params.text("value").unwrap_or_default());
        Ok(Reply::no_content())
    }

    /// The dialplan function `DIALPLAN_EXISTS(context,extension,priority)`.
    fn place_exists(&self, place: &str) -> bool {
        let mut parts = place.splitn(3, ',');
        let (context, exten) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let first = parts.next().is_none_or(|priority| priority == "1");
        let inbound = context == self.config.context && first && !exten.is_empty();
        inbound || self.places.contains(&(context.to_owned(), exten.to_owned()))
    }

    fn existing(&self, request: &Request) -> Result<Key, Refusal> {
        self.find_channel(request.id()).ok_or(Refusal::new(404, "Channel not found"))
    }
}

/// What stands between the parentheses of a dialplan function.
fn arguments(function: &str) -> &str {
    let inside = function.split_once('(').map_or("", |(_, rest)| rest);
    inside.strip_suffix(')').unwrap_or(inside)
}

fn variable_name(request: &Request) -> Result<&str, Refusal> {
    request.params.text("variable").ok_or(Refusal::new(400, "Variable name is required"))
}
