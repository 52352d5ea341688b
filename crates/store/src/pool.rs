//! A few connections, opened when they are needed and kept for the next who does.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

#[derive(Debug)]
pub(crate) struct Pool<C> {
    idle: Mutex<Vec<C>>,
    permits: Arc<Semaphore>,
}

impl<C> Pool<C> {
    pub(crate) fn new(size: usize) -> Pool<C> {
        Pool { idle: Mutex::default(), permits: Arc::new(Semaphore::new(size)) }
    }

    /// The right to use a connection, and one that was kept if there is one. Whoever has the permit may open another.
    pub(crate) async fn take(&self) -> (OwnedSemaphorePermit, Option<C>) {
        let permits = Arc::clone(&self.permits);
        let permit = permits.acquire_owned().await.expect("this semaphore is never closed");
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        (permit, idle.pop())
    }

    /// Keeps a connection that is fit for the next.
    pub(crate) fn keep(&self, connection: C) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}
