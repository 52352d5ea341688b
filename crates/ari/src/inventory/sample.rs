//! Objects and events with every field that the inventory lists, for tests.

use serde_json::{Map, Value, json};

use super::{Field, Model, models};

/// An object of that name with all its fields.
pub(crate) fn object(name: &str) -> Value {
    let model = models().iter().find(|model| model.name == name);
    fields(model.unwrap_or_else(|| panic!("{name} is no model")))
}

/// An event with all its fields, those of all events included.
pub(crate) fn event(event: &Model) -> Value {
    let mut all = Map::new();
    for part in [&object("Message"), &object("Event"), &fields(event)] {
        all.extend(part.as_object().unwrap().clone());
    }
    all.insert("type".into(), event.name.into());
    Value::Object(all)
}

/// A value of one of Asterisk's types.
pub(crate) fn value(kind: &str, name: &str, words: &[&str]) -> Value {
    if let Some(inner) = kind.strip_prefix("List[").and_then(|kind| kind.strip_suffix(']')) {
        return json!([value(inner, name, words)]);
    }
    match kind {
        // The server's own words for times are those of Date, whatever the description says.
        "string" if name.ends_with("timestamp") => json!(DATE),
        "string" => {
            json!(words.first().map_or_else(|| format!("some {name}"), |w| (*w).to_owned()))
        }
        "Date" => json!(DATE),
        "int" | "long" if name.ends_with("ssrc") => json!(u32::MAX),
        "int" | "long" => json!(42),
        "double" => json!(0.25),
        "boolean" => json!(true),
        "object" => json!({ "key": "value" }),
        model => object(model),
    }
}

fn fields(model: &Model) -> Value {
    let value =
        |field: &Field| (field.name.to_owned(), value(field.kind, field.name, &field.words));
    model.fields.iter().map(value).collect()
}

const DATE: &str = "2025-03-17T08:32:35.709-0600";
