//! Asterisk's own description of its operations, which every Asterisk serves below `api-docs`.

use http::Method;
use serde::Deserialize;
use serde_json::Value;

use crate::client::Client;
use crate::rest::RequestError;

/// The operations of a running Asterisk, as it describes them. A described operation is refused all the same when the
/// module behind it is not loaded.
#[derive(Clone, Debug, Default)]
pub struct Description {
    operations: Vec<DescribedOperation>,
}

/// One operation.
#[derive(Clone, Debug)]
pub struct DescribedOperation {
    /// HTTP method.
    pub method: Method,
    /// Path with the names of ids in braces: `/channels/{channelId}/answer`.
    pub path: String,
    /// Asterisk's name for it, unique within its resource.
    pub name: String,
    /// What it does, in Asterisk's words.
    pub summary: String,
    /// What it is told, those in the path included.
    pub parameters: Vec<DescribedParameter>,
}

/// One parameter of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedParameter {
    /// Name.
    pub name: String,
    /// Where it is written.
    pub place: Place,
    /// Its type. Asterisk passes over a parameter of another type without a word.
    pub kind: Kind,
    /// Whether Asterisk insists on it.
    pub required: bool,
}

/// Where a parameter is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the path.
    Path,
    /// In the query or, by the same name, in a JSON body.
    Query,
    /// In a JSON body only, by its name.
    Body,
    /// It is the JSON body, and its name is written nowhere: `filter` of `eventFilter`.
    WholeBody,
}

/// A parameter's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text, or a list of words separated by commas.
    Text,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// An object.
    Object,
}

impl Description {
    /// Reads the whole description, a dozen requests.
    ///
    /// # Errors
    /// As for any operation; refused with 404 where Asterisk was installed without its description.
    pub async fn fetch(client: &Client) -> Result<Self, RequestError> {
        let index = client.request(Method::GET, "api-docs/resources.json", None).await?;
        let mut whole = Self::default();
        for resource in resources(&index) {
            whole.operations.extend(Self::of(client, resource).await?.operations);
        }
        Ok(whole)
    }

    /// Reads the description of one resource, such as `channels`.
    ///
    /// # Errors
    /// As for any operation; refused with 404 when there is no such resource.
    pub async fn of(client: &Client, resource: &str) -> Result<Self, RequestError> {
        let path = format!("api-docs/{}.json", crate::url::encoded(resource));
        Ok(Self::read(client.request(Method::GET, &path, None).await?))
    }

    /// Reads a resource's page. What does not have the expected shape is left out.
    pub fn read(page: Value) -> Self {
        let page: Page = serde_json::from_value(page).unwrap_or_default();
        let operations = page.apis.into_iter().flat_map(|api| {
            let path = api.path;
            api.operations.into_iter().filter_map(move |operation| operation.at(&path))
        });
        Self { operations: operations.collect() }
    }

    /// All operations, resource by resource.
    pub fn operations(&self) -> &[DescribedOperation] {
        &self.operations
    }

    /// Whether an operation is there, by its path with names in braces.
    pub fn has(&self, method: &str, path: &str) -> bool {
        self.operations.iter().any(|operation| operation.method == method && operation.path == path)
    }

    /// The operation that a request means, its path written with ids and without the leading slash.
    pub fn find(&self, method: &Method, path: &str) -> Option<&DescribedOperation> {
        let mut candidates = self.at(path).filter(|operation| operation.method == *method);
        // "channels/create" is a word of the API, although it could be an id.
        let first = candidates.next()?;
        Some(
            candidates
                .fold(first, |best, other| if other.ids() < best.ids() { other } else { best }),
        )
    }

    /// The operations on a path written with ids, whatever their method.
    pub fn at(&self, path: &str) -> impl Iterator<Item = &DescribedOperation> {
        self.operations.iter().filter(move |operation| operation.matches(path))
    }
}

impl DescribedOperation {
    /// The parts of the path.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.path.trim_start_matches('/').split('/')
    }

    fn matches(&self, path: &str) -> bool {
        let mut given = path.trim_start_matches('/').split('/');
        let all = self.segments().all(|segment| {
            given
                .next()
                .is_some_and(|given| segment == given || (is_id(segment) && !given.is_empty()))
        });
        all && given.next().is_none()
    }

    fn ids(&self) -> usize {
        self.segments().filter(|segment| is_id(segment)).count()
    }
}

/// Whether a part of a described path stands for an id.
pub fn is_id(segment: &str) -> bool {
    segment.starts_with('{') && segment.ends_with('}')
}

