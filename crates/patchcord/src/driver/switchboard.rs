//! A call's channels and bridge in Asterisk: which exist, which requests are under way, and what events mean to the
//! call.
//!
//! Every id is ours and watched before its request is sent, so replies and events may come in any order.

use std::collections::BTreeMap;
use std::time::Duration;

use ari::{
    AddChannel, BridgeFeature, Channel, ChannelDtmfReceived, Client, Continue, CreateBridge,
    Delivery, Event, Hangup, Mailbox, Originate, Reason, RequestError, Resource, ids,
};
use call::{Input, Place, Why};
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::Shared;
use super::line::Line;

/// How long the release of all that a call has left may take before what is still there is only noted.
const TAKE_DOWN: Duration = Duration::from_secs(15);

/// The dialplan context in which a caller of ours waits in a queue: see assets/asterisk/extensions.conf.
const QUEUES: &str = "patchcord-queues";

/// How often a hang-up or the end of a bridge is asked for while no reply comes, and how long to wait in between.
const RELEASES: u32 = 4;
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// One call's channels, bridge and requests.
pub(super) struct Switchboard {
    client: Client,
    caller: Caller,
    caller_id: String,
    bridge: String,
    media: Media,
    music: Music,
    agents: BTreeMap<u32, Agent>,
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

/// The external media channel: it can join once Asterisk has made it, it has entered our application, and our own
/// end of it is open.
struct Media {
    id: String,
    requested: bool,
    entered: bool,
    flowing: bool,
    joined: bool,
}

/// Music on hold in the bridge. It begins and ends by one request after the other, so that the last wish holds.
#[derive(Default)]
struct Music {
    wanted: Option<String>,
    plays: Option<String>,
    changing: bool,
}

/// The channel to an agent.
struct Agent {
    id: String,
    kind: AgentKind,
    state: AgentState,
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
    Talking,
    Abandoned,
    Gone,
}

/// A request's result.
enum Done {
    Answered(Result<(), RequestError>),
    MediaOpened(Result<Box<Line>, String>),
    MediaJoined(Result<(), RequestError>),
    Originated(u32, Result<(), RequestError>),
    AgentJoined(u32, Result<(), RequestError>),
    Continued(u32, Result<(), RequestError>),
    NoSuchPlace(u32),
    GivenBack(Result<(), RequestError>),
    MusicChanged(Option<String>),
    Released,
}

/// What came of a request.
pub(super) enum News {
    Tell(Input),
    /// Both ends of the media leg are open.
    MediaOpened(Box<Line>),
    Nothing,
}

impl Switchboard {
    pub(super) fn new(shared: &Shared, channel: &Channel) -> Self {
        Self {
            client: shared.client.clone(),
            caller: Caller { id: channel.id.clone(), presence: Presence::Here, answered: false },
            caller_id: caller_id(&channel.caller.name, &channel.caller.number),
            bridge: ids::unique("bridge"),
            media: Media {
                id: ids::unique("media"),
                requested: false,
                entered: false,
                flowing: false,
                joined: false,
            },
            music: Music::default(),
            agents: BTreeMap::new(),
            requests: FuturesUnordered::new(),
        }
    }

    /// The result of the next request to end; waits for ever while none is under way.
    pub(super) async fn news(&mut self) -> News {
        if self.requests.is_empty() {
            return std::future::pending().await;
        }
        match self.requests.next().await {
            Some(done) => self.done(done),
            None => News::Nothing,
        }
    }

    pub(super) fn answer(&mut self) {
        let (client, id) = (self.client.clone(), self.caller.id.clone());
        self.request(async move { Done::Answered(client.channels().answer(&id).await) });
    }

    /// Makes the bridge and, by `open_line`, the media channel of the id that it is given, side by side.
    pub(super) fn open_media<F>(
        &mut self,
        mailbox: &Mailbox,
        open_line: impl FnOnce(String) -> F + Send + 'static,
    ) where
        F: Future<Output = Result<Line, String>> + Send,
    {
        mailbox.watch(Resource::Bridge(self.bridge.clone()));
        mailbox.watch(Resource::Channel(self.media.id.clone()));
        self.media.requested = true;
        let client = self.client.clone();
        let (bridge, media) = (self.bridge.clone(), self.media.id.clone());
        self.request(async move {
            let (bridge, line) = tokio::join!(create_bridge(&client, &bridge), open_line(media));
            Done::MediaOpened(bridge.and(line).map(Box::new))
        });
    }

