//! Our media plane, as a program with calls uses it.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::sync::atomic::Ordering::Relaxed;

use audio::jitter::Frame;
use audio::resample::Upsampler;
use media::{FrameSink, Leg, Plane, PlaneConfig, Playout, Scheduling, Sound};

use crate::Result;
use crate::contestant::{HEARD, Opened, Work, prompt};

/// Each frame heard becomes 16 kHz.
pub(crate) fn wide(work: Work) -> Result<Opened<(Plane, Vec<Leg>)>> {
    open(work, || {
        let (mut upsampler, mut wide) = (Upsampler::new(), Vec::new());
        move |frame: &Frame| {
            wide.clear();
            upsampler.process(&frame.samples, &mut wide);
            black_box::<&[f32]>(&wide);
            HEARD.fetch_add(1, Relaxed);
        }
    })
}

/// A packet in and a packet out, as a relay has it; the jitter buffer and the decoder, which a relay has not, stay.
pub(crate) fn narrow(work: Work) -> Result<Opened<(Plane, Vec<Leg>)>> {
    open(work, || {
        |frame: &Frame| {
            black_box(frame);
            HEARD.fetch_add(1, Relaxed);
        }
    })
}

fn open<Sink: FrameSink>(work: Work, sink: fn() -> Sink) -> Result<Opened<(Plane, Vec<Leg>)>> {
    let legs_a_shard = NonZeroUsize::new(work.calls).ok_or("no calls")?;
    let scheduling = Scheduling::Ordinary;
    let plane = Plane::start(&PlaneConfig { legs_a_shard, scheduling, ..PlaneConfig::default() })?;
    let sound = Sound::new(&prompt());
    let mut legs = Vec::with_capacity(work.calls);
    for n in 0..work.calls {
        let leg = plane.port()?.start(work.far(n), sink());
        leg.play(Playout::forever(0, sound.clone()));
        legs.push(leg);
    }
    let addresses = legs.iter().map(Leg::local_addr).collect();
    Ok(((plane, legs), addresses))
}
