//! From `name=value` on a command line to what Asterisk takes: it passes over a parameter of the wrong type without a word.

use ari::Method;
use ari::features::{DescribedOperation, DescribedParameter, Kind, Place};
use serde_json::{Map, Value};

use super::encoded;
use crate::command::nearest::nearest;

/// What was written on the command line.
#[derive(Debug, PartialEq)]
pub(super) struct Parameters(Vec<Parameter>);

#[derive(Debug, PartialEq)]
struct Parameter {
    name: String,
    value: Written,
}

#[derive(Debug, PartialEq)]
enum Written {
    /// `name=value`: of the type that the operation wants.
    Text(String),
    /// `name:=JSON`: as it is, whether the operation knows it or not.
    Json(Value),
}

/// What goes over the wire.
#[derive(Debug, PartialEq)]
pub(super) struct Sent {
    /// With its question mark, or empty.
    pub(super) query: String,
    pub(super) body: Option<Value>,
}

impl Parameters {
    /// Reads the words of a command line.
    pub(super) fn parse(words: &[String]) -> Result<Self, String> {
        words.iter().map(|word| Parameter::parse(word)).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Gives each parameter its type, and refuses those that the operation does not have.
    pub(super) fn sent(
        &self,
        method: &Method,
        operation: Option<&DescribedOperation>,
    ) -> Result<Sent, String> {
        let mut body = Map::new();
        for parameter in &self.0 {
            parameter.put(&mut body, operation)?;
        }
        if self.is_empty() {
            return Ok(Sent { query: String::new(), body: None });
        }
        // Things between us and Asterisk may drop the body of a GET.
        if *method == Method::GET {
            let query: Vec<String> = body.iter().map(|(name, value)| pair(name, value)).collect();
            return Ok(Sent { query: format!("?{}", query.join("&")), body: None });
        }
        Ok(Sent { query: String::new(), body: Some(Value::Object(body)) })
    }
}

impl Parameter {
    fn parse(word: &str) -> Result<Self, String> {
        let wrong = || {
            format!("\"{word}\" is no parameter\n  mend: write it as name=value, or as name:=JSON")
        };
        let (name, text) = word.split_once('=').ok_or_else(wrong)?;
        let (name, value) = match name.strip_suffix(':') {
            None => (name, Written::Text(text.to_owned())),
            Some(name) => {
                let json = serde_json::from_str(text);
                let json = json.map_err(|error| format!("{name}: {text} is not JSON: {error}"))?;
                (name, Written::Json(json))
            }
        };
        if name.is_empty() {
            return Err(wrong());
        }
        Ok(Self { name: name.to_owned(), value })
    }

    fn put(
        &self,
        body: &mut Map<String, Value>,
        operation: Option<&DescribedOperation>,
    ) -> Result<(), String> {
        let parameters = operation.map_or(&[][..], |operation| &operation.parameters);
        let whole = parameters.iter().find(|known| known.place == Place::WholeBody);
        if let Some(whole) = whole.filter(|whole| whole.name == self.name) {
            let Value::Object(object) = self.value.read(whole)? else {
                return Err(format!("{} is an object", self.name));
            };
            body.extend(object);
            return Ok(());
        }
        let text = match &self.value {
            Written::Json(json) => {
                body.insert(self.name.clone(), json.clone());
                return Ok(());
            }
            Written::Text(text) => text,
        };
        let Some(operation) = operation else {
            body.insert(self.name.clone(), text.as_str().into());
            return Ok(());
        };
        let known: Vec<&DescribedParameter> =
            parameters.iter().filter(|known| known.place != Place::Path).collect();
        let find = |name: &str| known.iter().find(|known| known.name == name);
        if let Some(known) = find(&self.name) {
            body.insert(self.name.clone(), typed(known, text)?);
            return Ok(());
        }
        // variables.NAME=value
        if let Some((object, field)) = self.name.split_once('.')
            && find(object).is_some_and(|known| known.kind == Kind::Object)
        {
            let object = body.entry(object).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(object) = object {
                object.insert(field.to_owned(), text.as_str().into());
            }
            return Ok(());
        }
        Err(unknown(&self.name, operation, &known))
    }
}

impl Written {
    fn read(&self, parameter: &DescribedParameter) -> Result<Value, String> {
        match self {
            Self::Json(json) => Ok(json.clone()),
            Self::Text(text) => typed(parameter, text),
        }
    }
}

fn typed(parameter: &DescribedParameter, text: &str) -> Result<Value, String> {
    let name = &parameter.name;
    match parameter.kind {
        Kind::Text => Ok(text.into()),
        Kind::Integer => {
            text.parse::<i64>().map(Value::from).map_err(|_| format!("{name} is a whole number, not \"{text}\""))
        }
        Kind::Boolean => {
            text.parse::<bool>().map(Value::from).map_err(|_| format!("{name} is true or false, not \"{text}\""))
        }
        Kind::Object => serde_json::from_str(text).map_err(|_| {
            format!("{name} is an object\n  mend: write {name}.NAME=value for each of its fields, or {name}:='{{\"NAME\": \"value\"}}'")
        }),
    }
}

/// What to say of a parameter that Asterisk would pass over.
fn unknown(name: &str, operation: &DescribedOperation, known: &[&DescribedParameter]) -> String {
    let path = operation.path.trim_start_matches('/');
    let near = nearest(name, known.iter().map(|known| known.name.as_str()));
    let mend =
        if near.is_empty() { takes(known) } else { format!("did you mean {}?", near.join(" or ")) };
    format!("{} {path} does not know {name}\n  mend: {mend}", operation.method)
}

/// What an operation takes besides the ids in its path, in words.
pub(super) fn takes(known: &[&DescribedParameter]) -> String {
    if known.is_empty() {
        return "it takes no parameters".to_owned();
    }
    let word = |known: &&DescribedParameter| match known.required {
        true => format!("{} (needed)", known.name),
        false => known.name.clone(),
    };
    format!("it takes {}", known.iter().map(word).collect::<Vec<_>>().join(", "))
}

fn pair(name: &str, value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    format!("{}={}", component(name), component(&text))
}

/// One name or value of a query.
fn component(text: &str) -> String {
    encoded(&text.replace('%', "%25")).replace('/', "%2F")
}

#[cfg(test)]
mod tests {
    use ari::features::Description;
    use serde_json::json;

