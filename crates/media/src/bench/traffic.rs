//! A plane that carries a load, and what it has cost so far.

use super::{BenchError, Far, Flow, Load, WARM_UP};
use crate::{
    FrameSink, Histogram, Leg, Plane, PlaneConfig, Playout, ShardCounters, Sound,
    counters::Recorder, system,
};
use audio::{FRAME, jitter::Frame, resample::Upsampler, tone};
use std::{
    hint::black_box,
    net::SocketAddr,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// All calls of a load under way.
pub(super) struct Traffic {
    plane: Plane,
    far: Far,
    legs: Vec<Leg>,
    delays: Arc<Recorder>,
}

/// What it has cost until a moment, or between two of them. Times are nanoseconds.
#[derive(Debug, Clone, Default)]
pub(super) struct Look {
    pub(super) received: u64,
    pub(super) receive_batches: u64,
    pub(super) sent: u64,
    pub(super) send_batches: u64,
    pub(super) given_up: u64,
    pub(super) kernel_drops: u64,
    pub(super) media_cpu: u64,
    pub(super) receiving_time: u64,
    pub(super) sending_time: u64,
    pub(super) turning_time: u64,
    pub(super) sinks_cpu: u64,
    pub(super) send_lateness: Histogram,
    pub(super) added_delay: Histogram,
}

/// A second of what is said to every caller.
pub(super) fn prompt() -> Sound {
    let mut second = vec![0; audio::SAMPLE_RATE as usize];
    tone::Sine::new(440.0, -12.0).fill(&mut second);
    Sound::new(&second)
}

impl Traffic {
    /// Starts a plane and all calls.
    pub(super) fn start(load: &Load) -> Result<Traffic, BenchError> {
        let calls = load.calls.get();
        let a_shard = calls.div_ceil(load.shards.get());
        let plane = Plane::start(&PlaneConfig {
            shards: load.shards,
            scheduling: load.scheduling,
            legs_a_shard: NonZeroUsize::new(a_shard).unwrap_or(NonZeroUsize::MIN),
            ..PlaneConfig::default()
        })?;
        let sound = prompt();
        let delays = Arc::new(Recorder::default());
        let ports = (0..calls).map(|_| plane.port()).collect::<Result<Vec<_>, _>>()?;
        let peers: Vec<SocketAddr> = ports.iter().map(|port| port.local_addr()).collect();
        let far = Far::on(Far::socket()?, &peers)?;
        let start = |(n, port): (usize, crate::RtpPort)| {
            let sink = Ears::new(&far, n, delays.clone());
            let leg = port.start((Far::ip(n), far.port()).into(), sink);
            leg.play(Playout::forever(0, sound.clone()));
            leg
        };
        let legs = ports.into_iter().enumerate().map(start).collect();
        if load.flow == Flow::BothWays {
            far.speak();
        }
        Ok(Traffic { plane, far, legs, delays })
    }

    pub(super) fn look(&self) -> Look {
        let mut look = Look { added_delay: self.delays.snapshot(), ..Look::default() };
        for shard in self.plane.counters() {
            look.add(&shard);
        }
        look
    }

    /// Ends all calls; gives how many packets the far ends sent that no shard received.
    pub(super) fn end(self) -> u64 {
        // What is still under way is no loss.
        self.far.stop();
        std::thread::sleep(WARM_UP / 4);
        let received: u64 = self.plane.counters().iter().map(|shard| shard.received).sum();
        drop(self.legs);
        self.far.sent() - received
    }
}

impl Look {
    fn add(&mut self, shard: &ShardCounters) {
        self.received += shard.received;
        self.receive_batches += shard.receive_batches;
        self.sent += shard.sent;
        self.send_batches += shard.send_batches;
        self.given_up += shard.untaken + shard.skipped;
        self.kernel_drops += shard.kernel_drops;
        self.media_cpu += shard.cpu;
        self.sinks_cpu += shard.telling_cpu;
        self.receiving_time += shard.receiving_time;
        self.sending_time += shard.sending_time;
        self.turning_time += shard.turning_time;
        self.send_lateness.add(&shard.send_lateness);
    }

    /// What has come since an earlier look.
    pub(super) fn since(&self, before: &Look) -> Look {
        Look {
            received: self.received - before.received,
            receive_batches: self.receive_batches - before.receive_batches,
            sent: self.sent - before.sent,
            send_batches: self.send_batches - before.send_batches,
            given_up: self.given_up - before.given_up,
            kernel_drops: self.kernel_drops - before.kernel_drops,
            media_cpu: self.media_cpu - before.media_cpu,
            receiving_time: self.receiving_time - before.receiving_time,
            sending_time: self.sending_time - before.sending_time,
            turning_time: self.turning_time - before.turning_time,
            sinks_cpu: self.sinks_cpu - before.sinks_cpu,
            send_lateness: self.send_lateness.since(&before.send_lateness),
            added_delay: self.added_delay.since(&before.added_delay),
        }
    }

    /// Call-frames.
    pub(super) fn frames(&self, flow: Flow) -> f64 {
        match flow {
            Flow::BothWays => (self.received + self.sent) as f64 / 2.0,
            Flow::OutOnly => self.sent as f64,
        }
    }
}

/// What the recogniser does first: 8 to 16 kHz. One leg of sixteen also looks at the clock.
struct Ears {
    upsampler: Upsampler,
    watch: Option<(Arc<AtomicU64>, Arc<Recorder>)>,
}

impl Ears {
    fn new(far: &Far, n: usize, delays: Arc<Recorder>) -> Ears {
        let watch = n.is_multiple_of(16).then(|| (far.sent_at(n), delays));
        Ears { upsampler: Upsampler::new(), watch }
    }
}

impl FrameSink for Ears {
    fn frame(&mut self, frame: &Frame) {
        let mut wide = [0.0_f32; 2 * FRAME];
        self.upsampler.process_into(&frame.samples, &mut wide);
        black_box(&wide);
        if let Some((sent_at, delays)) = &self.watch {
            let sent_at = sent_at.load(Relaxed);
            delays.record(Duration::from_nanos(system::monotonic().saturating_sub(sent_at)));
        }
    }
}
