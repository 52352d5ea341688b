//! What a caller is told of the room that the caller is in.

use serde::{Deserialize, Serialize};

/// The place of a name in a sentence.
const WHO: &str = "{who}";

/// Sentences for one caller of a conference, in the flow's own language. `{who}` is who comes or goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RoomSays {
    /// Somebody has come.
    pub came: String,
    /// Somebody has left.
    pub went: String,
    /// Who has no name.
    pub somebody: String,
    /// The others do not hear the caller any more.
    pub muted: String,
    /// They do again.
    pub heard: String,
    /// Nobody else is let in.
    pub locked: String,
    /// Others are let in again.
    pub open: String,
    /// Who could lock the room has left, and the caller can now.
    pub host: String,
}

impl Default for RoomSays {
    fn default() -> Self {
        Self {
            came: format!("{WHO} has joined."),
            went: format!("{WHO} has left."),
            somebody: "Somebody".to_owned(),
            muted: "You are muted.".to_owned(),
            heard: "You can be heard.".to_owned(),
            locked: "The room is locked.".to_owned(),
            open: "The room is open.".to_owned(),
            host: "You are the host now.".to_owned(),
        }
    }
}

impl RoomSays {
    /// What is said when somebody comes; the name may be empty.
    #[must_use]
    pub fn came(&self, name: &str) -> String {
        self.named(&self.came, name)
    }

    /// What is said when somebody goes; the name may be empty.
    #[must_use]
    pub fn went(&self, name: &str) -> String {
        self.named(&self.went, name)
    }

    fn named(&self, sentence: &str, name: &str) -> String {
        sentence.replace(WHO, if name.is_empty() { &self.somebody } else { name })
    }

    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The sentences that cannot be said, and why.
    pub(crate) fn mistakes(&self) -> Vec<(&'static str, &'static str)> {
        let sentences = [
            ("came", &self.came, true),
            ("went", &self.went, true),
            ("somebody", &self.somebody, false),
            ("muted", &self.muted, false),
            ("heard", &self.heard, false),
            ("locked", &self.locked, false),
            ("open", &self.open, false),
            ("host", &self.host, false),
        ];
        let mistake = |(key, sentence, names): (&'static str, &String, bool)| {
            let plain = if names { sentence.replace(WHO, "") } else { sentence.clone() };
            if sentence.trim().is_empty() {
                return Some((key, "there is nothing to be said"));
            }
            plain
                .contains(['{', '}'])
                .then_some((key, "a name stands in it that is not known here"))
        };
        sentences.into_iter().filter_map(mistake).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_is_named_in_the_flows_own_words() {
        let says: RoomSays =
            toml::from_str("came = \"{who} ist da.\"\nsomebody = \"Jemand\"").expect("well formed");
        assert_eq!(
            (says.came("Ann"), says.came("")),
            ("Ann ist da.".into(), "Jemand ist da.".into())
        );
        assert_eq!(says.went("Ann"), "Ann has left.");
        assert_eq!(says.mistakes(), []);
    }

    #[test]
    fn a_sentence_that_cannot_be_said_is_a_mistake() {
        let says = RoomSays {
            came: "{caller.name} came".to_owned(),
            muted: "{who}".to_owned(),
            open: " ".to_owned(),
            ..RoomSays::default()
        };
        let keys: Vec<_> = says.mistakes().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["came", "muted", "open"]);
    }
}
