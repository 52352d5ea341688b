//! Which road media takes between Asterisk and us.
//!
//! Not every Asterisk has every road: releases, loaded modules and known faults differ. Whoever starts up finds out what
//! stands in the way of each ([`Standing`]) and [chooses](Preference::choose); nothing here asks anybody.

use std::{fmt, str::FromStr};
use thiserror::Error;

/// A road into Asterisk. Everything above a [`Leg`](crate::Leg) is the same on all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Road {
    /// RTP over UDP.
    Rtp,
    /// A WebSocket.
    WebSocket(Opener),
    /// AudioSocket over TCP, which Asterisk opens.
    AudioSocket,
}

/// Who opens a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Opener {
    /// We connect to Asterisk's web server.
    Us,
    /// Asterisk connects to us, as its `websocket_client.conf` says.
    Asterisk,
}

/// What is known of a road at one Asterisk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is there.
    Open,
    /// Nothing tells.
    Unknown,
    /// It cannot or should not be taken, for this reason and with this mend.
    Closed(String),
}

/// Which road the configuration asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Preference {
    /// This one and no other.
    Only(Road),
    /// The first of these that is there.
    Ladder(Vec<Road>),
}

/// The road to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// It.
    pub road: Road,
    /// Those that were preferred, and what stood in the way of each.
    pub passed: Vec<(Road, String)>,
}

/// There is none.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("no road for media into this Asterisk: {}", list(.passed))]
pub struct NoRoad {
    /// What stood in the way of each.
    pub passed: Vec<(Road, String)>,
}

/// A word that names no road.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is no road for media: rtp, websocket, websocket-from-asterisk and audiosocket are")]
pub struct UnknownRoad(pub String);

impl Default for Preference {
    /// RTP, which every Asterisk has and which costs the least; a WebSocket where UDP is not to be had; AudioSocket
    /// last, since what is queued there cannot be called back. One that Asterisk opens takes configuration over there,
    /// so it is never a matter of course.
    fn default() -> Preference {
        Preference::Ladder(vec![Road::Rtp, Road::WebSocket(Opener::Us), Road::AudioSocket])
    }
}

impl Preference {
    /// Chooses: the first road that is open for certain, else the first of which nothing is known.
    ///
    /// # Errors
    /// [`NoRoad`] with every reason.
    pub fn choose(&self, standing: impl Fn(Road) -> Standing) -> Result<Choice, NoRoad> {
        let roads: &[Road] = match self {
            Preference::Only(road) => std::slice::from_ref(road),
            Preference::Ladder(roads) => roads,
        };
        let (mut passed, mut unknown) = (Vec::new(), None);
        for &road in roads {
            match standing(road) {
                Standing::Open => return Ok(Choice { road, passed }),
                Standing::Closed(cause) => passed.push((road, cause)),
                Standing::Unknown if unknown.is_none() => {
                    unknown = Some(Choice { road, passed: passed.clone() });
                    passed.push((road, "nothing tells whether Asterisk has it".to_owned()));
                }
                Standing::Unknown => {}
            }
        }
        unknown.ok_or(NoRoad { passed })
    }
}

fn list(passed: &[(Road, String)]) -> String {
    let reasons: Vec<String> =
        passed.iter().map(|(road, cause)| format!("{road}: {cause}")).collect();
    if reasons.is_empty() { "none was asked for".to_owned() } else { reasons.join("; ") }
}

impl fmt::Display for Road {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Road::Rtp => "rtp",
            Road::WebSocket(Opener::Us) => "websocket",
            Road::WebSocket(Opener::Asterisk) => "websocket-from-asterisk",
            Road::AudioSocket => "audiosocket",
        })
    }
}

impl FromStr for Road {
    type Err = UnknownRoad;

    fn from_str(word: &str) -> Result<Road, UnknownRoad> {
        Ok(match word {
            "rtp" => Road::Rtp,
            "websocket" => Road::WebSocket(Opener::Us),
            "websocket-from-asterisk" => Road::WebSocket(Opener::Asterisk),
            "audiosocket" => Road::AudioSocket,
            other => return Err(UnknownRoad(other.to_owned())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: Road = Road::WebSocket(Opener::Us);
    const THEM: Road = Road::WebSocket(Opener::Asterisk);

    fn closed(cause: &str) -> Standing {
        Standing::Closed(cause.to_owned())
    }

    #[test]
    fn rtp_unless_it_is_not_there() {
        let choice = Preference::default().choose(|_| Standing::Open).unwrap();
        assert_eq!(choice, Choice { road: Road::Rtp, passed: vec![] });
        let without = |road| if road == Road::Rtp { closed("no UDP") } else { Standing::Open };
        let choice = Preference::default().choose(without).unwrap();
        assert_eq!(choice, Choice { road: US, passed: vec![(Road::Rtp, "no UDP".into())] });
    }

    #[test]
    fn what_is_open_for_certain_goes_before_what_is_unknown() {
        let standing = |road| match road {
            Road::Rtp | Road::WebSocket(_) => Standing::Unknown,
            Road::AudioSocket => Standing::Open,
        };
        let choice = Preference::default().choose(standing).unwrap();
        assert_eq!((choice.road, choice.passed.len()), (Road::AudioSocket, 1));
        let nothing_known = Preference::default().choose(|_| Standing::Unknown).unwrap();
        assert_eq!(nothing_known, Choice { road: Road::Rtp, passed: vec![] });
    }

    #[test]
    fn only_one_is_only_one() {
        let standing = |road| if road == THEM { closed("no section") } else { Standing::Open };
        let error = Preference::Only(THEM).choose(standing).unwrap_err();
        let text = "no road for media into this Asterisk: websocket-from-asterisk: no section";
        assert_eq!(error.to_string(), text);
        let error = Preference::Ladder(vec![]).choose(standing).unwrap_err();
        assert!(error.to_string().ends_with("none was asked for"));
    }

    #[test]
    fn roads_are_written_as_they_are_read() {
        for road in [Road::Rtp, US, THEM, Road::AudioSocket] {
            assert_eq!(road.to_string().parse(), Ok(road));
        }
        let error = "RTP".parse::<Road>().unwrap_err();
        assert!(error.to_string().contains("websocket-from-asterisk"), "{error}");
    }
}
