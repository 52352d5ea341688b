//! The rooms in which callers hear each other: who is in which, what each is told of the others, and what those who look
//! after them may do. A room is there while a caller is in it. Besides callers there may be guests: phones that were rung
//! into the room, and that leave with the last caller.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ari::ids;
use call::RoomNews;
use serde::Serialize;
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
    /// Who can lock the room.
    host: Option<u64>,
}

#[derive(Debug)]
struct Member {
    name: String,
    kind: Kind,
    channel: String,
    /// Whether the others are heard already.
    there: bool,
    muted: bool,
    held: bool,
    tell: mpsc::UnboundedSender<RoomNews>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Caller,
    Guest,
}

/// The bridge of a room. Whoever needs it first makes it.
#[derive(Debug)]
pub(crate) struct RoomBridge {
    pub id: String,
    pub made: OnceCell<()>,
}

/// A place in a room, until it is [left](Seat::leave) or dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    rooms: Conferences,
    room: String,
    number: u64,
    pub bridge: Arc<RoomBridge>,
    /// What happens to the others.
    pub news: mpsc::UnboundedReceiver<RoomNews>,
}

/// A room as it is shown.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(crate) struct RoomShown {
    pub room: String,
    pub locked: bool,
    pub members: Vec<MemberShown>,
}

/// Somebody in a room as it is shown.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(crate) struct MemberShown {
    pub number: u64,
    pub name: String,
    pub host: bool,
    pub guest: bool,
    pub muted: bool,
    pub held: bool,
}

/// Nobody is there who is meant.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum NotThere {
    #[error("there is no room {0}\n  mend: patchcord rooms list shows those that are there")]
    Room(String),
    #[error("nobody in the room {0} has the number {1}\n  mend: patchcord rooms list shows them")]
    Member(String, u64),
}

impl Conferences {
    /// Takes a place in a room for a caller, which is made if it is not there; none in one that is locked.
    pub(crate) fn enter(&self, room: &str, name: &str, channel: &str) -> Option<Seat> {
        let mut rooms = self.rooms();
        let conference = rooms.entry(room.to_owned()).or_insert_with(|| Conference {
            bridge: Arc::new(RoomBridge { id: ids::unique("conference"), made: OnceCell::new() }),
            locked: false,
            members: BTreeMap::new(),
            came: 0,
            host: None,
        });
        if conference.locked {
            return None;
        }
        Some(conference.seat(self, room, name, channel, Kind::Caller))
    }

    /// Takes a place for somebody who was rung into a room that is there, locked or not.
    pub(crate) fn invite(&self, room: &str, name: &str, channel: &str) -> Result<Seat, NotThere> {
        let mut rooms = self.rooms();
        let conference = rooms.get_mut(room).ok_or_else(|| NotThere::Room(room.to_owned()))?;
        Ok(conference.seat(self, room, name, channel, Kind::Guest))
    }

    /// All rooms, by their names.
    pub(crate) fn list(&self) -> Vec<RoomShown> {
        let rooms = self.rooms();
        let mut shown: Vec<RoomShown> = rooms.iter().map(|(room, it)| it.shown(room)).collect();
        shown.sort_by(|a, b| a.room.cmp(&b.room));
        shown
    }

    /// Tells somebody in a room what is to be.
    pub(crate) fn tell(&self, room: &str, number: u64, news: RoomNews) -> Result<(), NotThere> {
        let rooms = self.rooms();
        let member = member(&rooms, room, number)?;
        // Who is just going needs not know.
        let _ = member.tell.send(news);
        Ok(())
    }

    /// The channel of somebody in a room.
    pub(crate) fn channel(&self, room: &str, number: u64) -> Result<String, NotThere> {
        Ok(member(&self.rooms(), room, number)?.channel.clone())
    }

    /// Whether the room is there.
    pub(crate) fn has(&self, room: &str) -> Result<(), NotThere> {
        let there = self.rooms().contains_key(room);
        there.then_some(()).ok_or_else(|| NotThere::Room(room.to_owned()))
    }

    /// Lets no more callers in, or all.
    pub(crate) fn lock(&self, room: &str, locked: bool) -> Result<(), NotThere> {
        let mut rooms = self.rooms();
        let conference = rooms.get_mut(room).ok_or_else(|| NotThere::Room(room.to_owned()))?;
        conference.locked = locked;
        conference.tell(None, &RoomNews::Locked(locked));
        Ok(())
    }

