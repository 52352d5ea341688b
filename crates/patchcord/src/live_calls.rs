//! The calls that go on: what somebody who looks after them may see, and who of them is listened to. A call in which a card
//! is keyed in is listened to by nobody.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde::Serialize;
use tokio::sync::watch;

/// The calls of a process. Clones are the same calls.
#[derive(Debug, Clone, Default)]
pub(crate) struct LiveCalls(Arc<Mutex<BTreeMap<String, Live>>>);

#[derive(Debug)]
struct Live {
    caller: String,
    called: String,
    began: Instant,
    /// The channels of the caller, and of the agent once both talk.
    channels: Channels,
    heard: watch::Sender<Heard>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Channels {
    caller: String,
    agent: Option<String>,
}

/// By whom a call is heard beside those who talk.
#[derive(Debug, Clone, Copy, Default)]
struct Heard {
    /// How many listen.
    by: usize,
    /// Whether nobody may.
    private: bool,
}

/// A call in the list, until it is dropped.
#[derive(Debug)]
pub(crate) struct Entry {
    calls: LiveCalls,
    id: String,
}

/// A call as it is shown.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(crate) struct Shown {
    pub call: String,
    pub caller: String,
    pub called: String,
    pub seconds: u64,
    /// Whether an agent has answered.
    pub talks: bool,
    pub listeners: usize,
}

/// Somebody listens to a call, until this is dropped.
#[derive(Debug)]
pub(crate) struct Listening {
    heard: watch::Sender<Heard>,
    ends: watch::Receiver<Heard>,
    /// Whom to listen to.
    pub channel: String,
}

/// Why nobody can listen to a call.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum NotHeard {
    #[error("no such call goes on\n  mend: patchcord supervise --config FILE lists them")]
    NoSuchCall,
    #[error("several calls are from {0}\n  mend: name the call as patchcord supervise lists it")]
    Several(String),
    #[error("no agent talks with the caller, so there is nobody to whisper to")]
    NoAgent,
    #[error("nobody may listen now: a card is being keyed in")]
    Private,
}

impl LiveCalls {
    /// A call has begun.
    pub(crate) fn begin(&self, channel: &str, caller: String, called: &str) -> Entry {
        let (heard, _) = watch::channel(Heard::default());
        let channels = Channels { caller: channel.to_owned(), agent: None };
        let called = called.to_owned();
        let live = Live { caller, called, began: Instant::now(), channels, heard };
        self.calls().insert(channel.to_owned(), live);
        Entry { calls: self.clone(), id: channel.to_owned() }
    }

    /// All of them, in the order of their ids.
    pub(crate) fn list(&self) -> Vec<Shown> {
        let calls = self.calls();
        let shown = calls.iter().map(|(id, live)| Shown {
            call: id.clone(),
            caller: live.caller.clone(),
            called: live.called.clone(),
            seconds: live.began.elapsed().as_secs(),
            talks: live.channels.agent.is_some(),
            listeners: live.heard.borrow().by,
        });
        shown.collect()
    }

    /// Begins to listen to a call, named by its id or its caller: to the agent, where one talks, and else to the caller.
    pub(crate) fn listen(&self, call: &str, whispers: bool) -> Result<Listening, NotHeard> {
        let calls = self.calls();
        let live = match calls.get(call) {
            Some(live) => live,
            None => {
                let mut found = calls.values().filter(|live| live.caller == call);
                let live = found.next().ok_or(NotHeard::NoSuchCall)?;
                if found.next().is_some() {
                    return Err(NotHeard::Several(call.to_owned()));
                }
                live
            }
        };
        let channel = match (&live.channels.agent, whispers) {
            (Some(agent), _) => agent,
            (None, true) => return Err(NotHeard::NoAgent),
            (None, false) => &live.channels.caller,
        };
        live.listen(channel)
    }

    /// Begins to listen to a caller by the caller's channel; none if the channel is no caller's.
    pub(crate) fn listen_to(&self, channel: &str) -> Option<Result<Listening, NotHeard>> {
        let calls = self.calls();
        let live = calls.values().find(|live| live.channels.caller == channel)?;
        Some(live.listen(channel))
    }

