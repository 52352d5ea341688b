//! Connections that Asterisk makes, and the calls that expect them.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{collections::HashMap, hash::Hash, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, oneshot},
    time::{sleep, timeout},
};

/// Such as when no file descriptor is free.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// Who is expected, by a key that each names when it comes. Cheap to clone.
#[derive(Debug)]
pub(crate) struct Guests<K: Eq + Hash, T>(Arc<Inner<K, T>>);

#[derive(Debug)]
struct Inner<K: Eq + Hash, T> {
    seats: Mutex<HashMap<K, oneshot::Sender<T>>>,
    handshake_timeout: Duration,
    room: Arc<Semaphore>,
}

/// One that is expected; no longer when this is dropped.
#[derive(Debug)]
pub(crate) struct Guest<T> {
    arrival: oneshot::Receiver<T>,
}

/// The place of one that has come.
pub(crate) struct Seat<T>(oneshot::Sender<T>);

impl<K: Eq + Hash, T> Clone for Guests<K, T> {
    fn clone(&self) -> Guests<K, T> {
        Guests(self.0.clone())
    }
}

impl<K, T> Guests<K, T>
where
    K: Eq + Hash + Send + 'static,
    T: Send + 'static,
{
    pub(crate) fn new(handshake_timeout: Duration, max_handshakes: usize) -> Guests<K, T> {
        let (seats, room) = (Mutex::default(), Arc::new(Semaphore::new(max_handshakes)));
        Guests(Arc::new(Inner { seats, handshake_timeout, room }))
    }

    /// Expects one with this key, in place of any that was expected with it before.
    pub(crate) fn expect(&self, key: K) -> Guest<T> {
        let (seat, arrival) = oneshot::channel();
        let mut seats = self.seats();
        // Those that nobody waits for any more go here, so that nobody has to remember them.
        seats.retain(|_, seat| !seat.is_closed());
        seats.insert(key, seat);
        Guest { arrival }
    }

    /// The place of the one with this key. There is one arrival for each that is expected.
    pub(crate) fn seat(&self, key: &K) -> Option<Seat<T>> {
        self.seats().remove(key).filter(|seat| !seat.is_closed()).map(Seat)
    }

    /// Takes connections for ever, and says of each that is not let in why.
    pub(crate) async fn take_all<A, F>(self, listener: TcpListener, admit: A)
    where
        A: Fn(TcpStream, SocketAddr) -> F,
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        loop {
            let Ok(place) = Arc::clone(&self.0.room).acquire_owned().await else { return };
            let accepted = listener.accept().await.and_then(|(stream, from)| {
                stream.set_nodelay(true)?;
                let local_addr = stream.local_addr()?;
                Ok((stream, from, local_addr))
            });
            let (stream, from, local_addr) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a media connection could not be accepted");
                    sleep(AFTER_FAILURE).await;
                    continue;
                }
            };
            let (guests, admission) = (self.clone(), admit(stream, local_addr));
            tokio::spawn(async move {
                if let Err(cause) = guests.in_time(admission).await {
                    tracing::warn!(%from, cause, "a media connection was refused");
                }
                drop(place);
            });
        }
    }

    /// Gives an admission as long as a handshake may take.
    pub(crate) async fn in_time(
        &self,
        admission: impl Future<Output = Result<(), String>>,
    ) -> Result<(), String> {
        let limit = self.0.handshake_timeout;
        timeout(limit, admission).await.unwrap_or_else(|_| Err(format!("nothing for {limit:?}")))
    }

    fn seats(&self) -> MutexGuard<'_, HashMap<K, oneshot::Sender<T>>> {
        self.0.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Guest<T> {
    /// What has come; `None` when nothing can come any more.
    pub(crate) async fn arrival(self) -> Option<T> {
        self.arrival.await.ok()
    }
}

impl<T> Seat<T> {
    /// Gives what has come to whoever expects it; back, if nobody does any more.
    pub(crate) fn take(self, arrived: T) -> Result<(), T> {
        self.0.send(arrived)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_who_is_expected_finds_a_seat_and_only_once() {
        let guests: Guests<&str, u8> = Guests::new(Duration::from_secs(1), 1);
        let (first, second) = (guests.expect("a"), guests.expect("b"));
        drop(second);
        assert!(guests.seat(&"b").is_none(), "not expected any more");
        assert!(guests.seat(&"c").is_none());
        assert_eq!(guests.seat(&"a").unwrap().take(7), Ok(()));
        assert!(guests.seat(&"a").is_none(), "it has come already");
        assert_eq!(first.arrival().await, Some(7));
        let forgotten = guests.expect("d");
        drop(forgotten);
        let _kept = guests.expect("e");
        assert_eq!(guests.seats().len(), 1);
    }
}
