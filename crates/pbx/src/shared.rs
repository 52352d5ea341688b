//! The one owner of the switch: locks it, lets one thing happen, and carries the effects out.

use crate::{
    Outcome,
    leg::{Leg, LegSocket},
    socket::Outgoing,
    switch::{Effect, Key, SocketId, Switch},
};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Notify, mpsc, oneshot, watch},
    time::Instant,
};

/// What a PBX holds at this moment. After the last call, all but the sockets and connections that
/// the driver keeps open is zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Census {
    /// Channels of every kind.
    pub channels: usize,
    /// Bridges.
    pub bridges: usize,
    /// Open UDP ports of external media.
    pub external_media_ports: usize,
    /// Open WebSockets of applications.
    pub app_sockets: usize,
    /// Open HTTP connections that are no WebSocket.
    pub http_connections: usize,
    /// Running tasks that serve one of the above.
    pub tasks: usize,
}

impl Census {
    /// Whether no call has left anything behind.
    pub(crate) fn is_quiet(&self) -> bool {
        self.channels == 0 && self.bridges == 0 && self.external_media_ports == 0
    }
}

/// State and wake-ups that every task of a PBX shares.
#[derive(Debug)]
pub(crate) struct Shared {
    core: Mutex<Core>,
    origin: Instant,
    /// Wakes the clock: the switch may have an earlier deadline.
    pub(crate) wake: Notify,
    /// Something that [`Census`] counts has changed.
    pub(crate) changed: Arc<Notify>,
    stop: watch::Sender<bool>,
    pub(crate) ip: IpAddr,
    pub(crate) credentials: Credentials,
    pub(crate) ports: Gauge,
    pub(crate) sockets: Gauge,
    pub(crate) connections: Gauge,
    pub(crate) tasks: Gauge,
}

/// Who may come in.
#[derive(Debug)]
pub(crate) struct Credentials {
    pub(crate) username: String,
    pub(crate) password: String,
}

#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) switch: Switch,
    pub(crate) calls: HashMap<Key, oneshot::Sender<Outcome>>,
    pub(crate) sockets: HashMap<SocketId, mpsc::UnboundedSender<Outgoing>>,
    pub(crate) legs: HashMap<Key, Leg>,
    /// The socket that came with the current request.
    pub(crate) offered: Option<LegSocket>,
}

impl Shared {
    pub(crate) fn new(switch: Switch, ip: IpAddr, credentials: Credentials) -> Shared {
        let changed = Arc::new(Notify::new());
        let gauge = || Gauge { count: Arc::default(), changed: changed.clone() };
        Shared {
            core: Mutex::new(Core {
                switch,
                calls: HashMap::new(),
                sockets: HashMap::new(),
                legs: HashMap::new(),
                offered: None,
            }),
            origin: Instant::now(),
            wake: Notify::new(),
            stop: watch::Sender::new(false),
            ip,
            credentials,
            ports: gauge(),
            sockets: gauge(),
            connections: gauge(),
            tasks: gauge(),
            changed,
        }
    }

    /// Lets one thing happen, `now` since the start, and carries out what follows from it.
    pub(crate) fn with<R>(self: &Arc<Self>, act: impl FnOnce(&mut Core, Duration) -> R) -> R {
        let mut core = self.lock();
        let deadline = core.switch.deadline();
        let result = act(&mut core, self.origin.elapsed());
        self.settle(&mut core);
        if core.switch.deadline() != deadline {
            self.wake.notify_one();
        }
        result
    }

    /// Does what is due, and says when the next thing is.
    pub(crate) fn advance(self: &Arc<Self>) -> Option<Instant> {
        let mut core = self.lock();
        core.switch.advance(self.origin.elapsed());
        self.settle(&mut core);
        core.switch.deadline().map(|deadline| self.origin + deadline)
    }

    pub(crate) fn instant(&self, at: Duration) -> Instant {
        self.origin + at
    }

    pub(crate) fn census(&self) -> Census {
        let core = self.lock();
        Census {
            channels: core.switch.channels(),
            bridges: core.switch.bridges(),
            external_media_ports: self.ports.count(),
            app_sockets: self.sockets.count(),
            http_connections: self.connections.count(),
            tasks: self.tasks.count(),
        }
    }

    /// Tells every task to end.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Resolves when the PBX stops.
    pub(crate) fn stopped(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut stop = self.stop.subscribe();
        async move {
            // An error means that the sender is gone, which is a stop as well.
            let _ = stop.wait_for(|stop| *stop).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settle(self: &Arc<Self>, core: &mut Core) {
        while let Some(effect) = core.switch.poll() {
            match effect {
                Effect::Send { socket, not_before, text } => {
                    if let Some(socket) = core.sockets.get(&socket) {
                        let not_before = self.instant(not_before);
                        // A socket that has just closed misses its events, as in Asterisk.
                        let _ = socket.send(Outgoing::Event { not_before, text });
                    }
                }
                Effect::Cut { socket } => drop(core.sockets.remove(&socket)),
                Effect::Close { socket } => {
                    if let Some(socket) = core.sockets.remove(&socket) {
                        let _ = socket.send(Outgoing::Close);
                    }
                }
                Effect::Silence { socket } => {
                    if let Some(socket) = core.sockets.get(&socket) {
                        let _ = socket.send(Outgoing::Silence);
                    }
                }
                Effect::OpenMedia { channel, remote, codec } => {
                    if let Some(socket) = core.offered.take() {
                        let leg = Leg::open(self.clone(), channel, socket, remote, codec);
                        core.legs.insert(channel, leg);
                    }
                }
                Effect::SendMedia { channel, timestamp, frame } => {
                    if let Some(leg) = core.legs.get_mut(&channel) {
                        leg.send(timestamp, &frame);
                    }
                }
                Effect::SendKey { channel, timestamp, key, held } => {
                    if let Some(leg) = core.legs.get_mut(&channel) {
                        leg.send_key(timestamp, key, held);
                    }
                }
                Effect::CloseMedia { channel } => drop(core.legs.remove(&channel)),
                Effect::Finished { channel, outcome } => {
                    if let Some(call) = core.calls.remove(&channel) {
                        // Nobody has to wait for an outcome.
                        let _ = call.send(outcome);
                    }
                }
            }
        }
        self.changed.notify_waiters();
    }
}

/// Counts things that live: each holds a [`Counted`].
#[derive(Debug)]
pub(crate) struct Gauge {
    count: Arc<AtomicUsize>,
    changed: Arc<Notify>,
}

/// One thing that is counted while this exists.
#[derive(Debug)]
pub(crate) struct Counted {
    count: Arc<AtomicUsize>,
    changed: Arc<Notify>,
}

impl Gauge {
    pub(crate) fn count_one(&self) -> Counted {
        self.count.fetch_add(1, Ordering::SeqCst);
        Counted { count: self.count.clone(), changed: self.changed.clone() }
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::SeqCst);
        self.changed.notify_waiters();
    }
}
