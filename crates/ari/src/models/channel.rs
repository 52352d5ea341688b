//! Channels.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::Value;

use super::model::model;
use super::open_enum::open_enum;
use super::timestamp::Timestamp;

model! {
    /// One leg of a call, as it was when the event or reply was written.
    Channel {
        /// Unique id; the one we chose, or `<seconds>.<number>` when Asterisk did.
        id: String = must,
        /// The protocol's own id, such as the SIP Call-ID. Since 18.13.
        protocol_id: Option<String> = may,
        /// Technology, resource and a suffix: `PJSIP/alice-00000001`.
        name: String,
        /// How far the leg is.
        state: ChannelState,
        /// Who calls.
        caller: CallerId,
        /// Who is at the other end.
        connected: CallerId,
        /// Account code for billing, often empty.
        accountcode: String,
        /// Where the channel is in the dialplan.
        dialplan: DialplanCep,
        /// When the channel was made.
        creationtime: Option<Timestamp> = time,
        /// Language of prompts, such as `en`.
        language: String,
        /// Variables: those of the `channelvars` setting, or what `externalMedia` reports about its leg.
        channelvars: BTreeMap<String, Value>,
        /// The number that was dialled before a redirection. Since 18.21.
        caller_rdnis: Option<String> = may,
        /// Tenant, where one is configured. Since 18.25.
        tenantid: Option<String> = may,
    }
}

impl Channel {
    /// A text variable out of [`Channel::channelvars`].
    pub fn channelvar(&self, name: &str) -> Option<&str> {
        self.channelvars.get(name)?.as_str()
    }

    /// Where Asterisk receives RTP for this leg. Present in the reply to `externalMedia` over RTP only, which
    /// carries `UNICASTRTP_LOCAL_ADDRESS` and `UNICASTRTP_LOCAL_PORT`.
    pub fn local_address(&self) -> Option<SocketAddr> {
        let address = self.channelvar("UNICASTRTP_LOCAL_ADDRESS")?.parse().ok()?;
        let port = match self.channelvars.get("UNICASTRTP_LOCAL_PORT")? {
            Value::String(text) => text.parse().ok()?,
            other => u16::try_from(other.as_u64()?).ok()?,
        };
        Some(SocketAddr::new(address, port))
    }
}

open_enum! {
    /// How far a channel is, in Asterisk's words.
    ChannelState {
        /// Made, not dialled.
        Down = "Down",
        /// Down, but taken.
        Reserved = "Rsrved",
        /// Off hook.
        OffHook = "OffHook",
        /// Digits are being dialled.
        Dialing = "Dialing",
        /// A caller who hears ringing: an incoming call that is not answered yet.
        Ring = "Ring",
        /// The far end rings: an outgoing call that is not answered yet.
        Ringing = "Ringing",
        /// Answered.
        Up = "Up",
        /// The line is busy.
        Busy = "Busy",
        /// Digits are being dialled, off hook.
        DialingOffhook = "Dialing Offhook",
        /// An incoming call was seen and does not ring yet.
        PreRing = "Pre-ring",
        /// The state is not known to Asterisk.
        Unknown = "Unknown",
    }
}

model! {
    /// A party's name and number, each empty when unknown.
    CallerId {
        /// Display name.
        name: String,
        /// Number.
        number: String,
    }
}

model! {
    /// Context, extension and priority: a place in the dialplan, and what runs there.
    DialplanCep {
        /// Context.
        context: String,
        /// Extension.
        exten: String,
        /// Priority.
        priority: i64,
        /// Application that runs, such as `Stasis`. Since 16.
        app_name: String,
        /// Its arguments. Since 16.
        app_data: String,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(json: &str) -> Channel {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn an_id_is_all_that_is_needed() {
        let bare = channel(r#"{"id":"c1"}"#);
        assert_eq!((bare.id.as_str(), bare.state), ("c1", ChannelState::Other(String::new())));
        assert!(serde_json::from_str::<Channel>("{}").is_err());
    }

    #[test]
    fn states_with_spaces_and_unknown_states_are_read() {
        let state = |word: &str| channel(&format!(r#"{{"id":"c","state":"{word}"}}"#)).state;
        assert_eq!(state("Dialing Offhook"), ChannelState::DialingOffhook);
        assert_eq!(state("Pre-ring"), ChannelState::PreRing);
        assert_eq!(state("Parked").as_str(), "Parked");
    }

    #[test]
    fn the_media_address_is_read_from_text_or_number() {
        let at = |port: &str| {
            channel(&format!(
                r#"{{"id":"m","channelvars":{{"UNICASTRTP_LOCAL_ADDRESS":"127.0.0.1","UNICASTRTP_LOCAL_PORT":{port}}}}}"#
            ))
            .local_address()
        };
        assert_eq!(at(r#""17042""#), Some("127.0.0.1:17042".parse().unwrap()));
        assert_eq!(at("17042"), Some("127.0.0.1:17042".parse().unwrap()));
        assert_eq!(at("99999999"), None);
        assert_eq!(at(r#""""#), None);
        assert_eq!(channel(r#"{"id":"m"}"#).local_address(), None);
    }
}
