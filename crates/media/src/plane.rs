//! The media plane of a process: its shards, and the ports that calls get from them.

use crate::{
    counters::{Counters, ShardCounters},
    leg::{FrameSink, Leg},
    shard::{Handle, Listener, Opening, Place, Setup, Sockets},
    system::{self, Name},
    teller,
};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    num::NonZeroUsize,
    ops::RangeInclusive,
    sync::Arc,
    time::Duration,
};
use thiserror::Error;
use tokio::time::Instant;

/// What a plane is made of.
#[derive(Debug, Clone)]
pub struct PlaneConfig {
    /// Media threads. Each has a pair of ports of its own.
    pub shards: NonZeroUsize,
    /// The address at which Asterisk reaches us.
    pub bind: IpAddr,
    /// The UDP ports to take pairs from: RTP on an even port, RTCP on the one above.
    pub ports: RangeInclusive<u16>,
    /// From one tick to the next, 1 to 5 ms. A packet waits for half of it on average.
    pub tick: Duration,
    /// Legs a shard can have; no memory is used for those that it has not.
    pub legs_a_shard: NonZeroUsize,
    /// The cores that media has to itself: the first shard is kept on the first, and so on. Shards
    /// without one go where the system puts them.
    pub cores: Vec<usize>,
    /// How the system runs the media threads.
    pub scheduling: Scheduling,
}

/// How the system runs a media thread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scheduling {
    /// Like any other thread: on a machine with more work than cores it waits its turn, and callers
    /// hear that.
    Ordinary,
    /// Before all ordinary threads (`SCHED_FIFO`), where this process may do so (`CAP_SYS_NICE`, or
    /// a limit on `RTPRIO`); where it may not, that is logged, and they are ordinary.
    #[default]
    Realtime,
}

impl Default for PlaneConfig {
    /// One shard on loopback, with a tick of 1 ms and room for 2,000 legs.
    fn default() -> PlaneConfig {
        PlaneConfig {
            shards: NonZeroUsize::MIN,
            bind: Ipv4Addr::LOCALHOST.into(),
            ports: 30_000..=30_999,
            tick: Duration::from_millis(1),
            legs_a_shard: NonZeroUsize::new(2000).expect("more than none"),
            cores: Vec::new(),
            scheduling: Scheduling::default(),
        }
    }
}

/// Why there is no plane, or no port of it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PlaneError {
    /// No pair of ports can be had.
    #[error(
        "no pair of UDP ports from {first} to {last} can be opened at {ip}: {cause}; name an \
         address of this machine, or other ports"
    )]
    Ports {
        /// The address to bind.
        ip: IpAddr,
        /// The first port of the range.
        first: u16,
        /// The last port of the range.
        last: u16,
        /// What the system said of the last pair that was tried.
        cause: io::Error,
    },
    /// The system gives no thread, or no socket to wake it by.
    #[error("a media thread cannot be started: {0}")]
    Thread(io::Error),
    /// The tick is outside of its range.
    #[error("a tick of {0:?} cannot be: it must be 1 to 5 ms")]
    Tick(Duration),
    /// Every shard has as many legs as it can have.
    #[error("all {0} media legs are taken; allow more a shard, or more shards")]
    Full(usize),
}

/// A running media plane. Clones are the same one; its threads end with the last clone and leg.
#[derive(Debug, Clone)]
pub struct Plane {
    shards: Arc<[Arc<Handle>]>,
    capacity: usize,
}

/// What the kernel is asked to hold for a shard that is late: 40 ms of 2,000 calls, at the 768
/// bytes that it accounts for a packet of 172.
const SOCKET_BUFFER: i32 = 4 << 20;

/// Less than this is worth a warning: 40 ms of 250 calls.
const SMALL_BUFFER: usize = 400 << 10;

/// Entries of a shard's ring for each leg it can have: 80 ms of frames, which is longer than a busy
/// host was seen to keep a thread from its core.
pub(crate) const RING_A_LEG: usize = 4;
const SMALLEST_RING: usize = 256;

impl Plane {
    /// Opens the ports and starts the threads.
    ///
    /// # Errors
    /// [`PlaneError`] says what is missing.
    pub fn start(config: &PlaneConfig) -> Result<Plane, PlaneError> {
        if !(Duration::from_millis(1)..=Duration::from_millis(5)).contains(&config.tick) {
            return Err(PlaneError::Tick(config.tick));
        }
        let start = |n| start_shard(config, config.cores.get(n).copied()).map(Arc::new);
        let shards = (0..config.shards.get()).map(start).collect::<Result<_, _>>()?;
        let capacity = config.shards.get() * config.legs_a_shard.get();
        Ok(Plane { shards, capacity })
    }

