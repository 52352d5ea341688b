//! A call's channels and bridge in Asterisk: which exist, which requests are under way, and what events mean to the
//! call.
//!
//! Every id is ours and watched before its request is sent, so replies and events may come in any order.

mod music;
mod release;
mod seating;
mod transfers;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ari::{
    AddChannel, Channel, ChannelDtmfReceived, Client, Continue, Delivery, Event, Mailbox,
    Originate, Reason, RequestError, Resource, ids,
};
use call::{Input, Join, NoRoom, Place, Why};
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};

use self::music::Music;
pub(crate) use self::release::{Ours, release};
use self::seating::{Lacks, Seated};
use self::words::{caller_id, why, why_not_queued};
use super::line::Line;
use super::room::Room;
use super::{Shared, Tap};
use crate::live_calls::Entry;
use crate::media_road::MediaRoad;

/// How long the release of all that a call has left may take before what is still there is only noted.
const TAKE_DOWN: Duration = Duration::from_secs(15);

/// The dialplan context in which a caller of ours waits in a queue: see assets/asterisk/extensions.conf.
const QUEUES: &str = "patchcord-queues";

/// How long after a refused answer the event may come that says that the caller has left.
const LEAVING: Duration = Duration::from_millis(500);

/// One call's channels, bridge and requests.
pub(super) struct Switchboard {
    client: Client,
    road: Arc<MediaRoad>,
    tap: Tap,
    arrived: Instant,
    caller: Caller,
    caller_id: String,
    /// Whether phones that want a transfer are to ask us.
    asked_for_transfers: bool,
    /// Where the caller is.
    room: Room,
    music: Music,
    agents: BTreeMap<u32, Agent>,
    /// What others see of the call.
    shown: Entry,
    seated: Option<Seated>,
    /// Channels that were given up while they were being made.
    unwanted: Vec<String>,
    requests: FuturesUnordered<BoxFuture<'static, Done>>,
}

/// The caller's channel.
struct Caller {
    id: String,
    presence: Presence,
    answered: bool,
}

/// Where the caller's channel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    /// In our application.
    Here,
    /// In our application as far as we know; Asterisk is asked to let it go on in the dialplan.
    Asked,
    /// Out of our application before the reply came that says whether into the dialplan or by a hang-up.
    Out,
    /// On its way into the dialplan.
    Leaving,
    /// Gone.
    Gone,
}

/// The channel to an agent.
struct Agent {
    id: String,
    kind: AgentKind,
    state: AgentState,
    /// Where the agent is told of the caller, if that comes first.
    room: Option<Room>,
}

