//! The table of features: since which minor release of each line, and what else shows that they are there.
//!
//! The lines 20, 22 and 23 get features in lockstep, so a long-term support line has what a younger one lacks, and the
//! major number alone says nothing. 18 and 21 have ended.

use super::version::Version;

/// Since which minor release each line has a feature; a line of [`LINES`] that is missing never got it.
type Since = &'static [(u16, u16)];

/// The lines that the tables tell of.
pub(super) const LINES: [u16; 5] = [18, 20, 21, 22, 23];

/// What shows beside the version that a feature is there.
pub(super) struct Marks {
    /// An operation of the API's description that came with it.
    pub(super) operation: Option<(&'static str, &'static str)>,
    /// The module without which it does not work.
    pub(super) module: Option<&'static str>,
}

/// What the table of a feature says of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum InLine {
    /// Since this minor release.
    Since(u16),
    Never,
    /// The table has nothing on the line.
    Untold,
}

macro_rules! features {
    ($(
        $(#[$doc:meta])*
        $name:ident: $what:literal, since $since:expr
        $(, operation ($method:literal, $path:literal))? $(, module $module:literal)?;
    )*) => {
        /// Something that not every Asterisk can do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Feature { $( $(#[$doc])* $name, )* }

        impl Feature {
            /// All of them, the oldest first.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// What it is, in a few words.
            pub fn what(self) -> &'static str {
                match self { $(Self::$name => $what,)* }
            }

            pub(super) fn since(self) -> Since {
                match self { $(Self::$name => $since,)* }
            }

            pub(super) fn marks(self) -> Marks {
                match self {
                    $(Self::$name => {
                        #[allow(unused_mut, reason = "not every feature has a mark")]
                        let mut marks = Marks { operation: None, module: None };
                        $(marks.operation = Some(($method, $path));)?
                        $(marks.module = Some($module);)?
                        marks
                    })*
                }
            }
        }
    };
}

features! {
    /// Media over AudioSocket.
    AudioSocket: "media over AudioSocket",
        since &[(18, 0), (20, 0), (21, 0), (22, 0), (23, 0)], module "chan_audiosocket.so";
    /// `Playback.state` can be `failed`.
    FailedPlaybacks: "playbacks that say when they fail",
        since &[(18, 6), (20, 0), (21, 0), (22, 0), (23, 0)];
    /// `Channel.protocol_id`, a SIP call's Call-ID.
    ProtocolId: "the SIP Call-ID of a channel",
        since &[(18, 13), (20, 0), (21, 0), (22, 0), (23, 0)];
    /// `endpoints/refer`: SIP REFER outside a call.
    Refer: "REFER outside a call",
        since &[(18, 20), (20, 5), (21, 0), (22, 0), (23, 0)], operation ("POST", "/endpoints/refer");
    /// `Channel.caller_rdnis`.
    CallerRdnis: "the redirecting number of a channel",
        since &[(18, 21), (20, 6), (21, 1), (22, 0), (23, 0)];
    /// `Channel.tenantid`.
    TenantId: "the tenant of a channel",
        since &[(18, 25), (20, 10), (21, 5), (22, 0), (23, 0)];
    /// ChannelToneDetected.
    ToneDetected: "events for detected tones",
        since &[(22, 0), (23, 0)];
    /// ChannelTransfer and `channels/{channelId}/transfer_progress`: transfers that the application makes.
    TransferProgress: "transfers made by the application",
        since &[(20, 13), (21, 8), (22, 3), (23, 0)],
        operation ("POST", "/channels/{channelId}/transfer_progress");
    /// Creating a bridge whose id is taken is refused with 409; before, it changed the bridge that has it.
    DuplicateBridgeIdRefused: "a refusal of bridge ids that are taken",
        since &[(20, 13), (21, 8), (22, 3), (23, 0)];
    /// RESTRequest and RESTResponse: operations over the event socket.
    RestOverWebSocket: "operations over the event socket",
        since &[(20, 14), (21, 9), (22, 4), (23, 0)];
    /// Asterisk opens the event socket to us.
    OutboundWebSockets: "event sockets that Asterisk opens",
        since &[(20, 15), (21, 10), (22, 5), (23, 0)], module "res_websocket_client.so";
    /// Media over a WebSocket.
    ChanWebSocket: "media over a WebSocket",
        since &[(20, 16), (21, 11), (22, 6), (23, 0)], module "chan_websocket.so";
    /// `channels/{channelId}/progress`: early media without an answer.
    Progress: "early media by an operation",
        since &[(20, 16), (21, 11), (22, 6), (23, 0)], operation ("POST", "/channels/{channelId}/progress");
    /// `announcer_format` and `recorder_format` of bridges, which were bound to 8 kHz before.
    BridgeMediaFormats: "prompts and recordings of bridges above 8 kHz",
        since &[(20, 17), (22, 7), (23, 1)];
    /// `tech_cause` of hang-ups, such as a SIP status.
    TechCause: "SIP's own cause of a hang-up",
        since &[(20, 17), (22, 7), (23, 1)];
    /// `channel_id` in MEDIA_START: the media WebSocket says which call it is.
    MediaStartChannelId: "media WebSockets that name their channel",
        since &[(20, 17), (22, 7), (23, 1)], module "chan_websocket.so";
    /// AudioSocket at 12 to 192 kHz.
    AudioSocketRates: "AudioSocket above 8 kHz",
        since &[(20, 17), (22, 7), (23, 1)], module "chan_audiosocket.so";
    /// Control of media WebSockets in JSON, and MARK_MEDIA.
    ChanWebSocketJson: "media WebSockets controlled in JSON",
        since &[(20, 18), (22, 8), (23, 2)], module "chan_websocket.so";
    /// `transport_data` of externalMedia.
    TransportData: "options of external media's transport",
        since &[(20, 18), (22, 8), (23, 2)];
    /// One-way media WebSockets.
    MediaDirection: "one-way media WebSockets",
        since &[(20, 19), (22, 9), (23, 3)], module "chan_websocket.so";
    /// Access lists of an ARI user and of a URI.
    UserAcl: "access lists of an ARI user",
        since &[(20, 19), (22, 9), (23, 3)];
    /// Several channel variables in one request, and `report_events`.
    MultiVariable: "several variables in one request",
        since &[(20, 20), (22, 10), (23, 4)], operation ("POST", "/channels/{channelId}/variables");
    /// Variables of bridges.
    BridgeVariables: "variables of bridges",
        since &[(20, 20), (22, 10), (23, 4)], operation ("POST", "/bridges/{bridgeId}/variable");
    /// CallBroadcast and `events/claim`: several applications are offered a call, the first that claims it has it.
    StasisBroadcast: "calls offered to several applications",
        since &[(20, 20), (22, 10), (23, 4)],
        operation ("POST", "/events/claim"), module "res_stasis_broadcast.so";
    /// Keep-alive and proxies for the sockets that Asterisk opens.
    OutboundKeepalive: "keep-alive of event sockets that Asterisk opens",
        since &[(20, 21), (22, 11), (23, 5)], module "res_websocket_client.so";
}