    /// A port of the shard that has the fewest legs.
    ///
    /// # Errors
    /// [`PlaneError::Full`].
    pub fn port(&self) -> Result<RtpPort, PlaneError> {
        let least = self.shards.iter().min_by_key(|shard| shard.load());
        let place = least.and_then(Handle::place).ok_or(PlaneError::Full(self.capacity))?;
        Ok(RtpPort { place, epoch: Instant::now(), silent_after: Duration::from_secs(2) })
    }

    /// What each shard has counted.
    pub fn counters(&self) -> Vec<ShardCounters> {
        self.shards.iter().map(|shard| shard.counters().snapshot()).collect()
    }
}

/// A place for a leg that has no peer yet: nothing is sent or heard before
/// [`start`](RtpPort::start). The UDP port is shared with other legs.
#[derive(Debug)]
pub struct RtpPort {
    place: Place,
    epoch: Instant,
    silent_after: Duration,
}

impl RtpPort {
    /// Where to send to; what Asterisk is told as the external host.
    pub fn local_addr(&self) -> SocketAddr {
        self.place.shard().local_addr()
    }

    /// Counts [`Frame::arrived`](audio::jitter::Frame::arrived) from `epoch`, not from the moment
    /// that the port was taken: with the call's own zero all its marks are on one scale.
    #[must_use]
    pub fn with_epoch(self, epoch: Instant) -> RtpPort {
        RtpPort { epoch, ..self }
    }

    /// How long no packet may come before [`LegEvent::Silent`](crate::LegEvent::Silent); 2 s unless
    /// told.
    #[must_use]
    pub fn with_silent_after(self, silent_after: Duration) -> RtpPort {
        RtpPort { silent_after, ..self }
    }

    /// Opens the leg: hears and speaks to `peer` only, which is the address that Asterisk's reply
    /// to the external-media request names (`UNICASTRTP_LOCAL_ADDRESS` and `_PORT`). A leg of this
    /// port that has the same peer fails: Asterisk gave its address to a new channel.
    pub fn start(self, peer: SocketAddr, sink: impl FrameSink) -> Leg {
        let RtpPort { mut place, epoch, silent_after } = self;
        let local_addr = place.shard().local_addr();
        // As the shard names the senders of what it receives.
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        let name = Name::for_socket_at(local_addr.ip(), peer);
        let opening = Opening { name, epoch: epoch.into_std(), silent_after };
        Leg::new(local_addr, epoch, |teller| {
            place.open(peer, opening, Box::new(Listener { sink: Box::new(sink), teller }));
            Box::new(place)
        })
        .with_peer(peer)
    }
}

fn start_shard(config: &PlaneConfig, core: Option<usize>) -> Result<Handle, PlaneError> {
    let sockets = open_pair(config.bind, &config.ports)?;
    let granted =
        system::enlarge_buffers(&sockets.rtp, SOCKET_BUFFER).map_err(PlaneError::Thread)?;
    if granted < SMALL_BUFFER {
        tracing::warn!(
            granted,
            "the system gives RTP a small receive buffer; raise net.core.rmem_max to {SOCKET_BUFFER}"
        );
    }
    let capacity = config.legs_a_shard.get();
    let (ring, news) = rtrb::RingBuffer::new((capacity * RING_A_LEG).max(SMALLEST_RING));
    let counters = Arc::new(Counters::default());
    let teller =
        teller::start(news, config.scheduling, counters.clone()).map_err(PlaneError::Thread)?;
    let reader = teller.thread().clone();
    let setup = Setup { sockets, tick: config.tick, capacity, ring, reader, counters };
    Handle::start(setup, core, config.scheduling, teller).map_err(PlaneError::Thread)
}

/// The first free pair of the range.
fn open_pair(ip: IpAddr, ports: &RangeInclusive<u16>) -> Result<Sockets, PlaneError> {
    let (first, last) = (*ports.start(), *ports.end());
    let mut cause = io::Error::from(io::ErrorKind::AddrInUse);
    for port in (first..last).filter(|port| port.is_multiple_of(2) && *port > 0) {
        let pair = UdpSocket::bind((ip, port))
            .and_then(|rtp| Ok(Sockets { rtp, rtcp: UdpSocket::bind((ip, port + 1))? }));
        match pair {
            Ok(sockets) => return Ok(sockets),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => {
                cause = error;
                break;
            }
        }
    }
    Err(PlaneError::Ports { ip, first, last, cause })
}
