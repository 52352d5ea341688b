//! Known bugs: which releases have them, what they do, and what we do otherwise because of them.

use std::fmt;

use super::table::Feature;
use super::version::Version;

/// A bug of Asterisk that a client must know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownBug {
    /// A name that stays, for logs.
    pub id: &'static str,
    /// Its number among Asterisk's issues or pull requests, 0 where it has none.
    pub issue: u16,
    /// What it does to calls.
    pub effect: &'static str,
    /// The module in which it is; without it the bug does nothing.
    pub module: Option<&'static str>,
    /// What a client does not do where the bug is; nothing where it cannot be avoided.
    pub avoid: Option<Avoid>,
    /// The releases that have it, by line.
    affected: &'static [Span],
}

/// What a client of ours leaves off where it would meet a bug or a missing feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Avoid {
    /// Media over a WebSocket: use RTP.
    WebSocketMedia,
    /// Media over AudioSocket: use RTP.
    AudioSocketMedia,
    /// An AudioSocket on which nothing is sent: send silence from the first moment.
    SilentAudioSocket,
    /// JSON for the control of media WebSockets: use plain text.
    JsonMediaControl,
    /// A media message in several WebSocket frames: send each in one.
    Fragmentation,
    /// A pong that nobody asked for.
    UnsolicitedPong,
    /// A ping on a media WebSocket.
    MediaPing,
    /// PAUSE_MEDIA and CONTINUE_MEDIA.
    MediaPause,
    /// Taking MEDIA_START for the first thing that a media WebSocket brings.
    MediaStartFirst,
    /// Ending STOP_MEDIA_BUFFERING on part of a frame: fill the last frame with silence.
    PartialLastFrame,
    /// Sending media ahead of time: what Asterisk has queued is never caught up.
    MediaBacklog,
    /// Reading a media WebSocket slowly: drop audio on our side.
    SlowMediaReader,
    /// 8 kHz `slin` over RTP: use `ulaw` or `slin16`.
    Slin8OverRtp,
    /// Muting a channel that is recorded.
    MuteWhileRecording,
}

impl Avoid {
    /// The feature without which it is left off in any case.
    pub(super) fn needs(self) -> Option<Feature> {
        match self {
            Self::WebSocketMedia => Some(Feature::ChanWebSocket),
            Self::AudioSocketMedia => Some(Feature::AudioSocket),
            Self::JsonMediaControl => Some(Feature::ChanWebSocketJson),
            _ => None,
        }
    }
}

/// Releases of one line, from the first that has a bug to the one that has it no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    from: Version,
    fixed: Fixed,
}

/// The release that mends a bug, in one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fixed {
    /// This one.
    In(Version),
    /// None so far, or never as the line has ended.
    NotYet,
}

impl Span {
    const fn new(line: u16, from: u16, fixed: Option<u16>) -> Self {
        let fixed = match fixed {
            Some(minor) => Fixed::In(Version::new(line, minor, 0)),
            None => Fixed::NotYet,
        };
        Self { from: Version::first_candidate(line, from), fixed }
    }

    fn has(&self, version: Version) -> bool {
        let not_fixed = match self.fixed {
            Fixed::In(fixed) => version < fixed,
            Fixed::NotYet => true,
        };
        version.line == self.from.line && version >= self.from && not_fixed
    }
}

/// The spans of a bug that came with 22.`from` and went with 22.`fixed`: the lines 20 and 23 move in lockstep with 22,
/// and `from_21` is where it came into line 21, in which nothing was mended after 21.11.
macro_rules! since_22 {
    ($from:literal, fixed $fixed:expr $(, from_21 $from_21:literal)?) => {{
        const FIXED: Option<u16> = $fixed;
        const FIXED_20: Option<u16> = match FIXED { Some(minor) => Some(minor + 10), None => None };
        const FIXED_23: Option<u16> = match FIXED { Some(minor) => Some(minor - 6), None => None };
        &[
            Span::new(20, $from + 10, FIXED_20),
            $(Span::new(21, $from_21, None),)?
            Span::new(22, $from, FIXED),
            Span::new(23, $from - 6, FIXED_23),
        ]
    }};
}

const WEBSOCKET: Option<&str> = Some("chan_websocket.so");
const AUDIOSOCKET: Option<&str> = Some("chan_audiosocket.so");

