//! Between a socket and the sink of its frames, so that a sink that is slow for once does not hold up Asterisk: one that
//! cannot write for long stops more calls than this one.

use crate::leg::FrameSink;
use audio::jitter::Frame;
use tokio::{
    sync::mpsc::{self, error::TrySendError},
    task::JoinHandle,
};

/// How many frames may wait for the sink: two seconds of sound.
const ROOM: usize = 100;

/// Gives frames to a sink that lives in a task of its own.
#[derive(Debug)]
pub(crate) struct Outlet {
    frames: mpsc::Sender<Frame>,
    task: JoinHandle<()>,
}

impl Outlet {
    /// Must be called within a tokio runtime.
    pub(crate) fn open(mut sink: impl FrameSink) -> Outlet {
        let (frames, mut waiting) = mpsc::channel::<Frame>(ROOM);
        let task = tokio::spawn(async move {
            while let Some(frame) = waiting.recv().await {
                sink.frame(&frame);
            }
        });
        Outlet { frames, task }
    }

    /// Gives it a frame, unless too many wait already; says whether it was taken.
    pub(crate) fn give(&self, frame: &Frame) -> bool {
        match self.frames.try_send(frame.clone()) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Closed(_)) => false,
        }
    }

    /// Waits until the sink has taken what waits, and is gone.
    pub(crate) async fn close(self) {
        drop(self.frames);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "a frame sink panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::{FRAME, jitter::FrameKind};
    use std::{
        sync::{Arc, Mutex},
        time::Duration,
    };

    #[tokio::test]
    async fn a_sink_that_stands_still_loses_frames_and_holds_up_nobody() {
        let taken = Arc::new(Mutex::new(Vec::new()));
        let sink = {
            let taken = taken.clone();
            move |frame: &Frame| taken.lock().unwrap().push(frame.position)
        };
        let outlet = Outlet::open(sink);
        let frame = |position| Frame {
            samples: [0; FRAME],
            position,
            kind: FrameKind::Voice,
            arrived: Duration::ZERO,
        };
        // The sink's task has no turn before this one waits.
        let given: Vec<u64> = (0..500).filter(|n| outlet.give(&frame(*n))).collect();
        assert_eq!(given, (0..ROOM as u64).collect::<Vec<_>>());
        outlet.close().await;
        assert_eq!(*taken.lock().unwrap(), given);
    }
}
