//! The rooms in which callers hear each other: who is in which, and what each is told of the others. A room is there while
//! somebody is in it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ari::ids;
use call::RoomNews;
use tokio::sync::{OnceCell, mpsc};

/// The rooms of a process. Clones are the same rooms.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conferences(Arc<Mutex<HashMap<String, Conference>>>);

#[derive(Debug)]
struct Conference {
    bridge: Arc<RoomBridge>,
    locked: bool,
    members: BTreeMap<u64, Member>,
    /// How many have come so far.
    came: u64,
}

#[derive(Debug)]
struct Member {
    name: String,
    tell: mpsc::UnboundedSender<RoomNews>,
}

/// The bridge of a room. Whoever needs it first makes it.
#[derive(Debug)]
pub(crate) struct RoomBridge {
    pub id: String,
    pub made: OnceCell<()>,
}

/// A caller's place in a room, until it is [left](Seat::leave) or dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    rooms: Conferences,
    room: String,
    number: u64,
    pub bridge: Arc<RoomBridge>,
    /// What happens to the others.
    pub news: mpsc::UnboundedReceiver<RoomNews>,
}

impl Conferences {
    /// Takes a place in a room, which is made if it is not there; none in one that is locked.
    pub(crate) fn enter(&self, room: &str, name: &str) -> Option<Seat> {
        let mut rooms = self.rooms();
        let conference = rooms.entry(room.to_owned()).or_insert_with(|| Conference {
            bridge: Arc::new(RoomBridge { id: ids::unique("conference"), made: OnceCell::new() }),
            locked: false,
            members: BTreeMap::new(),
            came: 0,
        });
        if conference.locked {
            return None;
        }
        conference.came += 1;
        let (tell, news) = mpsc::unbounded_channel();
        let number = conference.came;
        conference.members.insert(number, Member { name: name.to_owned(), tell });
        let (rooms, room) = (self.clone(), room.to_owned());
        Some(Seat { rooms, room, number, bridge: conference.bridge.clone(), news })
    }

    fn rooms(&self) -> MutexGuard<'_, HashMap<String, Conference>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Conference {
    /// Tells everybody but one.
    fn tell(&self, but: u64, news: &RoomNews) {
        for (_, member) in self.members.iter().filter(|(number, _)| **number != but) {
            // Who is just going needs not know.
            let _ = member.tell.send(news.clone());
        }
    }
}

impl Seat {
    /// The caller hears the others: they are told. Gives how many they are.
    pub(crate) fn take(&self) -> u32 {
        let rooms = self.rooms.rooms();
        let Some(conference) = rooms.get(&self.room) else { return 0 };
        let name = conference.members.get(&self.number).map(|member| member.name.clone());
        conference.tell(self.number, &RoomNews::Came(name.unwrap_or_default()));
        conference.members.len().saturating_sub(1) as u32
    }

    /// Lets nobody else in, or everybody.
    pub(crate) fn lock(&self, locked: bool) {
        if let Some(conference) = self.rooms.rooms().get_mut(&self.room) {
            conference.locked = locked;
            conference.tell(self.number, &RoomNews::Locked(locked));
        }
    }

    /// Gives the place up. The last to leave takes the room's bridge along, to be destroyed.
    pub(crate) fn leave(mut self) -> Option<Arc<RoomBridge>> {
        self.give_up()
    }

    fn give_up(&mut self) -> Option<Arc<RoomBridge>> {
        let mut rooms = self.rooms.rooms();
        // Another room of the same name may be there by now.
        let conference = rooms
            .get_mut(&self.room)
            .filter(|conference| Arc::ptr_eq(&conference.bridge, &self.bridge))?;
        let Member { name, .. } = conference.members.remove(&self.number)?;
        if conference.members.is_empty() {
            return rooms.remove(&self.room).map(|conference| conference.bridge);
        }
        let others = conference.members.len().saturating_sub(1) as u32;
        conference.tell(self.number, &RoomNews::Went { name, others });
        None
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.give_up();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_in_a_room_are_told_who_comes_and_goes_and_the_last_takes_it_along() {
        let rooms = Conferences::default();
        let mut ann = rooms.enter("board", "Ann").expect("it is open");
        assert_eq!(ann.take(), 0);
        let bob = rooms.enter("board", "Bob").expect("it is open");
        assert_eq!(bob.take(), 1);
        assert_eq!(ann.news.try_recv(), Ok(RoomNews::Came("Bob".to_owned())));
        assert_eq!(ann.bridge.id, bob.bridge.id);
        assert!(bob.leave().is_none());
        let went = RoomNews::Went { name: "Bob".to_owned(), others: 0 };
        assert_eq!(ann.news.try_recv(), Ok(went));
        let bridge = ann.bridge.id.clone();
        assert_eq!(ann.leave().map(|bridge| bridge.id.clone()), Some(bridge.clone()));
        assert_ne!(rooms.enter("board", "Eve").expect("a new one").bridge.id, bridge);
    }

    #[test]
    fn a_locked_room_lets_nobody_in_until_it_is_opened() {
        let rooms = Conferences::default();
        let mut ann = rooms.enter("board", "").expect("it is open");
        let bob = rooms.enter("board", "").expect("it is open");
        bob.lock(true);
        assert_eq!(ann.news.try_recv(), Ok(RoomNews::Locked(true)));
        assert!(rooms.enter("board", "").is_none());
        assert!(rooms.enter("other", "").is_some());
        ann.lock(false);
        assert!(rooms.enter("board", "").is_some());
    }
}
