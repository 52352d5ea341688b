//! The calls of one caller or phone as they unfold: told by SIPp, heard by the softphone.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::process::News;
use super::{CallRecord, End, Keys};
use crate::asterisk::RigError;
use crate::softphone::{Background, Leg, MediaPort, locked};

/// All calls, in order of arrival.
pub(super) struct Side {
    calls: Mutex<Vec<Call>>,
    changed: Condvar,
    background: Background,
    media: MediaPort,
    keys: Keys,
}

impl Side {
    pub(super) fn new(media: MediaPort, background: Background, keys: Keys) -> Side {
        Side { calls: Mutex::default(), changed: Condvar::new(), background, media, keys }
    }

    pub(super) fn keys(&self) -> Keys {
        self.keys
    }

    pub(super) fn media(&self) -> &MediaPort {
        &self.media
    }

    pub(super) fn note(&self, call_id: &str, at: Instant, news: News) {
        let mut calls = locked(&self.calls);
        let index = calls.iter().position(|call| call.id == call_id).unwrap_or_else(|| {
            calls.push(Call { id: call_id.to_owned(), ..Call::default() });
            calls.len() - 1
        });
        let call = &mut calls[index];
        match news {
            News::Trying => {}
            News::Ringing => call.record.rang_at = Some(at),
            News::Early(port) => call.open(&self.media, port, self.background),
            News::Answered(port) => {
                call.open(&self.media, port, self.background);
                call.record.answered_at = Some(at);
            }
            News::Tag(tag) => call.record.tag = tag,
            News::Referred(status) => call.record.referred = Some(status),
            News::Ended(end) => call.close(at, end),
        }
        drop(calls);
        self.changed.notify_all();
    }

    /// SIPp has ended: no call goes on.
    pub(super) fn note_gone(&self, at: Instant) {
        for call in locked(&self.calls).iter_mut().filter(|call| !call.is_over()) {
            call.close(at, End::Broken);
        }
        self.changed.notify_all();
    }

    /// Does something with the sound of a call, unless the call is over or its sound has no way yet:
    /// nobody would hear it.
    pub(super) fn with_leg(&self, call_id: &str, act: impl FnOnce(&Leg)) {
        let calls = locked(&self.calls);
        if let Some(leg) = calls.iter().find(|c| c.id == call_id).and_then(|c| c.leg.as_ref()) {
            act(leg);
        }
    }

    /// The Call-IDs of the calls that are answered and up.
    pub(super) fn talking(&self) -> Vec<String> {
        let calls = locked(&self.calls);
        let up = |call: &&Call| call.record.answered_at.is_some() && !call.is_over();
        calls.iter().filter(up).map(|call| call.id.clone()).collect()
    }

    pub(super) fn records(&self) -> Vec<CallRecord> {
        locked(&self.calls).iter().map(Call::snapshot).collect()
    }

    /// Waits until the calls, with their sound so far, satisfy `until`.
    pub(super) fn wait(
        &self,
        patience: Duration,
        until: impl Fn(&[CallRecord]) -> bool,
    ) -> Result<Vec<CallRecord>, RigError> {
        self.wait_for(patience, |calls| {
            let records: Vec<_> = calls.iter().map(Call::snapshot).collect();
            until(&records).then_some(records)
        })
    }

    /// Waits until there has been a call and every call is over.
    pub(super) fn wait_until_over(&self, patience: Duration) -> Result<(), RigError> {
        self.wait_for(patience, |calls| {
            (!calls.is_empty() && calls.iter().all(Call::is_over)).then_some(())
        })
    }

    fn wait_for<T>(
        &self,
        patience: Duration,
        until: impl Fn(&[Call]) -> Option<T>,
    ) -> Result<T, RigError> {
        let give_up = Instant::now() + patience;
        let mut calls = locked(&self.calls);
        loop {
            if let Some(found) = until(&calls) {
                return Ok(found);
            }
            let left = give_up.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let seen: Vec<_> = calls.iter().map(Call::summary).collect();
                return Err(RigError::Failed(format!("not within {patience:?}; so far {seen:?}")));
            }
            // Sound arrives without news: look again now and then.
            calls = self
                .changed
                .wait_timeout(calls, left.min(LOOK))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

const LOOK: Duration = Duration::from_millis(20);

#[derive(Default)]
struct Call {
    id: String,
    record: CallRecord,
    leg: Option<Leg>,
}

impl Call {
    fn open(&mut self, media: &MediaPort, port: u16, background: Background) {
        self.leg.get_or_insert_with(|| media.call(port, background));
    }

    fn close(&mut self, at: Instant, end: End) {
        self.record.ended = Some((at, end));
        if let Some(leg) = self.leg.take() {
            self.record.recording = leg.recording();
        }
    }

    fn is_over(&self) -> bool {
        self.record.ended.is_some()
    }

    fn snapshot(&self) -> CallRecord {
        let mut record = self.record.clone();
        if let Some(leg) = &self.leg {
            record.recording = leg.recording();
        }
        record
    }

    fn summary(&self) -> String {
        let CallRecord { rang_at, answered_at, ended, .. } = &self.record;
        let (rang, answered) = (rang_at.is_some(), answered_at.is_some());
        format!("rang: {rang}, answered: {answered}, ended: {:?}", ended.map(|(_, end)| end))
    }
}