const BUGS: &[KnownBug] = &[
    KnownBug {
        id: "media-websocket-candidates",
        issue: 1384,
        effect: "media WebSockets corrupt memory and mistake their queue for full",
        module: WEBSOCKET,
        avoid: Some(Avoid::WebSocketMedia),
        affected: &[
            Span::new(20, 16, Some(16)),
            Span::new(21, 11, Some(11)),
            Span::new(22, 6, Some(6)),
        ],
    },
    KnownBug {
        id: "media-websocket-pause",
        issue: 1525,
        effect: "PAUSE_MEDIA, CONTINUE_MEDIA and REPORT_QUEUE_DRAINED are ignored",
        module: WEBSOCKET,
        avoid: Some(Avoid::MediaPause),
        affected: since_22!(6, fixed Some(7), from_21 11),
    },
    KnownBug {
        id: "media-websocket-crashes",
        issue: 1643,
        effect: "a ping, comfort noise, a key or an early hang-up on a media WebSocket ends the call or Asterisk",
        module: WEBSOCKET,
        avoid: Some(Avoid::MediaPing),
        affected: since_22!(6, fixed Some(8), from_21 11),
    },
    KnownBug {
        id: "media-websocket-sessionlimit",
        issue: 0,
        effect: "each media WebSocket counts against sessionlimit of http.conf for its whole call",
        module: WEBSOCKET,
        avoid: None,
        affected: since_22!(6, fixed Some(8), from_21 11),
    },
    KnownBug {
        id: "media-websocket-noise",
        issue: 1785,
        effect: "the caller hears loud noise where a media WebSocket's audio is filled with silence",
        module: WEBSOCKET,
        avoid: Some(Avoid::WebSocketMedia),
        affected: since_22!(6, fixed Some(9), from_21 11),
    },
    KnownBug {
        id: "media-websocket-fragments",
        issue: 1941,
        effect: "a media message in several WebSocket frames ends the call",
        module: WEBSOCKET,
        avoid: Some(Avoid::Fragmentation),
        affected: since_22!(6, fixed Some(10), from_21 11),
    },
    KnownBug {
        id: "media-websocket-tail",
        issue: 2006,
        effect: "the last part of a frame before STOP_MEDIA_BUFFERING is not played",
        module: WEBSOCKET,
        avoid: Some(Avoid::PartialLastFrame),
        affected: since_22!(6, fixed Some(11), from_21 11),
    },
    KnownBug {
        id: "media-websocket-start",
        issue: 1712,
        effect: "under load audio comes before MEDIA_START",
        module: WEBSOCKET,
        avoid: Some(Avoid::MediaStartFirst),
        affected: since_22!(6, fixed None, from_21 11),
    },
    KnownBug {
        id: "media-websocket-backlog",
        issue: 2115,
        effect: "audio that is sent ahead of time delays the rest of the call",
        module: WEBSOCKET,
        avoid: Some(Avoid::MediaBacklog),
        affected: since_22!(6, fixed None, from_21 11),
    },
    KnownBug {
        id: "media-websocket-locks",
        issue: 2140,
        effect: "a media WebSocket that is read too slowly stops other calls too",
        module: WEBSOCKET,
        avoid: Some(Avoid::SlowMediaReader),
        affected: since_22!(6, fixed None, from_21 11),
    },
    KnownBug {
        id: "external-media-crash",
        issue: 0,
        effect: "externalMedia with wrong parameters can end Asterisk",
        module: None,
        avoid: None,
        affected: since_22!(6, fixed Some(11), from_21 11),
    },
    KnownBug {
        id: "websocket-pong-crash",
        issue: 2085,
        effect: "a pong that was not asked for ends Asterisk",
        module: None,
        avoid: Some(Avoid::UnsolicitedPong),
        affected: since_22!(11, fixed Some(11)),
    },
    KnownBug {
        id: "audiosocket-header",
        issue: 1824,
        effect: "an AudioSocket loses step when a header arrives in pieces",
        module: AUDIOSOCKET,
        avoid: Some(Avoid::AudioSocketMedia),
        affected: &[
            Span::new(18, 0, None),
            Span::new(20, 0, Some(19)),
            Span::new(21, 0, None),
            Span::new(22, 0, Some(9)),
            Span::new(23, 0, Some(3)),
        ],
    },
    KnownBug {
        id: "audiosocket-comfort-noise",
        issue: 0,
        effect: "comfort noise ends the call of an AudioSocket",
        module: AUDIOSOCKET,
        avoid: Some(Avoid::AudioSocketMedia),
        affected: &[
            Span::new(18, 0, None),
            Span::new(20, 0, Some(20)),
            Span::new(21, 0, None),
            Span::new(22, 0, Some(10)),
            Span::new(23, 0, Some(4)),
        ],
    },
    KnownBug {
        id: "audiosocket-silence",
        issue: 2089,
        effect: "an AudioSocket on which nothing is sent gets nothing either",
        module: AUDIOSOCKET,
        avoid: Some(Avoid::SilentAudioSocket),
        affected: since_22!(9, fixed None),
    },
    KnownBug {
        id: "slin-is-ulaw",
        issue: 394,
        effect: "external media in 8 kHz slin is sent as ulaw",
        module: None,
        avoid: Some(Avoid::Slin8OverRtp),
        affected: &[
            Span::new(18, 0, Some(21)),
            Span::new(20, 0, Some(6)),
            Span::new(21, 0, Some(1)),
        ],
    },
    KnownBug {
        id: "mute-loses-recording",
        issue: 322,
        effect: "a channel that is muted forgets that it is recorded",
        module: None,
        avoid: Some(Avoid::MuteWhileRecording),
        affected: &[
            Span::new(18, 0, Some(21)),
            Span::new(20, 0, Some(6)),
            Span::new(21, 0, Some(1)),
        ],
    },
    KnownBug {
        id: "snoop-crash",
        issue: 0,
        effect: "snooping on a channel can end Asterisk",
        module: None,
        avoid: None,
        affected: &[Span::new(18, 0, Some(17)), Span::new(20, 0, Some(2))],
    },
    KnownBug {
        id: "slow-commands",
        issue: 0,
        effect: "each command on a channel can wait 200 ms",
        module: None,
        avoid: None,
        affected: &[
            Span::new(18, 0, Some(25)),
            Span::new(20, 0, Some(10)),
            Span::new(21, 0, Some(5)),
        ],
    },
    KnownBug {
        id: "rtp-statistics",
        issue: 1816,
        effect: "the RTP statistics of a call are not told when an application hangs it up",
        module: None,
        avoid: None,
        affected: &[
            Span::new(20, 0, Some(19)),
            Span::new(21, 0, None),
            Span::new(22, 0, Some(9)),
            Span::new(23, 0, Some(3)),
        ],
    },
    KnownBug {
        id: "rtp-statistics-deadlock",
        issue: 1928,
        effect: "hanging up can lock Asterisk for ever",
        module: None,
        avoid: None,
        affected: since_22!(9, fixed Some(10)),
    },
];