    /// Our end of the media leg is open.
    pub(super) fn media_flows(&mut self) {
        self.media.flowing = true;
        self.join_media();
    }

    pub(super) fn connect(
        &mut self,
        mailbox: &Mailbox,
        attempt: u32,
        place: &Place,
        ring: Duration,
        variables: BTreeMap<String, String>,
    ) {
        let client = self.client.clone();
        match place {
            Place::Endpoint(endpoint) => {
                let originate = Originate::to_app(endpoint, client.config().app());
                self.originate(mailbox, attempt, AgentKind::Person, originate, ring, variables);
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
        self.agents.insert(attempt, Agent { id: id.clone(), kind, state: AgentState::Ringing });
        let client = self.client.clone();
        self.request(async move {
            let made = client.channels().originate(&id, &originate).await;
            Done::Originated(attempt, made.map(drop))
        });
    }

    /// Has this class of music play to the caller, or none.
    pub(super) fn music(&mut self, class: Option<String>) {
        self.music.wanted = class;
        self.change_music();
    }

    fn change_music(&mut self) {
        let music = &mut self.music;
        if music.changing || music.wanted == music.plays {
            return;
        }
        music.changing = true;
        let (client, bridge, class) =
            (self.client.clone(), self.bridge.clone(), music.wanted.clone());
        self.request(async move {
            let changed = match &class {
                Some(class) => client.bridges().start_moh(&bridge, Some(class)).await,
                None => client.bridges().stop_moh(&bridge).await,
            };
            if let Err(error) = changed {
                tracing::warn!(%error, "music on hold could not be begun or ended");
            }
            Done::MusicChanged(class)
        });
    }

    pub(super) fn abandon(&mut self, attempt: u32) {
        if let Some(agent) = self.agents.get_mut(&attempt)
            && agent.state != AgentState::Gone
        {
            agent.state = AgentState::Abandoned;
            let id = agent.id.clone();
            self.hang_up_channel(id);
        }
    }

    pub(super) fn close_media(&mut self) {
        let id = self.media.id.clone();
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
        &self.bridge
    }

    /// Whether it is the caller who pressed a key.
    pub(super) fn is_callers(&self, press: &ChannelDtmfReceived) -> bool {
        press.channel.id == self.caller.id
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
    }

    fn entered(&mut self, id: &str) -> Option<Input> {
        if id == self.media.id {
            self.media.entered = true;
            self.join_media();
            return None;
        }
        let (&attempt, agent) = self.agents.iter().find(|(_, agent)| agent.id == id)?;
        if agent.state == AgentState::Abandoned {
            let id = agent.id.clone();
            self.hang_up_channel(id);
            return None;
        }
        let (client, bridge) = (self.client.clone(), self.bridge.clone());
        let add = AddChannel::one(&agent.id);
        self.request(async move {
            Done::AgentJoined(attempt, client.bridges().add_channel(&bridge, &add).await)
        });
        None
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
        if id == self.media.id {
            self.media.requested = false;
            return (!self.media.joined)
                .then(|| Input::SetupFailed("Asterisk ended the media channel".to_owned()));
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
            AgentState::Talking => Some(Input::AgentHungUp),
            AgentState::Abandoned | AgentState::Gone => None,
        }
    }

    fn caller_gone(&mut self) -> Option<Input> {
        let was = std::mem::replace(&mut self.caller.presence, Presence::Gone);
        (was != Presence::Gone).then_some(Input::CallerHungUp)
    }

    fn join_media(&mut self) {
        let media = &mut self.media;
        let ready = self.caller.answered && media.entered && media.flowing && !media.joined;
        if !ready {
            return;
        }
        media.joined = true;
        let (client, bridge) = (self.client.clone(), self.bridge.clone());
        let channels = vec![self.caller.id.clone(), media.id.clone()];
        let add = AddChannel { channels, ..AddChannel::default() };
        self.request(async move {
            Done::MediaJoined(client.bridges().add_channel(&bridge, &add).await)
        });
    }

    fn done(&mut self, done: Done) -> News {
        let failed = |error: RequestError| News::Tell(Input::SetupFailed(error.to_string()));
        match done {
            Done::Answered(Ok(())) => {
                self.caller.answered = true;
                self.join_media();
                News::Tell(Input::Answered)
            }
            Done::MediaOpened(Ok(line)) => News::MediaOpened(line),
            Done::MediaOpened(Err(cause)) => News::Tell(Input::SetupFailed(cause)),
            Done::MediaJoined(Ok(())) => News::Tell(Input::MediaUp),
            // The caller hung up, and the event that says so is here or on its way.
            Done::Answered(Err(e)) | Done::GivenBack(Err(e)) | Done::Continued(_, Err(e))
                if e.has_left() =>
            {
                self.caller_gone().map_or(News::Nothing, News::Tell)
            }
            // One of the two has left: the caller's event ends the call, the media channel's fails the set-up.
            Done::MediaJoined(Err(e)) if e.has_left() && self.media.requested => {
                self.media.joined = false;
                News::Nothing
            }
            Done::GivenBack(Err(_)) if self.caller.presence == Presence::Out => {
                self.leaves(News::Nothing)
            }
            // A caller who leaves just now cannot be answered, and the event that says so is on its way. Whatever else
            // it is, the time for the set-up runs out.
            Done::Answered(Err(e)) if e.reason() == Some(Reason::ServerFault) => {
                tracing::warn!(error = %e, "a caller could not be answered");
                News::Nothing
            }
            Done::Answered(Err(e)) | Done::MediaJoined(Err(e)) | Done::GivenBack(Err(e)) => {
                failed(e)
            }
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
                Some(agent) if agent.state == AgentState::Ringing => {
                    agent.state = AgentState::Talking;
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
                self.music.plays = plays;
                self.music.changing = false;
                self.change_music();
                News::Nothing
            }
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
        if self.media.requested {
            self.close_media();
        }
        let left: Vec<String> = self
            .agents
            .values()
            .filter(|agent| agent.state != AgentState::Gone)
            .map(|agent| agent.id.clone())
            .collect();
        for id in left {
            self.hang_up_channel(id);
        }
        self.release(Ours::Bridge(self.bridge.clone()));
        let rest = async { while self.requests.next().await.is_some() {} };
        if tokio::time::timeout(TAKE_DOWN, rest).await.is_err() {
            tracing::warn!("a call's take-down took too long and was left");
        }
    }
}

/// Something of ours in Asterisk.
#[derive(Debug)]
enum Ours {
    Channel(String),
    Bridge(String),
}

/// Ends something of ours. It is asked for again while nobody knows whether it was done: twice does no harm.
async fn release(client: &Client, ours: &Ours) {
    for attempt in 1..=RELEASES {
        let released = match ours {
            Ours::Channel(id) => client.channels().hangup(id, Hangup::default()).await,
            Ours::Bridge(id) => client.bridges().destroy(id).await,
        };
        match released {
            Err(RequestError::NotSent { .. } | RequestError::OutcomeUnknown { .. })
                if attempt < RELEASES =>
            {
                tokio::time::sleep(ASK_AGAIN).await;
            }
            Err(error) if !error.is_gone() => {
                return tracing::warn!(%error, ?ours, "something could not be released");
            }
            _ => return,
        }
    }
}

async fn create_bridge(client: &Client, bridge: &str) -> Result<(), String> {
    // Digits and audio must stay visible to us, also once two people talk.
    let features = vec![BridgeFeature::DtmfEvents, BridgeFeature::ProxyMedia];
    let create = CreateBridge { features, ..CreateBridge::default() };
    let made = client.bridges().create(bridge, &create).await;
    made.map(drop).map_err(|error| error.to_string())
}

/// A caller id that can be passed on: a caller's name and number are anybody's text.
fn caller_id(name: &str, number: &str) -> String {
    let plain = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric() || " +-._".contains(*c)).take(80).collect()
    };
    let (name, number) = (plain(name), plain(number));
    match (name.is_empty(), number.is_empty()) {
        (true, true) => String::new(),
        (false, true) => format!("\"{name}\""),
        (true, false) => number,
        (false, false) => format!("\"{name}\" <{number}>"),
    }
}

/// The causes with which the dialplan context [`QUEUES`] ends a call that no agent took.
fn why_not_queued(cause: i64) -> Why {
    match cause {
        20 => Why::Empty,
        42 => Why::Full,
        16 | 18 | 19 => Why::NoAnswer,
        _ => Why::Unavailable,
    }
}

/// Q.850 causes as Asterisk reports them for a channel that never answered.
fn why(cause: i64) -> Why {
    match cause {
        17 => Why::Busy,
        16 | 18 | 19 => Why::NoAnswer,
        21 => Why::Rejected,
        _ => Why::Unavailable,
    }
}