/// The resources that the index names. The names come from the server and become paths of ours, so only plain words pass.
fn resources(index: &Value) -> Vec<&str> {
    let apis = index["apis"].as_array().into_iter().flatten();
    apis.filter_map(|api| {
        let name = api["path"].as_str()?.strip_prefix("/api-docs/")?.strip_suffix(".{format}")?;
        name.chars().all(|c| c.is_ascii_alphanumeric()).then_some(name)
    })
    .collect()
}

#[derive(Default, Deserialize)]
struct Page {
    #[serde(default)]
    apis: Vec<PageApi>,
}

#[derive(Deserialize)]
struct PageApi {
    path: String,
    #[serde(default)]
    operations: Vec<PageOperation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageOperation {
    http_method: String,
    #[serde(default)]
    nickname: String,
    #[serde(default)]
    summary: String,
    #[serde(default)]
    parameters: Vec<PageParameter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageParameter {
    name: String,
    #[serde(default)]
    param_type: String,
    #[serde(default)]
    data_type: String,
    #[serde(default)]
    required: bool,
}

impl PageOperation {
    fn at(self, path: &str) -> Option<DescribedOperation> {
        Some(DescribedOperation {
            method: self.http_method.parse().ok()?,
            path: path.to_owned(),
            name: self.nickname,
            summary: self.summary,
            parameters: self.parameters.into_iter().map(PageParameter::read).collect(),
        })
    }
}

impl PageParameter {
    fn read(self) -> DescribedParameter {
        let place = match (self.param_type.as_str(), self.data_type.as_str()) {
            ("path", _) => Place::Path,
            ("body", "object") => Place::WholeBody,
            ("body", _) => Place::Body,
            _ => Place::Query,
        };
        let kind = match self.data_type.as_str() {
            "int" | "long" => Kind::Integer,
            "boolean" => Kind::Boolean,
            "containers" | "object" => Kind::Object,
            _ => Kind::Text,
        };
        DescribedParameter { name: self.name, place, kind, required: self.required }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A page in the shape that Asterisk serves, with words of our own.
    fn channels() -> Description {
        Description::read(json!({ "apis": [
            { "path": "/channels", "operations": [
                { "httpMethod": "GET", "nickname": "list", "summary": "All of them." },
                { "httpMethod": "POST", "nickname": "originate", "parameters": [
                    { "name": "endpoint", "paramType": "query", "dataType": "string", "required": true },
                    { "name": "timeout", "paramType": "query", "dataType": "int" },
                    { "name": "variables", "paramType": "body", "dataType": "containers" },
                ] },
            ] },
            { "path": "/channels/{channelId}", "operations": [{ "httpMethod": "POST", "nickname": "originateWithId" }] },
            { "path": "/channels/create", "operations": [{ "httpMethod": "POST", "nickname": "create" }] },
            { "path": "/channels/{channelId}/answer", "operations": [{ "httpMethod": "POST", "nickname": "answer" }] },
            { "path": "/strange", "operations": [{ "httpMethod": "two words" }] },
        ] }))
    }

    #[test]
    fn operations_are_found_by_paths_with_ids() {
        let description = channels();
        let name =
            |method: Method, path: &str| description.find(&method, path).map(|o| o.name.as_str());
        assert_eq!(name(Method::GET, "channels"), Some("list"));
        assert_eq!(name(Method::POST, "channels/create"), Some("create"), "a word before an id");
        assert_eq!(name(Method::POST, "channels/17.4"), Some("originateWithId"));
        assert_eq!(name(Method::POST, "/channels/17.4/answer"), Some("answer"));
        for path in ["channels/", "channels/17.4/anser", "channels/17.4/answer/now", ""] {
            assert_eq!(name(Method::POST, path), None, "{path}");
        }
        assert!(description.has("POST", "/channels/{channelId}/answer"));
        assert!(!description.has("GET", "/channels/{channelId}/answer"));
        assert_eq!(description.operations().len(), 5, "what is no operation is left out");
    }

    #[test]
    fn parameters_keep_their_type() {
        let description = channels();
        let originate = description.find(&Method::POST, "channels").unwrap();
        let kinds: Vec<_> =
            originate.parameters.iter().map(|p| (p.place, p.kind, p.required)).collect();
        assert_eq!(
            kinds,
            [
                (Place::Query, Kind::Text, true),
                (Place::Query, Kind::Integer, false),
                (Place::Body, Kind::Object, false)
            ]
        );
    }

    #[test]
    fn only_plain_names_become_paths() {
        let index = json!({ "apis": [
            { "path": "/api-docs/channels.{format}" }, { "path": "/api-docs/../secrets.{format}" },
            { "path": "/api-docs/a/b.{format}" }, { "path": "elsewhere" }, {},
        ] });
        assert_eq!(resources(&index), ["channels"]);
        assert!(resources(&json!("no index")).is_empty());
        assert!(Description::read(json!(["no page"])).operations().is_empty());
    }
}