impl KnownBug {
    /// All that are known, whatever they affect.
    pub fn all() -> &'static [Self] {
        BUGS
    }

    /// Whether that release has it.
    pub fn affects(&self, version: Version) -> bool {
        self.span(version).is_some()
    }

    /// What mends it for those who run that release; `None` when the release does not have it.
    pub fn fixed(&self, version: Version) -> Option<Fixed> {
        self.span(version).map(|span| span.fixed)
    }

    fn span(&self, version: Version) -> Option<&Span> {
        self.affected.iter().find(|span| span.has(version))
    }
}

impl fmt::Display for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::In(version) => write!(f, "mended in {version}"),
            Self::NotYet => f.write_str("not mended yet in this line"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn bugs(version: &str) -> Vec<&'static str> {
        let version = version.parse().unwrap();
        BUGS.iter().filter(|bug| bug.affects(version)).map(|bug| bug.id).collect()
    }

    #[test]
    fn every_row_has_what_it_needs() {
        let mut ids = HashSet::new();
        for bug in BUGS {
            assert!(ids.insert(bug.id), "{} is there twice", bug.id);
            assert!(!bug.effect.is_empty() && !bug.effect.ends_with('.'), "{}", bug.id);
            assert!(bug.module.is_none_or(|module| module.ends_with(".so")), "{}", bug.id);
            assert!(!bug.affected.is_empty(), "{} affects nobody", bug.id);
            let mut lines = HashSet::new();
            for span in bug.affected {
                assert!(super::super::table::LINES.contains(&span.from.line), "{}", bug.id);
                assert!(lines.insert(span.from.line), "{} has a line twice", bug.id);
                if let Fixed::In(fixed) = span.fixed {
                    assert_eq!(fixed.line, span.from.line, "{} is mended in another line", bug.id);
                    assert!(span.from < fixed, "{} is mended before it came", bug.id);
                }
            }
        }
    }

    #[test]
    fn each_release_has_its_own_bugs() {
        let rtp = "rtp-statistics";
        assert!(bugs("22.8.0").contains(&rtp) && !bugs("22.9.0").contains(&rtp));
        assert!(bugs("20.18.2").contains(&rtp) && !bugs("20.19.0").contains(&rtp));
        assert!(bugs("21.12.3").contains(&rtp), "nothing is mended in a line that has ended");
        let deadlock = "rtp-statistics-deadlock";
        let has = ["22.8.0", "22.9.0", "22.9.1", "22.10.0", "20.19.0", "23.3.0", "23.4.1"];
        let has = has.map(|version| bugs(version).contains(&deadlock));
        assert_eq!(has, [false, true, true, false, true, true, false]);
    }

    #[test]
    fn a_crash_of_candidates_is_only_theirs() {
        let has = ["22.10.1", "22.11.0-rc1", "22.11.0", "20.21.0-rc1", "23.5.0-rc1", "23.4.1"];
        let has = has.map(|version| bugs(version).contains(&"websocket-pong-crash"));
        assert_eq!(has, [false, true, false, true, true, false]);
    }

    #[test]
    fn what_mends_it_is_of_the_same_line() {
        let tail = BUGS.iter().find(|bug| bug.id == "media-websocket-tail").unwrap();
        let mend =
            |version: &str| tail.fixed(version.parse().unwrap()).map(|fixed| fixed.to_string());
        assert_eq!(mend("22.10.1").as_deref(), Some("mended in 22.11.0"));
        assert_eq!(mend("20.20.1").as_deref(), Some("mended in 20.21.0"));
        assert_eq!(mend("23.4.1").as_deref(), Some("mended in 23.5.0"));
        assert_eq!(mend("21.12.3").as_deref(), Some("not mended yet in this line"));
        assert_eq!(mend("18.26.4"), None, "18 has no media WebSockets");
    }
}
