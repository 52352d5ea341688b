//! Destinations that can be dialled.

use std::{sync::Arc, time::Duration};

/// How a destination behaves when it is dialled.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// How long it rings before it reacts. Zero: it reacts without ringing.
    pub rings_for: Duration,
    /// What it does then.
    pub then: Reaction,
}

/// What a destination does after its ringing.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Reaction {
    /// An agent takes the call.
    Answers {
        /// What the agent says from the moment of answer.
        says: Speech,
        /// When the agent hangs up, counted from the answer.
        hangs_up_after: Option<Duration>,
    },
    /// 486 Busy Here: cause 17.
    Busy,
    /// Rings until the one who dialled gives up.
    NoAnswer,
    /// Refuses the call.
    Rejects {
        /// The hang-up cause (ITU-T Q.850), 21 for "Call Rejected".
        cause: u16,
    },
    /// Known, but without a registered contact: the channel cannot even be made.
    Unregistered,
}

/// Sound that an agent makes, mono at 8 kHz.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Speech {
    /// Said once; silence follows.
    Once(Arc<[i16]>),
    /// Said again and again.
    Looped(Arc<[i16]>),
}

impl Speech {
    /// Writes the frame that begins at sample `at`.
    pub(crate) fn read(&self, at: usize, frame: &mut [i16]) {
        match self {
            Speech::Once(audio) => {
                let rest = audio.get(at..).unwrap_or_default();
                let n = rest.len().min(frame.len());
                frame[..n].copy_from_slice(&rest[..n]);
                frame[n..].fill(0);
            }
            Speech::Looped(audio) if audio.is_empty() => frame.fill(0),
            Speech::Looped(audio) => {
                for (i, sample) in frame.iter_mut().enumerate() {
                    *sample = audio[(at + i) % audio.len()];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speech_said_once_ends_in_silence_and_looped_speech_never_ends() {
        let audio: Arc<[i16]> = Arc::from([1, 2, 3]);
        let mut frame = [9; 4];
        Speech::Once(audio.clone()).read(1, &mut frame);
        assert_eq!(frame, [2, 3, 0, 0]);
        Speech::Once(audio.clone()).read(7, &mut frame);
        assert_eq!(frame, [0; 4]);
        Speech::Looped(audio).read(2, &mut frame);
        assert_eq!(frame, [3, 1, 2, 3]);
    }
}
