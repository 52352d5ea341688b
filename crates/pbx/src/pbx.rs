//! The running PBX.

use crate::{
    Caller, Census, Endpoint, Fault, Outcome, http,
    shared::{Credentials, Shared},
    switch::{Key, Switch, SwitchConfig},
};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle, time::sleep_until};

/// How a PBX is set up.
#[derive(Debug, Clone)]
pub struct PbxConfig {
    /// The address for HTTP and RTP.
    pub ip: IpAddr,
    /// The TCP port of HTTP; 0 takes a free one.
    pub port: u16,
    /// The ARI user.
    pub username: String,
    /// The ARI user's password.
    pub password: String,
    /// The application that inbound calls are handed to.
    pub app: String,
    /// The dialplan context of inbound calls. There, every extension runs `Stasis()` at priority 1;
    /// what follows is named with [`Pbx::dialplan`].
    pub context: String,
    /// The dialplan context of the phones, which is that of the channels to them.
    pub phones_context: String,
    /// How long after the reply a new channel's thread begins to dial or enters the application. In
    /// Asterisk this is a thread's start, about two milliseconds.
    pub thread_start: Duration,
}

impl Default for PbxConfig {
    fn default() -> PbxConfig {
        PbxConfig {
            ip: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            username: "patchcord".to_owned(),
            password: "patchcord".to_owned(),
            app: "patchcord".to_owned(),
            context: "default".to_owned(),
            phones_context: "default".to_owned(),
            thread_start: Duration::from_millis(2),
        }
    }
}

/// An embedded PBX. Dropped, it stops: calls end, sockets close.
#[derive(Debug)]
pub struct Pbx {
    shared: Arc<Shared>,
    address: SocketAddr,
    tasks: Option<[JoinHandle<()>; 2]>,
}

impl Pbx {
    /// Starts a PBX on the current runtime.
    ///
    /// # Errors
    /// When the address of `config` cannot be bound.
    pub async fn start(config: PbxConfig) -> io::Result<Pbx> {
        let listener = TcpListener::bind((config.ip, config.port)).await?;
        let address = listener.local_addr()?;
        let switch = Switch::new(SwitchConfig {
            app: config.app,
            context: config.context,
            phones_context: config.phones_context,
            thread_start: config.thread_start,
            started: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        });
        let credentials = Credentials { username: config.username, password: config.password };
        let shared = Arc::new(Shared::new(switch, config.ip, credentials));
        let server = tokio::spawn(http::accept(shared.clone(), listener));
        let clock = tokio::spawn(clock(shared.clone()));
        Ok(Pbx { shared, address, tasks: Some([server, clock]) })
    }

    /// Where ARI is: `http://127.0.0.1:PORT/ari`.
    pub fn url(&self) -> String {
        format!("http://{}/ari", self.address)
    }

    /// Registers a destination, such as `PJSIP/helpdesk`, or changes one for the calls to come.
    pub fn endpoint(&self, name: &str, endpoint: Endpoint) {
        self.shared.with(|core, _| core.switch.endpoint(name, endpoint));
    }

    /// Gives the dialplan something after `Stasis()` at this extension, or at any priority of an
    /// extension that a call is continued at. It answers the call and keeps it.
    pub fn dialplan(&self, context: &str, exten: &str) {
        self.shared.with(|core, _| core.switch.place(context, exten));
    }

    /// Gives the PBX a sound, mono at 8 kHz, which `sound:NAME` plays.
    pub fn sound(&self, name: &str, samples: Arc<[i16]>) {
        self.shared.with(|core, _| core.switch.sound(name, samples));
    }

    /// The agents who talk at this endpoint, such as `PJSIP/helpdesk`, hang up now.
    pub fn agents_hang_up(&self, endpoint: &str) {
        self.shared.with(|core, now| core.switch.agents_hang_up(now, endpoint));
    }

    /// Somebody calls, now.
    pub fn call(&self, caller: Caller) -> CallInProgress {
        let (sender, outcome) = oneshot::channel();
        let (key, channel) = self.shared.with(|core, now| {
            let (key, channel) = core.switch.call(now, caller);
            core.calls.insert(key, sender);
            (key, channel)
        });
        CallInProgress { shared: self.shared.clone(), key, channel, outcome }
    }

    /// Misbehaves in this way from now on.
    pub fn inject(&self, fault: Fault) {
        self.shared.with(|core, _| core.switch.inject(fault));
    }

    /// Ends all misbehaviour.
    pub fn heal(&self) {
        self.shared.with(|core, _| core.switch.heal());
    }

    /// What there is at this moment.
    pub fn census(&self) -> Census {
        self.shared.census()
    }

    /// Waits until no channel, bridge or media port is left.
    pub async fn quiet(&self) {
        self.until(|census| census.is_quiet()).await;
    }

    /// Ends all calls, closes all sockets, and waits until every task has gone.
    pub async fn shutdown(mut self) {
        self.shared.stop();
        for task in self.tasks.take().into_iter().flatten() {
            // A task that panicked has gone, too.
            let _ = task.await;
        }
        self.until(|census| *census == Census::default()).await;
    }

    async fn until(&self, reached: impl Fn(&Census) -> bool) {
        loop {
            let changed = self.shared.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if reached(&self.census()) {
                return;
            }
            changed.await;
        }
    }
}

impl Drop for Pbx {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

/// A call that somebody made.
#[derive(Debug)]
pub struct CallInProgress {
    shared: Arc<Shared>,
    key: Key,
    channel: String,
    outcome: oneshot::Receiver<Outcome>,
}

impl CallInProgress {
    /// The id of the caller's channel.
    pub fn channel(&self) -> &str {
        &self.channel
    }

    /// The caller hangs up now, if they have not yet.
    pub fn hang_up(&self) {
        self.shared.with(|core, now| core.switch.hang_up_caller(now, self.key));
    }

    /// The caller presses and releases a key now, if they have not hung up yet.
    pub fn press(&self, digit: char) {
        self.shared.with(|core, now| core.switch.press(now, self.key, digit));
    }

    /// Waits for the end of the call.
    pub async fn outcome(self) -> Outcome {
        self.outcome.await.expect("every call is finished, at the latest when the PBX stops")
    }
}

/// Drives the switch by the clock; at the stop, ends all that is left.
async fn clock(shared: Arc<Shared>) {
    let stopped = shared.stopped();
    tokio::pin!(stopped);
    loop {
        let deadline = shared.advance();
        let due = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = &mut stopped => break,
            () = shared.wake.notified() => {}
            () = due => {}
        }
    }
    shared.with(|core, now| core.switch.end_all(now));
}
