//! What goes wrong on purpose, where it is more than a reply or an event held back.

use super::{Effect, Key, SocketId, Switch, Timer, channel::Line, end::Ending, request::Request};
use crate::{Fault, HangsUp, Operation, cause};
use std::{collections::BTreeSet, time::Duration};

/// The socket of the client that takes applications away. The shell's own count from 1.
const THIEF: SocketId = SocketId(u64::MAX);

impl Switch {
    pub(crate) fn inject(&mut self, fault: Fault) {
        match fault {
            Fault::CloseSocket => self.lose_sockets(|socket| Effect::Cut { socket }),
            Fault::CloseSocketPolitely => self.lose_sockets(|socket| Effect::Close { socket }),
            // Asterisk notices nothing either: the applications stay active.
            Fault::SilenceSocket => {
                let silenced = self.sockets().into_iter().map(|socket| Effect::Silence { socket });
                self.effects.extend(silenced);
            }
            Fault::ReplaceApplication => {
                let active = self.apps.iter().filter(|(_, app)| app.socket.is_some());
                let names: Vec<String> = active.map(|(name, _)| name.clone()).collect();
                self.attach(self.now, THIEF, &names, false);
            }
            lasting => self.faults.push(lasting),
        }
    }

    pub(crate) fn heal(&mut self) {
        self.faults.clear();
        self.detach(self.now, THIEF);
    }

    /// What a request meets that comes too late, or that somebody was waiting for to hang up.
    pub(super) fn spoil(&mut self, request: &Request) {
        if matches!(request.operation, Operation::Ping | Operation::GetInfo) {
            return;
        }
        self.requests += 1;
        let requests = self.requests;
        let leaving = self.callers_who(
            |how, began, _| matches!(how, HangsUp::BeforeRequest(nth) if requests - began >= nth),
        );
        for caller in leaving {
            self.caller_hangs_up(caller);
        }
        if self.faults.contains(&Fault::LateRequest { operation: request.operation }) {
            self.take_away(request);
        }
    }

    /// An event has been sent; somebody may have waited for it to hang up.
    pub(super) fn count_event(&mut self) {
        self.told += 1;
        let told = self.told;
        let leaving = self.callers_who(
            |how, _, began| matches!(how, HangsUp::AfterEvent(nth) if told - began == nth),
        );
        for caller in leaving {
            // Not now: whoever tells this event has not yet done what it tells of.
            self.after(Duration::ZERO, caller, Timer::CallerHangsUp);
        }
    }

    /// Ends what a request is about.
    fn take_away(&mut self, request: &Request) {
        let named = request.params.list("channel");
        let on_bridge = matches!(
            request.operation,
            Operation::AddChannel | Operation::RemoveChannel | Operation::DestroyBridge
        );
        let path = request.ids.first().filter(|_| !on_bridge);
        let ids = named.iter().chain(path);
        let gone: Vec<Key> = ids.filter_map(|id| self.find_channel(id)).collect();
        for key in gone {
            if self.channels.contains_key(&key) {
                self.end(key, Ending::Remote(cause::NORMAL_CLEARING));
            }
        }
        if request.operation == Operation::DestroyBridge && self.bridges.contains_key(request.id())
        {
            self.unmake_bridge(request.id().to_owned());
        }
    }

    fn lose_sockets(&mut self, effect: impl Fn(SocketId) -> Effect) {
        for socket in self.sockets() {
            self.detach(self.now, socket);
            self.effects.push_back(effect(socket));
        }
    }

    fn sockets(&self) -> BTreeSet<SocketId> {
        self.apps.values().filter_map(|app| app.socket).collect()
    }

    /// The callers whose way to hang up, with the requests and events at their start, is such.
    fn callers_who(&self, such: impl Fn(HangsUp, u32, u32) -> bool) -> Vec<Key> {
        let callers = self.channels.iter().filter(|(_, channel)| match &channel.line {
            Line::Caller(line) => such(line.spec.hangs_up, line.began.0, line.began.1),
            Line::Agent(_) | Line::Media(_) => false,
        });
        callers.map(|(key, _)| *key).collect()
    }
}