    fn rooms(&self) -> MutexGuard<'_, HashMap<String, Conference>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn member<'a>(
    rooms: &'a HashMap<String, Conference>,
    room: &str,
    number: u64,
) -> Result<&'a Member, NotThere> {
    let conference = rooms.get(room).ok_or_else(|| NotThere::Room(room.to_owned()))?;
    let member = conference.members.get(&number).filter(|member| member.there);
    member.ok_or_else(|| NotThere::Member(room.to_owned(), number))
}

impl Conference {
    fn seat(
        &mut self,
        rooms: &Conferences,
        room: &str,
        name: &str,
        channel: &str,
        kind: Kind,
    ) -> Seat {
        self.came += 1;
        let (tell, news) = mpsc::unbounded_channel();
        let (number, name, channel) = (self.came, name.to_owned(), channel.to_owned());
        let member = Member { name, kind, channel, there: false, muted: false, held: false, tell };
        self.members.insert(number, member);
        let (rooms, room) = (rooms.clone(), room.to_owned());
        Seat { rooms, room, number, bridge: self.bridge.clone(), news }
    }

    fn shown(&self, room: &str) -> RoomShown {
        let there = self.members.iter().filter(|(_, member)| member.there);
        let members = there.map(|(&number, member)| MemberShown {
            number,
            name: member.name.clone(),
            host: self.host == Some(number),
            guest: member.kind == Kind::Guest,
            muted: member.muted,
            held: member.held,
        });
        RoomShown { room: room.to_owned(), locked: self.locked, members: members.collect() }
    }

    /// Tells everybody, or everybody but one.
    fn tell(&self, but: Option<u64>, news: &RoomNews) {
        for (_, member) in self.members.iter().filter(|(number, _)| Some(**number) != but) {
            // Who is just going needs not know.
            let _ = member.tell.send(news.clone());
        }
    }

    /// Somebody is gone. The host's place goes to the caller who came next.
    fn without(&mut self, number: u64) {
        if self.host != Some(number) {
            return;
        }
        let mut callers = self.members.iter().filter(|(_, it)| it.kind == Kind::Caller && it.there);
        self.host = callers.next().map(|(&number, member)| {
            let _ = member.tell.send(RoomNews::Host);
            number
        });
    }
}

impl Seat {
    /// The others are heard: they are told. Gives how many they are.
    pub(crate) fn take(&self) -> u32 {
        let mut rooms = self.rooms.rooms();
        let Some(conference) = rooms.get_mut(&self.room) else { return 0 };
        let others = conference.members.len().saturating_sub(1) as u32;
        let Some(member) = conference.members.get_mut(&self.number) else { return 0 };
        member.there = true;
        let name = member.name.clone();
        if member.kind == Kind::Caller && conference.host.is_none() {
            conference.host = Some(self.number);
            // Who is alone is known to be the host.
            if others > 0 {
                let _ = member.tell.send(RoomNews::Host);
            }
        }
        conference.tell(Some(self.number), &RoomNews::Came(name));
        others
    }

    /// Lets nobody else in, or everybody.
    pub(crate) fn lock(&self, locked: bool) {
        if let Some(conference) = self.rooms.rooms().get_mut(&self.room) {
            conference.locked = locked;
            conference.tell(Some(self.number), &RoomNews::Locked(locked));
        }
    }

    pub(crate) fn is_muted(&self, muted: bool) {
        self.note(|member| member.muted = muted);
    }

    pub(crate) fn is_held(&self, held: bool) {
        self.note(|member| member.held = held);
    }