/// Whose room it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Callers,
    /// The agent's of an attempt.
    Agents(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AgentKind {
    Person,
    /// Whomever a queue finds.
    Queue,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AgentState {
    Ringing,
    /// In a room apart.
    Apart,
    Talking,
    Abandoned,
    Gone,
}

/// A request's result.
enum Done {
    Answered(Result<(), RequestError>),
    MediaOpened(Whose, Result<Box<Line>, String>),
    MediaJoined(Whose, Result<(), RequestError>),
    Originated(u32, Result<(), RequestError>),
    AgentJoined(u32, Result<(), RequestError>),
    Continued(u32, Result<(), RequestError>),
    NoSuchPlace(u32),
    GivenBack(Result<(), RequestError>),
    MusicChanged(Option<(String, String)>),
    Snooped(Result<(), String>),
    Seated(Result<(), String>),
    Unseated,
    Released,
}

/// What came of a request.
pub(super) enum News {
    Tell(Input),
    /// Both ends of the caller's media leg are open.
    MediaOpened(Box<Line>),
    /// And of that to an agent who is to be told of the caller.
    ApartOpened(u32, Box<Line>),
    Nothing,
}

impl Switchboard {
    pub(super) fn new(shared: &Shared, channel: &Channel, arrived: Instant) -> Self {
        Self {
            client: shared.client.clone(),
            road: shared.road.clone(),
            tap: shared.tap,
            arrived,
            caller: Caller { id: channel.id.clone(), presence: Presence::Here, answered: false },
            caller_id: caller_id(&channel.caller.name, &channel.caller.number),
            asked_for_transfers: shared.dialling.transfers_are_ours(),
            room: Room::new(),
            music: Music::default(),
            agents: BTreeMap::new(),
            shown: shared.calls.begin(
                &channel.id,
                channel.caller.number.clone(),
                &channel.dialplan.exten,
            ),
            seated: None,
            unwanted: Vec::new(),
            requests: FuturesUnordered::new(),
        }
    }

    /// The result of the next request to end, or what happens in the caller's conference; waits for ever while there is
    /// neither.
    pub(super) async fn news(&mut self) -> News {
        let Self { requests, seated, .. } = self;
        let told = async {
            match seated {
                Some(seated) => seated.seat.news.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(done) = requests.next(), if !requests.is_empty() => self.done(done),
            Some(news) = told => News::Tell(Input::RoomTold(news)),
            else => std::future::pending().await,
        }
    }

    pub(super) fn answer(&mut self) {
        let (client, id) = (self.client.clone(), self.caller.id.clone());
        self.request(async move {
            let answered = client.channels().answer(&id).await;
            let refused = answered.as_ref().is_err_and(|e| e.reason() == Some(Reason::ServerFault));
            if refused {
                // A caller who leaves just now cannot be answered, and the event that says so is on its way.
                tokio::time::sleep(LEAVING).await;
            }
            Done::Answered(answered)
        });
    }

    /// Makes the caller's room.
    pub(super) fn open_media(&mut self, mailbox: &Mailbox) {
        self.room.watch(mailbox);
        self.make_room(Whose::Callers);
    }

    /// Our end of the caller's media leg is open.
    pub(super) fn media_flows(&mut self) {
        self.flows(Whose::Callers);
    }

    /// And of that to an agent.
    pub(super) fn apart_flows(&mut self, attempt: u32) {
        self.flows(Whose::Agents(attempt));
    }

    fn flows(&mut self, whose: Whose) {
        if let Some(room) = self.room_of(whose) {
            room.flowing = true;
        }
        self.join_media(whose);
    }

    fn room_of(&mut self, whose: Whose) -> Option<&mut Room> {
        match whose {
            Whose::Callers => Some(&mut self.room),
            Whose::Agents(attempt) => self.agents.get_mut(&attempt)?.room.as_mut(),
        }
    }

    fn make_room(&mut self, whose: Whose) {
        let (client, road, arrived) = (self.client.clone(), self.road.clone(), self.arrived);
        // Only what callers say is ever kept.
        let tap = if whose == Whose::Callers { self.tap } else { Tap::Off };
        let Some(room) = self.room_of(whose) else { return };
        let (opens, media) = (client.clone(), room.media.clone());
        let line = async move { Line::open(&road, &opens, &media, arrived, tap).await };
        let made = room.make(&client, line);
        self.request(async move { Done::MediaOpened(whose, made.await) });
    }

    pub(super) fn connect(
        &mut self,
        mailbox: &Mailbox,
        attempt: u32,
        place: &Place,
        ring: Duration,
        variables: BTreeMap<String, String>,
        join: Join,
    ) {
        let client = self.client.clone();
        match place {
            Place::Endpoint(endpoint) => {
                let originate = Originate::to_app(endpoint, client.config().app());
                let mut variables = variables;
                if self.asked_for_transfers {
                    variables.extend(transfers::asking(endpoint));
                }
                self.originate(mailbox, attempt, AgentKind::Person, originate, ring, variables);
                if join == Join::WhenAdmitted
                    && let Some(agent) = self.agents.get_mut(&attempt)
                {
                    let room = Room::new();
                    room.watch(mailbox);
                    agent.room = Some(room);
                }
            }
            Place::Queue(name) => {
                // Not optimised away: the half that waits in the queue would take our place in the bridge.
                let endpoint = format!("Local/{name}@{QUEUES}/n");
                let originate = Originate::to_app(endpoint, client.config().app());
                self.originate(mailbox, attempt, AgentKind::Queue, originate, ring, variables);
            }
            Place::Dialplan { context, exten, priority } => {
                self.caller.presence = Presence::Asked;
                let to = Continue {
                    context: Some(context.clone()),
                    extension: Some(exten.clone()),
                    priority: Some(i64::from(*priority)),
                    label: None,
                };
                let id = self.caller.id.clone();
                let exists = format!("DIALPLAN_EXISTS({context},{exten},{priority})");
                self.request(async move {
                    // Asterisk accepts a place that does not exist, and hangs the caller up there.
                    match client.channels().get_channel_var(&id, &exists).await {
                        Ok(found) if found == "0" => Done::NoSuchPlace(attempt),
                        _ => {
                            let left = client.channels().continue_in_dialplan(&id, &to).await;
                            Done::Continued(attempt, left)
                        }
                    }
                });
            }
        }
    }

    fn originate(
        &mut self,
        mailbox: &Mailbox,
        attempt: u32,
        kind: AgentKind,
        mut originate: Originate,
        ring: Duration,
        variables: BTreeMap<String, String>,
    ) {
        let id = ids::unique("agent");
        mailbox.watch(Resource::Channel(id.clone()));
        originate.timeout = Some(ring);
        originate.originator = Some(self.caller.id.clone());
        originate.caller_id = Some(self.caller_id.clone()).filter(|id| !id.is_empty());
        originate.variables = variables.into_iter().map(|(name, it)| (name, it.into())).collect();
        self.agents.insert(
            attempt,
            Agent { id: id.clone(), kind, state: AgentState::Ringing, room: None },
        );
        let client = self.client.clone();
        self.request(async move {
            let made = client.channels().originate(&id, &originate).await;
            Done::Originated(attempt, made.map(drop))
        });
    }

    pub(super) fn abandon(&mut self, attempt: u32) {
        if let Some(agent) = self.agents.get_mut(&attempt)
            && agent.state != AgentState::Gone
        {
            agent.state = AgentState::Abandoned;
            let id = agent.id.clone();
            self.hang_up_channel(id);
            self.close_apart(attempt);
        }
    }

    /// Lets an agent who is apart hear the caller.
    pub(super) fn admit(&mut self, attempt: u32) {
        if let Some(agent) = self.agents.get(&attempt)
            && agent.state == AgentState::Apart
        {
            let id = agent.id.clone();
            self.join_caller(attempt, &id);
        }
    }

    fn join_caller(&mut self, attempt: u32, agent: &str) {
        let (client, bridge, add) =
            (self.client.clone(), self.room.bridge.clone(), AddChannel::one(agent));
        self.request(async move {
            Done::AgentJoined(attempt, client.bridges().add_channel(&bridge, &add).await)
        });
    }

    /// Nobody is apart there any more.
    fn close_apart(&mut self, attempt: u32) {
        let room = self.agents.get_mut(&attempt).and_then(|agent| agent.room.take());
        if let Some(room) = room.filter(|room| room.requested) {
            self.hang_up_channel(room.media);
            self.release(Ours::Bridge(room.bridge));
        }
    }

    pub(super) fn close_media(&mut self) {
        let id = self.room.media.clone();
        self.hang_up_channel(id);
    }

    pub(super) fn give_back(
        &mut self,
        place: Option<flow::Place>,
        variables: BTreeMap<String, String>,
    ) {
        self.caller.presence = Presence::Asked;
        let (client, id) = (self.client.clone(), self.caller.id.clone());
        let next = place.map_or_else(Continue::default, |place| Continue {
            context: Some(place.context),
            extension: Some(place.exten),
            priority: Some(i64::from(place.priority)),
            label: None,
        });
        self.request(async move {
            for (name, value) in &variables {
                // The place is told less than it could be; the caller gets there all the same.
                if let Err(error) = client.channels().set_channel_var(&id, name, value).await {
                    tracing::warn!(%error, name, "a channel variable could not be set");
                }
            }
            Done::GivenBack(client.channels().continue_in_dialplan(&id, &next).await)
        });
    }

    pub(super) fn hang_up(&mut self) {
        let id = self.caller.id.clone();
        self.hang_up_channel(id);
    }

    /// The id of the bridge in which the caller is.
    pub(super) fn bridge(&self) -> &str {
        &self.room.bridge
    }

    /// Whether it is the caller who pressed a key.
    pub(super) fn is_callers(&self, press: &ChannelDtmfReceived) -> bool {
        press.channel.id == self.caller.id
    }

    /// The attempt whose agent pressed a key before hearing the caller.
    pub(super) fn apart(&self, press: &ChannelDtmfReceived) -> Option<u32> {
        let mut agents = self.agents.iter();
        let found = agents.find(|(_, agent)| agent.id == press.channel.id)?;
        (found.1.state == AgentState::Apart).then_some(*found.0)
    }

    /// Whether nobody in the dialplan records the caller. What has begun there cannot be paused from here, and is not
    /// known to have ended.
    pub(super) fn is_unrecorded(
        &self,
    ) -> impl Future<Output = Result<(), String>> + Send + 'static {
        let (client, id) = (self.client.clone(), self.caller.id.clone());
        async move {
            match client.channels().get_channel_var(&id, "MIXMONITOR_FILENAME").await {
                Ok(file) if file.is_empty() => Ok(()),
                Ok(file) => Err(format!("the dialplan records the caller to {file}")),
                Err(error) if error.reason() == Some(Reason::NoSuchVariable) => Ok(()),
                Err(error) => Err(error.to_string()),
            }
        }
    }

    /// What an event means to the call.
    pub(super) fn event(&mut self, event: &Event) -> Option<Input> {
        match event {
            Event::StasisStart(start) => match &start.replace_channel {
                Some(old) => {
                    self.replaced(&old.id, &start.channel.id);
                    None
                }
                None => self.entered(&start.channel.id),
            },
            Event::ChannelHangupRequest(request) if request.channel.id == self.caller.id => {
                self.caller_gone()
            }
            Event::BridgeBlindTransfer(_)
            | Event::BridgeAttendedTransfer(_)
            | Event::ChannelTransfer(_) => self.transfer(event),
            Event::StasisEnd(end) => self.ended(&end.channel.id, None),
            Event::ChannelDestroyed(end) => self.ended(&end.channel.id, Some(end.cause)),
            _ => None,
        }
    }

    /// A party was transferred: another channel has taken its place, in the bridge too.
    fn replaced(&mut self, old: &str, new: &str) {
        let agents = self.agents.values_mut().map(|agent| &mut agent.id);
        for id in agents.chain([&mut self.caller.id]).filter(|id| *id == old) {
            new.clone_into(id);
        }
        // It is out of the bridge, and Asterisk would keep it for us.
        self.hang_up_channel(old.to_owned());
        self.show();
    }

    /// Tells those who look after calls who talks.
    fn show(&self) {
        let mut agents = self.agents.values();
        let talks = agents.find(|agent| agent.state == AgentState::Talking);
        self.shown.is_now(&self.caller.id, talks.map(|agent| &*agent.id));
    }

    /// From here on nobody listens, nor may begin to; done when it is so.
    pub(super) fn is_alone(&self) -> impl Future<Output = Result<(), String>> + Send + 'static {
        self.shown.is_private()
    }

    /// Others may listen again.
    pub(super) fn is_open(&self) {
        self.shown.is_open();
    }

    fn entered(&mut self, id: &str) -> Option<Input> {
        if self.seated.as_ref().is_some_and(|seated| seated.snoop == id) {
            self.sit(Lacks::Channel);
            return None;
        }
        if self.unwanted.iter().any(|unwanted| unwanted == id) {
            self.hang_up_channel(id.to_owned());
            return None;
        }
        if let Some(whose) = self.whose(id) {
            self.room_of(whose)?.entered = true;
            self.join_media(whose);
            return None;
        }
        let (&attempt, agent) = self.agents.iter_mut().find(|(_, agent)| agent.id == id)?;
        match agent.state {
            AgentState::Abandoned => self.hang_up_channel(id.to_owned()),
            AgentState::Ringing if agent.room.is_some() => {
                agent.state = AgentState::Apart;
                self.make_room(Whose::Agents(attempt));
            }
            _ => self.join_caller(attempt, id),
        }
        None
    }

    /// Whose media channel it is.
    fn whose(&self, id: &str) -> Option<Whose> {
        if id == self.room.media {
            return Some(Whose::Callers);
        }
        let is_there = |agent: &Agent| agent.room.as_ref().is_some_and(|room| room.media == id);
        let mut agents = self.agents.iter();
        agents.find(|(_, agent)| is_there(agent)).map(|(&attempt, _)| Whose::Agents(attempt))
    }

    fn ended(&mut self, id: &str, cause: Option<i64>) -> Option<Input> {
        if id == self.caller.id {
            return match self.caller.presence {
                Presence::Asked => {
                    self.caller.presence = Presence::Out;
                    None
                }
                Presence::Leaving => {
                    self.caller.presence = Presence::Gone;
                    Some(Input::LeftForDialplan)
                }
                _ => self.caller_gone(),
            };
        }
        match self.whose(id) {
            Some(Whose::Callers) => {
                self.room.requested = false;
                return (!self.room.joined)
                    .then(|| Input::SetupFailed("Asterisk ended the media channel".to_owned()));
            }
            Some(Whose::Agents(attempt)) => return self.not_apart(attempt),
            None => {}
        }
        let (&attempt, agent) = self.agents.iter_mut().find(|(_, agent)| agent.id == id)?;
        match std::mem::replace(&mut agent.state, AgentState::Gone) {
            AgentState::Ringing => {
                let cause = cause.unwrap_or_default();
                let why = match agent.kind {
                    AgentKind::Person => why(cause),
                    AgentKind::Queue => why_not_queued(cause),
                };
                Some(Input::NotConnected { attempt, why })
            }
            AgentState::Apart => {
                self.close_apart(attempt);
                Some(Input::NotConnected { attempt, why: Why::Rejected })
            }
            AgentState::Talking => {
                self.show();
                Some(Input::AgentHungUp)
            }
            AgentState::Abandoned | AgentState::Gone => None,
        }
    }

    fn caller_gone(&mut self) -> Option<Input> {
        let was = std::mem::replace(&mut self.caller.presence, Presence::Gone);
        (was != Presence::Gone).then_some(Input::CallerHungUp)
    }

    /// Nothing can be said to an agent who is apart.
    fn not_apart(&mut self, attempt: u32) -> Option<Input> {
        let agent = self.agents.get(&attempt)?;
        if agent.state != AgentState::Apart {
            return None;
        }
        self.abandon(attempt);
        Some(Input::NotConnected { attempt, why: Why::Failed })
    }

    fn not_told(&mut self, attempt: u32, cause: &str) -> News {
        tracing::warn!(cause, "an agent cannot be told of the caller");
        self.not_apart(attempt).map_or(News::Nothing, News::Tell)
    }

    fn join_media(&mut self, whose: Whose) {
        let client = self.client.clone();
        let joined = match whose {
            Whose::Callers if !self.caller.answered => return,
            Whose::Callers => self.room.join(&client, &self.caller.id),
            Whose::Agents(attempt) => {
                let Some(agent) = self.agents.get_mut(&attempt) else { return };
                let Some(room) = &mut agent.room else { return };
                room.join(&client, &agent.id)
            }
        };
        if let Some(joined) = joined {
            self.request(async move { Done::MediaJoined(whose, joined.await) });
        }
    }

    fn done(&mut self, done: Done) -> News {
        let failed = |error: RequestError| News::Tell(Input::SetupFailed(error.to_string()));
        match done {
            Done::Answered(Ok(())) => {
                self.caller.answered = true;
                self.join_media(Whose::Callers);
                News::Tell(Input::Answered)
            }
            Done::MediaOpened(Whose::Callers, Ok(line)) => News::MediaOpened(line),
            Done::MediaOpened(Whose::Callers, Err(cause)) => News::Tell(Input::SetupFailed(cause)),
            Done::MediaOpened(Whose::Agents(attempt), Ok(line)) => News::ApartOpened(attempt, line),
            Done::MediaJoined(Whose::Callers, Ok(())) => News::Tell(Input::MediaUp),
            Done::MediaJoined(Whose::Agents(attempt), Ok(())) => {
                News::Tell(Input::Reached { attempt })
            }
            Done::MediaOpened(Whose::Agents(attempt), Err(cause)) => self.not_told(attempt, &cause),
            Done::MediaJoined(Whose::Agents(attempt), Err(error)) => {
                self.not_told(attempt, &error.to_string())
            }
            // The caller hung up, and the event that says so is here or on its way.
            Done::Answered(Err(e)) | Done::GivenBack(Err(e)) | Done::Continued(_, Err(e))
                if e.has_left() =>
            {
                self.caller_gone().map_or(News::Nothing, News::Tell)
            }
            // One of the two has left: the caller's event ends the call, the media channel's fails the set-up.
            Done::MediaJoined(Whose::Callers, Err(e)) if e.has_left() && self.room.requested => {
                self.room.joined = false;
                News::Nothing
            }
            Done::GivenBack(Err(_)) if self.caller.presence == Presence::Out => {
                self.leaves(News::Nothing)
            }
            Done::Answered(Err(e))
            | Done::MediaJoined(Whose::Callers, Err(e))
            | Done::GivenBack(Err(e)) => failed(e),
            Done::Originated(attempt, Ok(())) => News::Tell(Input::Accepted { attempt }),
            Done::Continued(attempt, Ok(())) => {
                self.leaves(News::Tell(Input::Accepted { attempt }))
            }
            Done::GivenBack(Ok(())) => self.leaves(News::Nothing),
            Done::Originated(attempt, Err(error)) => {
                tracing::warn!(%error, "a destination could not be called");
                self.not_originated(attempt, &error)
            }
            Done::Continued(attempt, Err(error)) => {
                tracing::warn!(%error, "a dialplan place would not take the caller");
                self.stays(attempt, Why::Failed)
            }
            Done::NoSuchPlace(attempt) => {
                tracing::warn!("a destination names a place that the dialplan does not have");
                self.stays(attempt, Why::Unavailable)
            }
            Done::AgentJoined(attempt, Ok(())) => match self.agents.get_mut(&attempt) {
                Some(agent) if matches!(agent.state, AgentState::Ringing | AgentState::Apart) => {
                    agent.state = AgentState::Talking;
                    self.show();
                    self.close_apart(attempt);
                    News::Tell(Input::Connected { attempt })
                }
                _ => News::Nothing,
            },
            Done::AgentJoined(attempt, Err(error)) => {
                tracing::warn!(%error, "an agent who answered could not join the caller");
                self.abandon(attempt);
                News::Tell(Input::NotConnected { attempt, why: Why::Failed })
            }
            Done::MusicChanged(plays) => {
                self.music_changed(plays);
                News::Nothing
            }
            Done::Snooped(Ok(())) => {
                self.sit(Lacks::Reply);
                News::Nothing
            }
            Done::Seated(Ok(())) => match &self.seated {
                Some(seated) => News::Tell(Input::RoomEntered { others: seated.seat.take() }),
                None => News::Nothing,
            },
            Done::Snooped(Err(why)) | Done::Seated(Err(why)) => {
                if self.seated.is_none() {
                    return News::Nothing;
                }
                self.leave_conference();
                News::Tell(Input::RoomRefused(NoRoom::Failed(why)))
            }
            Done::Unseated => News::Tell(Input::RoomLeft),
            Done::Released => News::Nothing,
        }
    }

    /// Asterisk lets the caller go on in the dialplan: `accepted`, unless the caller is there already.
    fn leaves(&mut self, accepted: News) -> News {
        match self.caller.presence {
            Presence::Asked => {
                self.caller.presence = Presence::Leaving;
                accepted
            }
            Presence::Out => {
                self.caller.presence = Presence::Gone;
                News::Tell(Input::LeftForDialplan)
            }
            Presence::Here | Presence::Leaving | Presence::Gone => News::Nothing,
        }
    }

    /// The caller who should have left for the dialplan is still ours; or has left all the same, where no reply came.
    fn stays(&mut self, attempt: u32, why: Why) -> News {
        match self.caller.presence {
            Presence::Asked => self.caller.presence = Presence::Here,
            Presence::Out => return self.leaves(News::Nothing),
            Presence::Here | Presence::Leaving | Presence::Gone => {}
        }
        News::Tell(Input::NotConnected { attempt, why })
    }

    fn not_originated(&mut self, attempt: u32, error: &RequestError) -> News {
        let Some(agent) = self.agents.get_mut(&attempt) else { return News::Nothing };
        if agent.state != AgentState::Ringing {
            return News::Nothing;
        }
        match error {
            RequestError::NotSent { .. } | RequestError::Rejected { .. } => {
                agent.state = AgentState::Gone;
            }
            // It may ring all the same.
            RequestError::OutcomeUnknown { .. } | RequestError::UnreadableReply { .. } => {
                self.abandon(attempt);
            }
        }
        News::Tell(Input::NotConnected { attempt, why: Why::Unavailable })
    }

    fn request(&mut self, request: impl Future<Output = Done> + Send + 'static) {
        self.requests.push(Box::pin(request));
    }

    fn hang_up_channel(&mut self, id: String) {
        self.release(Ours::Channel(id));
    }

    fn release(&mut self, ours: Ours) {
        let client = self.client.clone();
        self.request(async move {
            release(&client, &ours).await;
            Done::Released
        });
    }

    /// Waits for the requests under way, hangs up what is left, destroys the bridge, and watches the ends of our own
    /// channels: one that was being made while the call ended must not survive it.
    pub(super) async fn take_down(mut self, mailbox: &mut Mailbox) {
        let under_way_for = self.client.config().request_timeout;
        // What comes of these concerns nobody any more, except that the caller may have left.
        let under_way = async {
            while let Some(done) = self.requests.next().await {
                self.done(done);
            }
        };
        // What makes something is over by then, one way or the other. A release that is asked for again goes on below.
        let _ = tokio::time::timeout(under_way_for, under_way).await;
        while let Some(delivery) = mailbox.try_recv() {
            if let Delivery::Event(received) = delivery {
                self.event(&received.event);
            }
        }
        if self.caller.presence == Presence::Here {
            self.hang_up();
        }
        if self.room.requested {
            self.close_media();
        }
        self.leave_conference();
        let agents: Vec<u32> = self.agents.keys().copied().collect();
        agents.into_iter().for_each(|attempt| self.abandon(attempt));
        self.release(Ours::Bridge(self.room.bridge.clone()));
        let rest = async { while self.requests.next().await.is_some() {} };
        if tokio::time::timeout(TAKE_DOWN, rest).await.is_err() {
            tracing::warn!("a call's take-down took too long and was left");
        }
    }
}
