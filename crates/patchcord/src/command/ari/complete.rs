//! What a word on the command line of `patchcord ari` can go on to: methods, paths, ids of what is there now, parameters.

use ari::features::{Description, Place, is_id};
use ari::{Client, Method, RequestError};

const METHODS: [&str; 4] = ["GET", "POST", "PUT", "DELETE"];

/// Candidates for the last of the words typed after `patchcord ari`.
pub(super) async fn run(client: &Client, typed: &[String]) -> Result<Vec<String>, RequestError> {
    let (word, before) =
        typed.split_last().map_or(("", typed), |(word, before)| (word.as_str(), before));
    let methods = || METHODS.iter().map(ToString::to_string).collect();
    let candidates: Vec<String> = match before {
        [] => methods(),
        [method] => paths(client, method, word).await?,
        [method, path, ..] => parameters(client, method, path).await?,
    };
    let word_in_capitals = word.to_uppercase();
    let start = if before.is_empty() { word_in_capitals.as_str() } else { word };
    Ok(candidates.into_iter().filter(|candidate| candidate.starts_with(start)).collect())
}

/// Paths with that method, one part further than what is typed, ids filled in.
async fn paths(client: &Client, method: &str, word: &str) -> Result<Vec<String>, RequestError> {
    let description = Description::fetch(client).await?;
    let (parents, _) = word.rsplit_once('/').map_or(("", word), |(parents, last)| (parents, last));
    let depth = if parents.is_empty() { 0 } else { parents.split('/').count() };
    let mut next: Vec<String> = Vec::new();
    for operation in description
        .operations()
        .iter()
        .filter(|operation| method.eq_ignore_ascii_case(operation.method.as_str()))
    {
        let segments: Vec<&str> = operation.segments().collect();
        let fits = parents.split('/').take(depth).zip(&segments).all(|(g, s)| is_id(s) || g == *s);
        let Some(segment) = segments.get(depth).filter(|_| fits && segments.len() > depth) else {
            continue;
        };
        let end = if segments.len() > depth + 1 { "/" } else { "" };
        let parts =
            if is_id(segment) { ids(client, segment).await } else { vec![(*segment).to_owned()] };
        let parents = if parents.is_empty() { String::new() } else { format!("{parents}/") };
        next.extend(parts.iter().map(|part| format!("{parents}{part}{end}")));
    }
    next.sort_unstable();
    next.dedup();
    Ok(next)
}

/// The ids that an id in a path can be now; none where they cannot be listed.
async fn ids(client: &Client, segment: &str) -> Vec<String> {
    let (path, field) = match segment {
        "{channelId}" => ("channels", "id"),
        "{bridgeId}" => ("bridges", "id"),
        "{applicationName}" => ("applications", "name"),
        "{moduleName}" => ("asterisk/modules", "name"),
        "{recordingName}" => ("recordings/stored", "name"),
        "{deviceName}" => ("deviceStates", "name"),
        _ => return Vec::new(),
    };
    let list = client.request(Method::GET, path, None).await.unwrap_or_default();
    let objects = list.as_array().into_iter().flatten();
    objects.filter_map(|object| object[field].as_str().map(str::to_owned)).collect()
}

async fn parameters(
    client: &Client,
    method: &str,
    path: &str,
) -> Result<Vec<String>, RequestError> {
    let path = super::below_ari(path);
    let resource = path.split('/').next().unwrap_or_default();
    let description = Description::of(client, resource).await?;
    let method = method.to_uppercase().parse().unwrap_or(Method::GET);
    let Some(operation) = description.find(&method, path) else { return Ok(Vec::new()) };
    let told = operation.parameters.iter().filter(|parameter| parameter.place != Place::Path);
    Ok(told.map(|parameter| format!("{}=", parameter.name)).collect())
}
