//! What to do about a refusal.

use ari::features::{DescribedOperation, DescribedParameter, Description, Place, is_id};
use ari::{Client, Method, RequestError};

use super::parameters::takes;
use crate::command::nearest::distance;

/// The refusal in Asterisk's words, and its mend where there is one.
pub(super) async fn explained(
    client: &Client,
    method: &Method,
    path: &str,
    error: &RequestError,
) -> String {
    let RequestError::Rejected { status, message, .. } = error else {
        return error.to_string();
    };
    // Whoever is refused the description gets the refusal alone.
    let description = match status {
        400 | 404 | 405 => Description::fetch(client).await.unwrap_or_default(),
        _ => Description::default(),
    };
    match mend(&description, method, path, *status, message) {
        Some(mend) => format!("{error}\n  mend: {mend}"),
        None => error.to_string(),
    }
}

fn mend(
    description: &Description,
    method: &Method,
    path: &str,
    status: u16,
    message: &str,
) -> Option<String> {
    let operation = description.find(method, path);
    match status {
        400 => operation.map(|operation| takes(&told(operation))),
        403 => Some("set read_only = no for this user in ari.conf".to_owned()),
        // Asterisk says so of paths, and "Channel not found" and the like of objects.
        404 | 405 if message == "Resource not found" || status == 405 => match operation {
            Some(_) => Some(format!("the path is right; load the module {}", module(path))),
            None => elsewhere(description, method, path),
        },
        409 | 422 if message.contains("not in Stasis") => Some(
            "only what is in a Stasis application takes this; see app_name of its dialplan in: patchcord ari GET \
             channels"
                .to_owned(),
        ),
        409 if message.contains("already exists") => Some("choose an id that is not taken".to_owned()),
        412 => Some("the channel's state does not allow it; see state in: patchcord ari GET channels".to_owned()),
        501 => Some("load the module that does it; patchcord doctor names those that are missing".to_owned()),
        _ => None,
    }
}

fn told(operation: &DescribedOperation) -> Vec<&DescribedParameter> {
    operation.parameters.iter().filter(|parameter| parameter.place != Place::Path).collect()
}

/// The method that the path does take, or the paths that it may have been meant for.
fn elsewhere(description: &Description, method: &Method, path: &str) -> Option<String> {
    let methods: Vec<&str> =
        description.at(path).map(|operation| operation.method.as_str()).collect();
    if !methods.is_empty() {
        return Some(format!("{path} takes {}, not {method}", methods.join(" and ")));
    }
    let near = near(description, method, path);
    (!near.is_empty())
        .then(|| format!("did you mean {}? All paths: patchcord ari --list", near.join(" or ")))
}

/// The described paths that are nearest, with the ids that were given.
fn near(description: &Description, method: &Method, path: &str) -> Vec<String> {
    let given: Vec<&str> = path.split('/').collect();
    let of_method = description.operations().iter().filter(|operation| operation.method == *method);
    let mut near: Vec<(usize, String)> = of_method
        .filter_map(|operation| {
            let segments: Vec<&str> = operation.segments().collect();
            if segments.len() != given.len() {
                return None;
            }
            let pairs = || segments.iter().zip(&given);
            let far: usize = pairs().map(|(s, g)| if is_id(s) { 0 } else { distance(s, g) }).sum();
            // Every word must resemble what was written in its place.
            let alike = pairs().all(|(s, g)| is_id(s) || distance(s, g) * 2 <= s.len());
            let meant: Vec<&str> = pairs().map(|(s, g)| if is_id(s) { *g } else { *s }).collect();
            alike.then(|| (far, meant.join("/")))
        })
        .collect();
    near.sort_unstable();
    near.dedup();
    let best = near.first().map_or(0, |(far, _)| *far);
    near.into_iter().take_while(|(far, _)| *far <= best + 1).take(3).map(|(_, path)| path).collect()
}

/// The module that serves a path: `deviceStates` is served by `res_ari_device_states.so`.
fn module(path: &str) -> String {
    let mut name = String::from("res_ari_");
    for letter in path.split('/').next().unwrap_or_default().chars() {
        if letter.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name + ".so"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn description() -> Description {
        let api = |path: &str, method: &str| {
            json!({ "path": path, "operations": [{ "httpMethod": method, "parameters": [
                { "name": "channelId", "paramType": "path" }, { "name": "media", "required": true }, { "name": "lang" },
            ] }] })
        };
        Description::read(json!({ "apis": [
            api("/channels", "GET"), api("/bridges", "GET"), api("/deviceStates", "GET"),
            api("/channels/{channelId}/answer", "POST"), api("/channels/{channelId}/play", "POST"),
            api("/channels/{channelId}/play/{playbackId}", "POST"), api("/bridges/{bridgeId}/play", "POST"),
        ] }))
    }

    fn says(method: Method, path: &str, status: u16, message: &str) -> String {
        mend(&description(), &method, path, status, message).unwrap_or_default()
    }

    #[test]
    fn a_wrong_path_is_led_to_the_nearest() {
        let nothing = "Resource not found";
        let mend = says(Method::POST, "channels/17.4/anser", 404, nothing);
        assert!(mend.starts_with("did you mean channels/17.4/answer?"), "{mend}");
        let mend = says(Method::GET, "chanels", 404, nothing);
        assert!(mend.starts_with("did you mean channels?"), "{mend}");
        assert_eq!(says(Method::GET, "xyzzy/1/2/3", 404, nothing), "");
    }

    #[test]
    fn a_wrong_method_is_led_to_the_right_one() {
        let mend = says(Method::GET, "channels/17.4/answer", 405, "Invalid method");
        assert_eq!(mend, "channels/17.4/answer takes POST, not GET");
    }

    #[test]
    fn a_right_path_wants_its_module() {
        let mend = says(Method::GET, "deviceStates", 404, "Resource not found");
        assert_eq!(mend, "the path is right; load the module res_ari_device_states.so");
        assert_eq!(says(Method::POST, "channels/17.4/answer", 404, "Channel not found"), "");
    }

    #[test]
    fn conflicts_are_told_apart_by_asterisks_words() {
        let path = "channels/17.4/answer";
        assert!(
            says(Method::POST, path, 409, "Channel not in Stasis application").contains("app_name")
        );
        assert!(
            says(Method::POST, path, 422, "Channel not in Stasis application").contains("app_name")
        );
        let taken = says(Method::POST, "bridges/b1", 409, "Bridge with id 'b1' already exists");
        assert_eq!(taken, "choose an id that is not taken");
        assert_eq!(says(Method::POST, path, 409, "Channel c1 currently recording"), "");
    }

    #[test]
    fn wrong_parameters_are_told_which_there_are() {
        let mend = says(Method::POST, "channels/17.4/play", 400, "Media is required");
        assert_eq!(mend, "it takes media (needed), lang");
    }
}
