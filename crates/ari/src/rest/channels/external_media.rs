//! Channels whose media flows to and from us.

use serde::Serialize;
use serde_json::{Value, json};

use crate::rest::variable::SetVariables;

/// A leg whose media flows to and from us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalMedia {
    /// The application that it enters.
    pub app: String,
    /// How media travels.
    pub transport: MediaTransport,
    /// Asterisk's name of the one format that is used, such as `ulaw`; nothing is negotiated.
    pub format: String,
    /// Which way media flows, over a WebSocket; over others it flows both ways.
    pub direction: MediaDirection,
    /// Options of the WebSocket, such as `f(json)`. Since 22.8.
    pub transport_data: Option<String>,
    /// Arguments of its StasisStart, comma separated. AudioSocket has none, since its UUID travels in their place.
    pub app_args: Option<String>,
    /// Variables and functions to set on the channel.
    pub variables: SetVariables,
}

/// Which way media flows, as the application sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MediaDirection {
    /// Both ways.
    #[default]
    Both,
    /// From Asterisk to us. Not in Asterisk's description.
    In,
    /// From us to Asterisk. Not in Asterisk's description.
    Out,
}

/// How media travels. No other pairing of encapsulation, transport and direction is legal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaTransport {
    /// RTP over UDP to our `host:port`. Asterisk learns our address from here alone, so send from it too.
    Rtp {
        /// Where we receive.
        external_host: String,
    },
    /// AudioSocket over TCP to our `host:port`.
    AudioSocket {
        /// Where we listen.
        external_host: String,
        /// The UUID that opens the stream.
        uuid: String,
    },
    /// A WebSocket from Asterisk to us. Since 22.6.
    WebSocketClient {
        /// Section of `websocket_client.conf`.
        connection: String,
    },
    /// A WebSocket from us to Asterisk. Since 22.6.
    WebSocketServer,
}

impl ExternalMedia {
    /// Mu-law over RTP to our address.
    pub fn rtp_ulaw(app: impl Into<String>, external_host: impl ToString) -> Self {
        Self {
            app: app.into(),
            transport: MediaTransport::Rtp { external_host: external_host.to_string() },
            format: "ulaw".into(),
            direction: MediaDirection::Both,
            transport_data: None,
            app_args: None,
            variables: SetVariables::new(),
        }
    }

    pub(crate) fn with_id(&self, channel: &str) -> Value {
        let mut body = match &self.transport {
            MediaTransport::Rtp { external_host } => json!({
                "external_host": external_host, "encapsulation": "rtp", "transport": "udp",
            }),
            MediaTransport::AudioSocket { external_host, uuid } => json!({
                "external_host": external_host, "encapsulation": "audiosocket", "transport": "tcp",
                "data": uuid,
            }),
            MediaTransport::WebSocketClient { connection } => json!({
                "external_host": connection, "encapsulation": "none", "transport": "websocket",
                "connection_type": "client",
            }),
            MediaTransport::WebSocketServer => json!({
                "external_host": "INCOMING", "encapsulation": "none", "transport": "websocket",
                "connection_type": "server",
            }),
        };
        body["channelId"] = channel.into();
        body["app"] = self.app.as_str().into();
        body["format"] = self.format.as_str().into();
        body["direction"] = json!(self.direction);
        if let Some(options) = &self.transport_data {
            body["transport_data"] = options.as_str().into();
        }
        if let (Some(args), Value::Null) = (&self.app_args, &body["data"]) {
            body["data"] = args.as_str().into();
        }
        if !self.variables.is_empty() {
            body["variables"] = json!(self.variables);
        }
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn external_media_uses_only_legal_pairs() {
        let media = ExternalMedia::rtp_ulaw("frontdesk", "127.0.0.1:4000");
        assert_eq!(
            media.with_id("m1"),
            json!({
                "channelId": "m1", "app": "frontdesk", "external_host": "127.0.0.1:4000",
                "encapsulation": "rtp", "transport": "udp", "format": "ulaw", "direction": "both",
            })
        );
        let server = ExternalMedia { transport: MediaTransport::WebSocketServer, ..media.clone() };
        assert_eq!(server.with_id("m1")["connection_type"], "server");
        let uuid = "40325ec2-5efd-4bd3-805f-53576e581d13".to_owned();
        let transport = MediaTransport::AudioSocket { external_host: "h:1".into(), uuid };
        let audiosocket = ExternalMedia { transport, ..media };
        assert_eq!(audiosocket.with_id("m1")["data"], "40325ec2-5efd-4bd3-805f-53576e581d13");
    }
}
