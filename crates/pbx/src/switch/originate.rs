//! Operations that make a channel: originate, create, external media
//! (`res/ari/resource_channels.c`, `channels/chan_rtp.c`).

use super::{
    Effect, Key, Switch, Timer,
    channel::{AgentLine, Channel, Codec, Line, Location, MediaLine, Next, Origin, Party, State},
    request::Request,
};
use crate::{
    EventKind, Reaction,
    params::Params,
    reply::{Refusal, Reply},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

/// The longest id that a client may choose (`AST_MAX_PUBLIC_UNIQUEID`).
const MAX_ID: usize = 149;

/// How long an originate dials when it is not told (seconds).
const DIAL_SECONDS: u64 = 30;

/// Formats that Asterisk knows and that this switch does not carry.
const OTHER_FORMATS: [&str; 7] = ["slin", "slin16", "slin24", "slin48", "g722", "opus", "g729"];

impl Switch {
    pub(super) fn originate(&mut self, request: &Request) -> Result<Reply, Refusal> {
        let params = &request.params;
        let id = check_id(request)?;
        let endpoint = dialable(params)?;
        let next = match (params.text("app"), params.text("extension")) {
            (Some(app), _) => Next::Stasis { app: app.to_owned(), args: app_args(params) },
            (None, Some(exten)) => Next::Dialplan(Location {
                context: params.text("context").unwrap_or("default").to_owned(),
                exten: exten.to_owned(),
                priority: params.integer("priority").unwrap_or(1),
            }),
            (None, None) => {
                return Err(Refusal::new(400, "Application or extension must be specified"));
            }
        };
        let timeout = match params.integer("timeout") {
            Some(-1) => None,
            Some(seconds) if seconds > 0 => Some(Duration::from_secs(seconds.unsigned_abs())),
            _ => Some(Duration::from_secs(DIAL_SECONDS)),
        };
        let originator = match params.text("originator") {
            None => None,
            Some(id) => Some(
                self.find_channel(id)
                    .ok_or(Refusal::new(400, "Provided originator channel was not found"))?,
            ),
        };
        let variables = params.variables()?;
        let line = self.agent(endpoint)?;
        let key = self.new_outbound(id, line, Origin::Originated { next, timeout })?;
        self.channel(key).running = ("AppDial2".to_owned(), "(Outgoing Line)".to_owned());
        if let Some(originator) = originator {
            self.channel(key).connected = self.channels[&originator].caller.clone();
        }
        if let Some(text) = params.text("callerId") {
            let party = parse_caller_id(text);
            self.channel(key).caller = party.clone();
            self.channel(key).connected = party;
        }
        Ok(Reply::ok(self.announce_outbound(key, params, variables, Timer::PlaceCall)))
    }

    /// Creates a channel that enters the application undialled.
    pub(super) fn create_channel(&mut self, request: &Request) -> Result<Reply, Refusal> {
        let params = &request.params;
        let id = check_id(request)?;
        let endpoint = dialable(params)?;
        let app = params.text("app").unwrap_or_default().to_owned();
        let next = Next::Stasis { app: app.clone(), args: app_args(params) };
        let variables = params.variables()?;
        let line = self.agent(endpoint)?;
        let key = self.new_outbound(id, line, Origin::Created { next })?;
        if let Some(originator) = params.text("originator").and_then(|id| self.find_channel(id)) {
            let topic = self.channel(originator).topic();
            self.subscribe(&app, topic);
        }
        Ok(Reply::ok(self.announce_outbound(key, params, variables, Timer::EnterStasis)))
    }

    /// Opens an RTP leg. Asterisk dials it as a channel of its own, which answers at once. Whatever
    /// goes wrong behind the checks of the parameters, a duplicate id too, is answered 500: Asterisk
    /// overwrites the refusal of the originate inside.
    pub(super) fn external_media(&mut self, request: &Request) -> Result<Reply, Refusal> {
        let params = &request.params;
        let codec = check_external_media(params)?;
        let refused = || Refusal::new(500, EXTERNAL_MEDIA_FAILED);
        let id = check_id(request).map_err(|_| refused())?;
        let variables = params.variables()?;
        let media = request.media.ok_or_else(refused)?;
        let app = params.text("app").unwrap_or_default().to_owned();
        let args = split_args(params.text("data"));
        let timeout = Some(Duration::from_secs(DIAL_SECONDS));
        let origin = Origin::Originated { next: Next::Stasis { app, args }, timeout };
        let line = Line::Media(MediaLine {
            remote: media.remote,
            codec: codec.ok_or_else(refused)?,
            received: VecDeque::new(),
        });
        let key = self.new_outbound(id, line, origin).map_err(|_| refused())?;
        let channel = self.channel(key);
        channel.running = ("AppDial2".to_owned(), "(Outgoing Line)".to_owned());
        let local = [
            ("UNICASTRTP_LOCAL_ADDRESS".to_owned(), media.local.ip().to_string()),
            ("UNICASTRTP_LOCAL_PORT".to_owned(), media.local.port().to_string()),
        ];
        channel.variables.extend(local);
        if let Some(codec) = codec {
            let remote = media.remote;
            self.effects.push_back(Effect::OpenMedia { channel: key, remote, codec });
        }
        let mut reply = self.announce_outbound(key, params, variables, Timer::PlaceCall);
        reply["channelvars"] = json!(self.channels[&key].variables);
        Ok(Reply::ok(reply))
    }

    /// An agent at a registered endpoint.
    fn agent(&self, endpoint: &str) -> Result<Line, Refusal> {
        let behaviour = self.endpoints.get(endpoint).ok_or_else(Refusal::allocation_failed)?;
        if matches!(behaviour.then, Reaction::Unregistered) {
            return Err(Refusal::allocation_failed());
        }
        Ok(Line::Agent(Box::new(AgentLine {
            endpoint: endpoint.to_owned(),
            behaviour: behaviour.clone(),
            spoken: 0,
            heard: Vec::new(),
        })))
    }

    fn new_outbound(
        &mut self,
        id: Option<String>,
        line: Line,
        origin: Origin,
    ) -> Result<Key, Refusal> {
        let serial = self.next_serial();
        let id = id.unwrap_or_else(|| self.channel_id(serial));
        if self.find_channel(&id).is_some() {
            return Err(Refusal::new(409, "Channel with given unique ID already exists"));
        }
        let name = match &line {
            Line::Agent(agent) => format!("{}-{serial:08x}", agent.endpoint),
            Line::Media(media) => format!("UnicastRTP/{}-0x{serial:012x}", media.remote),
            Line::Caller(_) => format!("PJSIP/caller-{serial:08x}"),
        };
        let context = match &line {
            Line::Agent(_) => self.config.phones_context.clone(),
            Line::Media(_) | Line::Caller(_) => "default".to_owned(),
        };
        let key = self.add_channel(Channel {
            id,
            name,
            state: State::Down,
            caller: Party::default(),
            connected: Party::default(),
            location: Location { context, exten: "s".to_owned(), priority: 1 },
            running: (String::new(), String::new()),
            created: self.now,
            variables: BTreeMap::new(),
            cause: 0,
            tech_cause: None,
            stasis: None,
            bridge: None,
            playing: VecDeque::new(),
            origin,
            line,
        });
        self.publish_channel(key, EventKind::ChannelCreated, json!({}));
        Ok(key)
    }

    /// Subscribes the application to its new channel, sets the thread off, and returns the reply.
    fn announce_outbound(
        &mut self,
        key: Key,
        params: &Params,
        variables: Vec<(String, String)>,
        begins_with: Timer,
    ) -> Value {
        for (name, value) in variables {
            self.channel(key).variables.insert(name, value);
        }
        if let Some(app) = params.text("app") {
            let topic = self.channel(key).topic();
            self.subscribe(app, topic);
        }
        let delay = self.thread_start();
        self.after(delay, key, begins_with);
        self.channel_json(&self.channels[&key])
    }
}

const EXTERNAL_MEDIA_FAILED: &str = "An internal error prevented this request from being handled";

/// The id that the client chose, in the path or as a parameter.
fn check_id(request: &Request) -> Result<Option<String>, Refusal> {
    let id = request.ids.first().map(String::as_str).or(request.params.text("channelId"));
    match id {
        Some(id) if id.len() > MAX_ID => {
            Err(Refusal::new(400, format!("Uniqueid length exceeds maximum of {MAX_ID}")))
        }
        _ => Ok(id.map(str::to_owned)),
    }
}

/// The endpoint, whose name must look like `TECHNOLOGY/resource`.
fn dialable(params: &Params) -> Result<&str, Refusal> {
    let endpoint =
        params.text("endpoint").ok_or(Refusal::new(400, "Endpoint must be specified"))?;
    if params.text("originator").is_some() && params.text("formats").is_some() {
        return Err(Refusal::new(400, "Originator and formats can't both be specified"));
    }
    match endpoint.split_once('/') {
        Some((technology, resource)) if !technology.is_empty() && !resource.is_empty() => {
            Ok(endpoint)
        }
        _ => Err(Refusal::new(400, "Invalid endpoint specified")),
    }
}

/// The checks of `ast_ari_channels_external_media`, in its order; `None` for an unknown format.
fn check_external_media(params: &Params) -> Result<Option<Codec>, Refusal> {
    let refuse = |message: &str| Err(Refusal::new(400, message));
    if params.text("app").is_none() {
        return refuse("app cannot be empty");
    }
    let transport = params.text("transport").unwrap_or("udp");
    let encapsulation = params.text("encapsulation").unwrap_or("rtp");
    match (encapsulation, transport) {
        ("none", "websocket") | ("audiosocket", "tcp") => {
            return Err(Refusal::new(501, "The encapsulation and/or transport is not supported"));
        }
        (_, "websocket") => return refuse("encapsulation must be 'none' for websocket transport"),
        ("rtp", "udp") => {}
        ("rtp", _) => return refuse("transport must be 'udp' for rtp encapsulation"),
        ("audiosocket", _) => {
            return refuse("transport must be 'tcp' for audiosocket encapsulation");
        }
        _ => return Err(Refusal::new(501, "The encapsulation and/or transport is not supported")),
    }
    if params.text("connection_type") == Some("server") {
        return refuse("'server' connection_type can only be used with the websocket transport");
    }
    let Some(host) = params.text("external_host") else {
        return refuse("external_host is required for all but websocket server connections");
    };
    let port = host.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    if port.is_none() {
        return refuse(
            "external_host must be <host>:<port> for all transports other than websocket",
        );
    }
    let Some(format) = params.text("format") else { return refuse("format cannot be empty") };
    if OTHER_FORMATS.contains(&format) {
        return Err(Refusal::new(501, "The embedded PBX carries the formats ulaw and alaw only"));
    }
    if !matches!(params.text("direction"), None | Some("both" | "in" | "out")) {
        return refuse("Invalid direction specified");
    }
    Ok(Codec::from_name(format))
}

fn app_args(params: &Params) -> Vec<String> {
    split_args(params.text("appArgs"))
}

fn split_args(args: Option<&str>) -> Vec<String> {
    args.map(|args| args.split(',').map(str::to_owned).collect()).unwrap_or_default()
}

/// Reads `"Name" <number>`, or a bare number.
fn parse_caller_id(text: &str) -> Party {
    match text.split_once('<') {
        Some((name, rest)) => Party {
            name: name.trim().trim_matches('"').to_owned(),
            number: rest.split('>').next().unwrap_or_default().trim().to_owned(),
        },
        None => Party { name: String::new(), number: text.trim().to_owned() },
    }
}
