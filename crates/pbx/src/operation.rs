//! ARI's operations and the paths that lead to them (Asterisk 22, `rest-api/api-docs`).

use crate::{params::decode, reply::Refusal};

/// An operation of ARI's REST interface that the embedded PBX carries out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names are those of ARI's documentation")]
pub enum Operation {
    ListApplications,
    GetApplication,
    Subscribe,
    Unsubscribe,
    GetInfo,
    Ping,
    ListModules,
    GetModule,
    ListBridges,
    CreateBridge,
    GetBridge,
    DestroyBridge,
    AddChannel,
    RemoveChannel,
    ListChannels,
    Originate,
    CreateChannel,
    GetChannel,
    Hangup,
    Continue,
    Answer,
    Ring,
    RingStop,
    SendDtmf,
    StartMoh,
    StopMoh,
    Dial,
    ExternalMedia,
    GetVariable,
    SetVariable,
    Play,
    GetPlayback,
    StopPlayback,
    UserEvent,
    /// Any operation of ARI that the embedded PBX leaves out; it answers 501.
    NotOffered,
}

/// An operation and the ids in its path, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) operation: Operation,
    pub(crate) ids: Vec<String>,
}

/// Finds the operation for a path below `/ari/`.
///
/// # Errors
/// 404 for no such path, 405 for a path without this method.
pub(crate) fn route(method: &str, path: &str) -> Result<Route, Refusal> {
    if path.ends_with('/') {
        let slashless = path.trim_end_matches('/');
        let words = format!("ARI URLs do not end with a slash. Try /ari/{slashless}");
        return Err(Refusal::new(404, words));
    }
    let segments: Vec<&str> = path.split('/').collect();
    let mut known = false;
    for (verb, template, operation) in ROUTES {
        if let Some(ids) = fits(template, &segments) {
            known = true;
            if *verb == method {
                return Ok(Route { operation: *operation, ids });
            }
        }
    }
    Err(if known {
        Refusal::new(405, "Invalid method")
    } else {
        Refusal::new(404, "Resource not found")
    })
}

fn fits(template: &str, segments: &[&str]) -> Option<Vec<String>> {
    let mut parts = template.split('/');
    let mut ids = Vec::new();
    for segment in segments {
        match parts.next()? {
            "*" => ids.push(decode(segment)),
            literal if literal == *segment => {}
            _ => return None,
        }
    }
    parts.next().is_none().then_some(ids)
}

/// Literal paths stand before the patterns that would swallow them.
const ROUTES: &[(&str, &str, Operation)] = {
    use Operation::*;
    &[
        ("GET", "applications", ListApplications),
        ("GET", "applications/*", GetApplication),
        ("POST", "applications/*/subscription", Subscribe),
        ("DELETE", "applications/*/subscription", Unsubscribe),
        ("PUT", "applications/*/eventFilter", NotOffered),
        ("GET", "asterisk/info", GetInfo),
        ("GET", "asterisk/ping", Ping),
        ("GET", "asterisk/modules", ListModules),
        ("GET", "asterisk/modules/*", GetModule),
        ("POST", "asterisk/modules/*", NotOffered),
        ("PUT", "asterisk/modules/*", NotOffered),
        ("DELETE", "asterisk/modules/*", NotOffered),
        ("GET", "asterisk/variable", NotOffered),
        ("POST", "asterisk/variable", NotOffered),
        ("GET", "asterisk/logging", NotOffered),
        ("GET", "bridges", ListBridges),
        ("POST", "bridges", CreateBridge),
        ("POST", "bridges/*", CreateBridge),
        ("GET", "bridges/*", GetBridge),
        ("DELETE", "bridges/*", DestroyBridge),
        ("POST", "bridges/*/addChannel", AddChannel),
        ("POST", "bridges/*/removeChannel", RemoveChannel),
        ("POST", "bridges/*/videoSource/*", NotOffered),
        ("DELETE", "bridges/*/videoSource", NotOffered),
        ("POST", "bridges/*/moh", NotOffered),
        ("DELETE", "bridges/*/moh", NotOffered),
        ("POST", "bridges/*/play", NotOffered),
        ("POST", "bridges/*/play/*", NotOffered),
        ("POST", "bridges/*/record", NotOffered),
        ("GET", "bridges/*/variable", NotOffered),
        ("POST", "bridges/*/variable", NotOffered),
        ("GET", "channels", ListChannels),
        ("POST", "channels", Originate),
        ("POST", "channels/create", CreateChannel),
        ("POST", "channels/externalMedia", ExternalMedia),
        ("POST", "channels/*", Originate),
        ("GET", "channels/*", GetChannel),
        ("DELETE", "channels/*", Hangup),
        ("POST", "channels/*/continue", Continue),
        ("POST", "channels/*/answer", Answer),
        ("POST", "channels/*/ring", Ring),
        ("DELETE", "channels/*/ring", RingStop),
        ("POST", "channels/*/dtmf", SendDtmf),
        ("POST", "channels/*/moh", StartMoh),
        ("DELETE", "channels/*/moh", StopMoh),
        ("POST", "channels/*/dial", Dial),
        ("GET", "channels/*/variable", GetVariable),
        ("POST", "channels/*/variable", SetVariable),
        ("GET", "channels/*/variables", NotOffered),
        ("POST", "channels/*/variables", NotOffered),
        ("POST", "channels/*/move", NotOffered),
        ("POST", "channels/*/redirect", NotOffered),
        ("POST", "channels/*/progress", NotOffered),
        ("POST", "channels/*/mute", NotOffered),
        ("DELETE", "channels/*/mute", NotOffered),
        ("POST", "channels/*/hold", NotOffered),
        ("DELETE", "channels/*/hold", NotOffered),
        ("POST", "channels/*/silence", NotOffered),
        ("DELETE", "channels/*/silence", NotOffered),
        ("POST", "channels/*/play", Play),
        ("POST", "channels/*/play/*", Play),
        ("POST", "channels/*/record", NotOffered),
        ("POST", "channels/*/snoop", NotOffered),
        ("POST", "channels/*/snoop/*", NotOffered),
        ("GET", "channels/*/rtp_statistics", NotOffered),
        ("GET", "deviceStates", NotOffered),
        ("GET", "endpoints", NotOffered),
        ("GET", "endpoints/*", NotOffered),
        ("GET", "endpoints/*/*", NotOffered),
        ("POST", "events/user/*", UserEvent),
        ("GET", "mailboxes", NotOffered),
        ("GET", "playbacks/*", GetPlayback),
        ("DELETE", "playbacks/*", StopPlayback),
        ("GET", "recordings/stored", NotOffered),
        ("GET", "sounds", NotOffered),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;

    fn found(method: &str, path: &str) -> Result<(Operation, Vec<String>), u16> {
        route(method, path).map(|it| (it.operation, it.ids)).map_err(|refusal| refusal.status)
    }

    #[test]
    fn literal_paths_win_over_ids() {
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            found("POST", "channels/externalMedia"),
            Ok((Operation::ExternalMedia, ids(&[])))
        );
        assert_eq!(found("POST", "channels/my%2Bid"), Ok((Operation::Originate, ids(&["my+id"]))));
        assert_eq!(found("DELETE", "channels/a/ring"), Ok((Operation::RingStop, ids(&["a"]))));
    }

    #[test]
    fn unknown_paths_and_methods_are_told_apart() {
        assert_eq!(found("GET", "chanels"), Err(404));
        assert_eq!(found("GET", "channels/"), Err(404));
        assert_eq!(found("GET", "channels/a/answer"), Err(405));
    }
}