    fn note(&self, change: impl FnOnce(&mut Member)) {
        let mut rooms = self.rooms.rooms();
        let conference = rooms.get_mut(&self.room);
        if let Some(member) = conference.and_then(|it| it.members.get_mut(&self.number)) {
            change(member);
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
        conference.without(self.number);
        if !conference.members.values().any(|member| member.kind == Kind::Caller) {
            conference.tell(None, &RoomNews::Removed);
            return None;
        }
        let others = conference.members.len().saturating_sub(1) as u32;
        conference.tell(Some(self.number), &RoomNews::Went { name, others });
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

    fn enter(rooms: &Conferences, name: &str) -> Seat {
        let seat = rooms.enter("board", name, name).expect("it is open");
        seat.take();
        seat
    }

    #[test]
    fn those_in_a_room_are_told_who_comes_and_goes_and_the_last_takes_it_along() {
        let rooms = Conferences::default();
        let mut ann = rooms.enter("board", "Ann", "1").expect("it is open");
        assert_eq!(ann.take(), 0);
        let bob = rooms.enter("board", "Bob", "2").expect("it is open");
        assert_eq!(bob.take(), 1);
        assert_eq!(ann.news.try_recv(), Ok(RoomNews::Came("Bob".to_owned())));
        assert_eq!(ann.bridge.id, bob.bridge.id);
        assert!(bob.leave().is_none());
        let went = RoomNews::Went { name: "Bob".to_owned(), others: 0 };
        assert_eq!(ann.news.try_recv(), Ok(went));
        let bridge = ann.bridge.id.clone();
        assert_eq!(ann.leave().map(|bridge| bridge.id.clone()), Some(bridge.clone()));
        assert_ne!(rooms.enter("board", "Eve", "3").expect("a new one").bridge.id, bridge);
    }

    #[test]
    fn a_locked_room_lets_nobody_in_until_it_is_opened() {
        let rooms = Conferences::default();
        let mut ann = enter(&rooms, "Ann");
        let bob = rooms.enter("board", "", "2").expect("it is open");
        bob.lock(true);
        assert_eq!(ann.news.try_recv(), Ok(RoomNews::Locked(true)));
        assert!(rooms.enter("board", "", "3").is_none());
        assert!(rooms.enter("other", "", "4").is_some());
        rooms.lock("board", false).expect("it is there");
        assert_eq!(ann.news.try_recv(), Ok(RoomNews::Locked(false)));
        assert!(rooms.enter("board", "", "5").is_some());
        assert_eq!(rooms.lock("hall", true), Err(NotThere::Room("hall".to_owned())));
    }

    #[test]
    fn the_host_of_a_room_is_who_came_first_of_those_who_are_there() {
        let rooms = Conferences::default();
        let hosts = || -> Vec<String> {
            let shown = rooms.list().remove(0).members.into_iter();
            shown.filter(|member| member.host).map(|member| member.name).collect()
        };
        let ann = enter(&rooms, "Ann");
        let guest = rooms.invite("board", "operator", "g").expect("it is there");
        guest.take();
        // Who has not come in yet leads nothing.
        let late = rooms.enter("board", "Late", "l").expect("it is open");
        let mut bob = enter(&rooms, "Bob");
        assert_eq!(hosts(), ["Ann"]);
        while bob.news.try_recv().is_ok() {}
        ann.leave();
        assert_eq!((hosts(), bob.news.try_recv()), (vec!["Bob".to_owned()], Ok(RoomNews::Host)));
        bob.leave();
        assert_eq!(hosts(), [""; 0]);
        late.take();
        assert_eq!(hosts(), ["Late"]);
    }

    #[test]
    fn guests_are_let_in_by_others_and_leave_with_the_last_caller() {
        let rooms = Conferences::default();
        assert!(rooms.invite("board", "operator", "g").is_err());
        let mut ann = enter(&rooms, "Ann");
        ann.lock(true);
        let mut guest = rooms.invite("board", "operator", "g").expect("it is there");
        assert_eq!(guest.take(), 1);
        assert_eq!(ann.news.try_recv(), Ok(RoomNews::Came("operator".to_owned())));
        guest.is_muted(true);
        let shown = rooms.list().remove(0);
        let seen: Vec<_> = shown.members.iter().map(|it| (it.number, it.guest, it.muted)).collect();
        assert_eq!((shown.locked, seen), (true, vec![(1, false, false), (2, true, true)]));
        assert_eq!(rooms.channel("board", 2), Ok("g".to_owned()));
        rooms.tell("board", 2, RoomNews::Held(true)).expect("it is there");
        assert_eq!(guest.news.try_recv(), Ok(RoomNews::Held(true)));
        let nobody = Err(NotThere::Member("board".to_owned(), 9));
        assert_eq!(rooms.tell("board", 9, RoomNews::Removed), nobody);
        assert!(ann.leave().is_none());
        assert_eq!(guest.news.try_recv(), Ok(RoomNews::Removed));
        assert!(guest.leave().is_some());
    }
}