    fn calls(&self) -> MutexGuard<'_, BTreeMap<String, Live>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    fn listen(&self, channel: &str) -> Result<Listening, NotHeard> {
        if self.heard.borrow().private {
            return Err(NotHeard::Private);
        }
        self.heard.send_modify(|heard| heard.by += 1);
        let (heard, ends) = (self.heard.clone(), self.heard.subscribe());
        Ok(Listening { heard, ends, channel: channel.to_owned() })
    }
}

impl Entry {
    /// The caller's channel, and that of the agent who talks.
    pub(crate) fn is_now(&self, caller: &str, agent: Option<&str>) {
        if let Some(live) = self.calls.calls().get_mut(&self.id) {
            caller.clone_into(&mut live.channels.caller);
            live.channels.agent = agent.map(str::to_owned);
        }
    }

    /// From here on nobody may listen; done when nobody does.
    pub(crate) fn is_private(&self) -> impl Future<Output = Result<(), String>> + Send + 'static {
        let heard = self.calls.calls().get(&self.id).map(|live| {
            live.heard.send_modify(|heard| heard.private = true);
            live.heard.subscribe()
        });
        async move {
            let Some(mut heard) = heard else { return Ok(()) };
            // Nobody is left to say so when the call is over, and nobody to listen.
            let _ = heard.wait_for(|heard| heard.by == 0).await;
            Ok(())
        }
    }

    /// Others may listen again.
    pub(crate) fn is_open(&self) {
        if let Some(live) = self.calls.calls().get(&self.id) {
            live.heard.send_modify(|heard| heard.private = false);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.calls.calls().remove(&self.id);
    }
}

impl Listening {
    /// Waits until listening must end.
    pub(crate) async fn must_end(&mut self) {
        // An error would mean that nobody can say so any more; this holds a sender itself.
        let _ = self.ends.wait_for(|heard| heard.private).await;
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.heard.send_modify(|heard| heard.by -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_named_by_its_id_or_by_a_caller_who_calls_once() {
        let calls = LiveCalls::default();
        let one = calls.begin("1.1", "100".to_owned(), "5550100");
        let heard = |call: &str| calls.listen(call, false).map(|it| it.channel.clone());
        assert_eq!((heard("1.1"), heard("100")), (Ok("1.1".into()), Ok("1.1".into())));
        let two = calls.begin("1.2", "100".to_owned(), "5550100");
        assert_eq!(heard("100"), Err(NotHeard::Several("100".to_owned())));
        drop((one, two));
        assert_eq!(heard("1.1"), Err(NotHeard::NoSuchCall));
        assert_eq!(calls.list(), []);
    }

    #[test]
    fn an_agent_is_listened_to_where_one_talks_and_nobody_else_is_whispered_to() {
        let calls = LiveCalls::default();
        let entry = calls.begin("1.1", "100".to_owned(), "5550100");
        assert_eq!(calls.listen("1.1", true).err(), Some(NotHeard::NoAgent));
        entry.is_now("1.1", Some("agent"));
        let listens = calls.listen("1.1", true).expect("an agent talks");
        assert_eq!((&*listens.channel, calls.list()[0].listeners), ("agent", 1));
        drop(listens);
        assert_eq!(calls.list()[0].listeners, 0);
    }

    #[tokio::test]
    async fn nobody_listens_while_a_card_is_keyed_in() {
        let calls = LiveCalls::default();
        let entry = calls.begin("1.1", "100".to_owned(), "5550100");
        let mut listens = calls.listen("1.1", false).expect("nothing speaks against it");
        let mut alone = Box::pin(entry.is_private());
        let soon = std::time::Duration::from_millis(10);
        assert!(tokio::time::timeout(soon, alone.as_mut()).await.is_err());
        assert_eq!(calls.listen("1.1", false).err(), Some(NotHeard::Private));
        listens.must_end().await;
        drop(listens);
        assert_eq!(alone.await, Ok(()));
        entry.is_open();
        assert!(calls.listen("1.1", false).is_ok());
    }
}
