//! Misbehaviour on request.

use crate::{EventKind, Operation};
use std::{num::NonZeroU32, time::Duration};

/// Something that the PBX does badly from now on, until [`Pbx::heal`](crate::Pbx::heal).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The operation is carried out, and answered, only after `delay`.
    SlowAnswer {
        /// The operation.
        operation: Operation,
        /// How long it is held back.
        delay: Duration,
    },
    /// The operation is refused and has no effect.
    FailOperation {
        /// The operation.
        operation: Operation,
        /// The HTTP status of the refusal.
        status: u16,
    },
    /// The events of the operation arrive before its reply.
    EventBeforeReply {
        /// The operation.
        operation: Operation,
    },
    /// The reply of the operation arrives before its events.
    ReplyBeforeEvent {
        /// The operation.
        operation: Operation,
    },
    /// Events of this kind are never sent.
    DropEvents {
        /// The kind.
        kind: EventKind,
    },
    /// Events of this kind are sent twice.
    DuplicateEvents {
        /// The kind.
        kind: EventKind,
    },
    /// What the operation is about is gone when the request arrives: its channels have hung up, its
    /// bridge is unmade.
    LateRequest {
        /// The operation.
        operation: Operation,
    },
    /// Every WebSocket of an application is cut, once, without a closing handshake.
    CloseSocket,
    /// Every WebSocket of an application is closed, once, with a closing handshake.
    CloseSocketPolitely,
    /// Every WebSocket of an application stays open, and neither sends nor reads a byte any more,
    /// answers to pings included. As in Asterisk, the applications stay active meanwhile.
    SilenceSocket,
    /// Another client takes every application, once, and keeps it until [`Pbx::heal`](crate::Pbx::heal)
    /// or until it is taken back.
    ReplaceApplication,
    /// Packets of external media are lost in both directions: one of every `one_in`.
    PacketLoss {
        /// 1 loses every packet, 50 loses two of a hundred.
        one_in: NonZeroU32,
    },
}

/// How far apart a reply and its events are kept when a fault fixes their order: long enough for
/// two loopback sockets to be read in that order.
pub(crate) const REORDER_GAP: Duration = Duration::from_millis(40);

/// How one operation is to be carried out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Manner {
    pub(crate) delay: Duration,
    pub(crate) fail: Option<u16>,
    /// How long the reply is held after the operation.
    pub(crate) hold_reply: Duration,
    /// How long the operation's events are held.
    pub(crate) hold_events: Duration,
}

impl Manner {
    pub(crate) fn of(operation: Operation, faults: &[Fault]) -> Manner {
        let mut manner = Manner::default();
        for fault in faults {
            match *fault {
                Fault::SlowAnswer { operation: it, delay } if it == operation => {
                    manner.delay = delay;
                }
                Fault::FailOperation { operation: it, status } if it == operation => {
                    manner.fail = Some(status);
                }
                Fault::EventBeforeReply { operation: it } if it == operation => {
                    manner.hold_reply = REORDER_GAP;
                }
                Fault::ReplyBeforeEvent { operation: it } if it == operation => {
                    manner.hold_events = REORDER_GAP;
                }
                _ => {}
            }
        }
        manner
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_touches_its_own_operation_only() {
        let faults = [
            Fault::FailOperation { operation: Operation::Answer, status: 500 },
            Fault::EventBeforeReply { operation: Operation::Originate },
        ];
        assert_eq!(Manner::of(Operation::Answer, &faults).fail, Some(500));
        assert_eq!(Manner::of(Operation::Originate, &faults).hold_reply, REORDER_GAP);
        assert_eq!(Manner::of(Operation::Hangup, &faults), Manner::default());
    }
}
