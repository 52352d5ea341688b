//! Where the AudioSockets of Asterisk arrive.

use super::{
    task::{Hearing, Sending, Task},
    uuid::StreamId,
    voice::Voice,
    wire::{HEADER_LEN, Message, Rate},
};
use crate::{
    leg::{FrameSink, Leg, LegStats},
    tcp::{Guest, Guests, Outlet},
};
use std::{io, net::SocketAddr, time::Duration};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpSocket, TcpStream, ToSocketAddrs, lookup_host},
    sync::mpsc,
    task::AbortHandle,
    time::Instant,
};

/// Whom to let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DoorConfig {
    /// How long a connection may take until its UUID is here. Default 5 s.
    pub handshake_timeout: Duration,
    /// How many connections may be on their way in at once; more wait outside. Default 64.
    pub max_handshakes: usize,
}

impl Default for DoorConfig {
    fn default() -> DoorConfig {
        DoorConfig { handshake_timeout: Duration::from_secs(5), max_handshakes: 64 }
    }
}

/// A port at which Asterisk's AudioSockets arrive. Closes when dropped; the legs stay.
///
/// A connection says first which UUID it is of; one that no call [expects](Door::expect) is closed.
///
/// ```no_run
/// # async fn call() -> Result<(), Box<dyn std::error::Error>> {
/// use media::audiosocket::{Door, DoorConfig, MediaConfig, StreamId};
///
/// let door = Door::open("127.0.0.1:9092", DoorConfig::default()).await?;
/// let id = StreamId::random();
/// let expected = door.expect(id);
/// println!("externalMedia encapsulation=audiosocket format=slin data={id}");
/// let leg = expected.leg(MediaConfig::default(), |frame: &audio::jitter::Frame| {
///     println!("{:?}", frame.arrived);
/// });
/// println!("{:?}", leg.await.ok_or("Asterisk did not connect")?.local_addr());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Door {
    address: SocketAddr,
    guests: Guests<StreamId, Arrived>,
    task: AbortHandle,
}

/// A connection that a call expects. Dropped, it is not expected any more.
#[derive(Debug)]
pub struct Expected {
    guest: Guest<Arrived>,
}

/// What a leg over AudioSocket is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaConfig {
    /// That of the format which the channel was made with.
    pub rate: Rate,
    /// How long nothing may come before [`LegEvent::Silent`](crate::LegEvent::Silent).
    pub silent_after: Duration,
    /// What [`Frame::arrived`](audio::jitter::Frame::arrived) counts from; the leg's start if `None`.
    pub epoch: Option<Instant>,
}

impl Default for MediaConfig {
    fn default() -> MediaConfig {
        MediaConfig { rate: Rate::Hz8000, silent_after: Duration::from_secs(2), epoch: None }
    }
}

/// A connection that was let in.
#[derive(Debug)]
struct Arrived {
    stream: TcpStream,
    local_addr: SocketAddr,
}

impl Door {
    /// Opens a port.
    ///
    /// # Errors
    /// Whatever the system says: no such address here, the port is taken.
    pub async fn open(address: impl ToSocketAddrs, config: DoorConfig) -> io::Result<Door> {
        let listener = listen(address).await?;
        let address = listener.local_addr()?;
        let guests = Guests::new(config.handshake_timeout, config.max_handshakes);
        let serving = guests.clone();
        let admit = {
            let guests = guests.clone();
            move |stream, local_addr| admit(guests.clone(), stream, local_addr)
        };
        let task = tokio::spawn(serving.take_all(listener, admit)).abort_handle();
        Ok(Door { address, guests, task })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// From now on a connection with this UUID is let in, once. Call it before the request that makes the channel:
    /// Asterisk connects before it replies.
    pub fn expect(&self, id: StreamId) -> Expected {
        Expected { guest: self.guests.expect(id) }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Expected {
    /// The leg, as soon as Asterisk has connected; `None` when the door is closed before. Wait for no longer than you
    /// would for the channel: dropping the future ends the expectation.
    pub async fn leg(self, config: MediaConfig, sink: impl FrameSink) -> Option<Leg> {
        let Arrived { stream, local_addr } = self.guest.arrival().await?;
        let now = Instant::now();
        let epoch = config.epoch.unwrap_or(now);
        Some(Leg::new(local_addr, epoch, |teller| {
            let (commands, command_queue) = mpsc::unbounded_channel();
            let task = Task {
                stream,
                epoch,
                outlet: Outlet::open(sink),
                teller,
                hearing: Hearing::new(config.rate, now, config.silent_after),
                voice: Voice::new(config.rate, now),
                sending: Sending::default(),
                stats: LegStats::default(),
                tap: crate::tap::FrameTap::new(),
            };
            tokio::spawn(task.run(command_queue));
            Box::new(commands)
        }))
    }
}

/// How many bytes of ours the kernel may keep for an Asterisk that does not read: what waits is heard late.
const SEND_BUFFER: u32 = 16 * 1024;

async fn listen(address: impl ToSocketAddrs) -> io::Result<TcpListener> {
    let mut cause = io::Error::new(io::ErrorKind::InvalidInput, "the name has no address");
    for address in lookup_host(address).await? {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        socket.set_reuseaddr(true)?;
        // Each connection inherits it.
        socket.set_send_buffer_size(SEND_BUFFER)?;
        match socket.bind(address).and_then(|()| socket.listen(BACKLOG)) {
            Ok(listener) => return Ok(listener),
            Err(error) => cause = error,
        }
    }
    Err(cause)
}

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;

async fn admit(
    guests: Guests<StreamId, Arrived>,
    mut stream: TcpStream,
    local_addr: SocketAddr,
) -> Result<(), String> {
    let mut bytes = [0; HEADER_LEN + 16];
    stream.read_exact(&mut bytes).await.map_err(|error| error.to_string())?;
    let Some((Ok(Message::Uuid(id)), _)) = Message::split(&bytes) else {
        return Err("it did not begin with a UUID; is it an AudioSocket?".to_owned());
    };
    // Who knocks is told nothing, and the log has no UUID that might be in use.
    let seat = guests.seat(&StreamId(id)).ok_or("no call expects its UUID")?;
    let arrived = Arrived { stream, local_addr };
    seat.take(arrived).map_err(|_| "the call was over by then".to_owned())
}