impl Feature {
    /// What the table says of a line. Lines younger than the table have everything.
    pub(super) fn in_line(self, line: u16) -> InLine {
        let [oldest, .., newest] = LINES;
        match self.since().iter().find(|(since, _)| *since == line) {
            Some((_, minor)) => InLine::Since(*minor),
            None if line > newest => InLine::Since(0),
            None if line < oldest || LINES.contains(&line) => InLine::Never,
            None => InLine::Untold,
        }
    }

    /// The first release of that line that has it; `None` where the line never got it.
    pub fn first_in(self, line: u16) -> Option<Version> {
        match self.in_line(line) {
            InLine::Since(minor) => Some(Version::new(line, minor, 0)),
            InLine::Never | InLine::Untold => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_row_has_what_it_needs() {
        let mut words = HashSet::new();
        for feature in Feature::ALL {
            assert!(!feature.what().is_empty() && words.insert(feature.what()), "{feature:?}");
            let lines: Vec<u16> = feature.since().iter().map(|(line, _)| *line).collect();
            assert!(
                lines.is_sorted() && lines.iter().all(|line| LINES.contains(line)),
                "{feature:?}"
            );
            assert!(
                lines.contains(&22) && lines.contains(&23),
                "{feature:?}: supported lines have it"
            );
            if let Some((method, path)) = feature.marks().operation {
                assert!(["GET", "POST", "PUT", "DELETE"].contains(&method), "{feature:?}");
                assert!(path.starts_with('/') && !path.ends_with('/'), "{feature:?}");
            }
            if let Some(module) = feature.marks().module {
                assert!(module.ends_with(".so"), "{feature:?}");
            }
        }
    }

    #[test]
    fn the_supported_lines_move_in_lockstep() {
        for feature in Feature::ALL {
            let minor = |line| feature.first_in(line).unwrap().minor;
            // Before 22.0 and 23.0 the lines were not there yet.
            if minor(22) > 0 {
                assert_eq!(minor(20), minor(22) + 10, "{feature:?}");
                assert_eq!(minor(23), minor(22).saturating_sub(6), "{feature:?}");
            }
        }
    }

    #[test]
    fn lines_that_ended_stay_without_and_younger_ones_have_everything() {
        assert_eq!(Feature::StasisBroadcast.first_in(21), None);
        assert_eq!(Feature::RestOverWebSocket.first_in(18), None);
        assert_eq!(Feature::RestOverWebSocket.first_in(13), None);
        assert_eq!(Feature::StasisBroadcast.first_in(24), Some(Version::new(24, 0, 0)));
        assert_eq!(Feature::Refer.in_line(19), InLine::Untold);
    }
}