    use super::*;

    fn description() -> Description {
        let parameter = |name: &str, place: &str, kind: &str| json!({ "name": name, "paramType": place, "dataType": kind, "required": name == "endpoint" });
        Description::read(json!({ "apis": [{ "path": "/channels", "operations": [{
            "httpMethod": "POST", "nickname": "originate", "parameters": [
                parameter("endpoint", "query", "string"), parameter("timeout", "query", "int"),
                parameter("mute", "query", "boolean"), parameter("variables", "body", "containers"),
            ],
        }] }] }))
    }

    fn sent(method: &Method, words: &[&str]) -> Result<Sent, String> {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        let description = description();
        Parameters::parse(&words)?.sent(method, description.find(&Method::POST, "channels"))
    }

    fn body(words: &[&str]) -> Result<Value, String> {
        sent(&Method::POST, words).map(|sent| sent.body.unwrap_or_default())
    }

    #[test]
    fn values_get_the_type_that_asterisk_wants() {
        let words =
            ["endpoint=Local/1=2", "timeout=30", "mute=true", "variables.A=1", "variables.B=x y"];
        assert_eq!(
            body(&words),
            Ok(
                json!({ "endpoint": "Local/1=2", "timeout": 30, "mute": true, "variables": { "A": "1", "B": "x y" } })
            )
        );
        let words = [r#"variables:={"A":1}"#, "new:=[1]"];
        assert_eq!(body(&words), Ok(json!({ "variables": { "A": 1 }, "new": [1] })));
        assert_eq!(sent(&Method::POST, &[]), Ok(Sent { query: String::new(), body: None }));
    }

    #[test]
    fn an_object_that_is_the_body_does_not_bear_its_name() {
        let description = Description::read(json!({ "apis": [{ "path": "/x", "operations": [{
            "httpMethod": "PUT", "parameters": [{ "name": "filter", "paramType": "body", "dataType": "object" }],
        }] }] }));
        let operation = description.find(&Method::PUT, "x");
        for word in [r#"filter:={"allowed":[]}"#, r#"filter={"allowed":[]}"#] {
            let parameters = Parameters::parse(&[word.to_owned()]).expect("well formed");
            let sent = parameters.sent(&Method::PUT, operation).expect("well formed");
            assert_eq!(sent.body, Some(json!({ "allowed": [] })), "{word}");
        }
        let number = Parameters::parse(&["filter:=1".to_owned()]).expect("well formed");
        assert!(number.sent(&Method::PUT, operation).is_err());
    }

    #[test]
    fn a_get_has_them_in_its_query() {
        let sent = sent(&Method::GET, &["endpoint=a&b=50%/+", "timeout=3"]).expect("well formed");
        assert_eq!(
            (sent.query.as_str(), sent.body),
            ("?endpoint=a%26b%3D50%25%2F%2B&timeout=3", None)
        );
    }

    #[test]
    fn mistakes_are_told_before_anything_is_sent() {
        for (words, says) in [
            (
                ["endpiont=x"],
                "POST channels does not know endpiont\n  mend: did you mean endpoint?",
            ),
            (["zzz=x"], "mend: it takes endpoint (needed), timeout, mute, variables"),
            (["timeout=soon"], "timeout is a whole number, not \"soon\""),
            (["mute=yes"], "mute is true or false, not \"yes\""),
            (["variables=A"], "variables.NAME=value"),
            (["endpoint.x=A"], "does not know endpoint.x"),
            (["hello"], "write it as name=value"),
            (["=x"], "write it as name=value"),
            (["a:={"], "a: { is not JSON"),
        ] {
            let error = body(&words).expect_err("a mistake");
            assert!(error.contains(says), "{words:?}: {error}");
        }
    }

    #[test]
    fn without_a_description_everything_is_text() {
        let parameters = Parameters::parse(&["timeout=30".to_owned()]).expect("well formed");
        let sent = parameters.sent(&Method::POST, None).expect("well formed");
        assert_eq!(sent.body, Some(json!({ "timeout": "30" })));
    }
}
