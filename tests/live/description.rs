//! A running Asterisk describes itself; the inventory of `ari` says the same.

use std::collections::BTreeSet;

use ari::inventory::{self, Field, Model, Place};
use ari::{Client, Config, Method};
use serde_json::Value;
use tests::asterisk::Asterisk;

use crate::unless_skipped;

#[test]
fn asterisk_describes_what_the_inventory_lists() {
    let Some(asterisk) = unless_skipped(Asterisk::start()) else { return };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let described = runtime.block_on(described(&asterisk));
    let listed = listed();
    let only_described = described.difference(&listed).map(|row| format!("only Asterisk: {row}"));
    let only_listed = listed.difference(&described).map(|row| format!("only the inventory: {row}"));
    let differences: Vec<_> = only_described.chain(only_listed).collect();
    println!("{} facts, {} differences", listed.len(), differences.len());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// The facts of the inventory, one a row.
fn listed() -> BTreeSet<String> {
    let mut rows = BTreeSet::new();
    for operation in inventory::operations() {
        let name = format!("{}.{}", operation.resource, operation.name);
        let (method, path, reply) = (operation.method, operation.path, operation.reply);
        rows.insert(format!("{name}: {method} {path} {reply} {:?}", operation.refusals));
        for parameter in &operation.parameters {
            let place = match parameter.place {
                Place::Path => "path",
                Place::Query => "query",
                Place::Body => "body",
            };
            let several = if parameter.several { " several" } else { "" };
            rows.insert(format!("{name}: {place}{several} {}", fact(&parameter.field)));
        }
    }
    rows.extend(inventory::events().iter().map(|event| format!("event {}", event.name)));
    rows.extend(inventory::models().iter().chain(inventory::events()).flat_map(model_rows));
    rows
}

fn model_rows(model: &Model) -> Vec<String> {
    let name = model.name;
    let fields = model.fields.iter().map(|field| format!("{name}: {}", fact(field)));
    std::iter::once(format!("model {name}")).chain(fields).collect()
}

fn fact(field: &Field) -> String {
    let required = if field.required { " required" } else { "" };
    format!("{} {}{required} {:?}", field.name, field.kind, field.words)
}

/// The facts of a running Asterisk, in the same form.
async fn described(asterisk: &Asterisk) -> BTreeSet<String> {
    let config =
        Config::new(&asterisk.ari_url(), asterisk.username(), asterisk.password(), "description")
            .expect("well formed");
    let (client, _arrivals) = Client::connect(config).await.expect("Asterisk listens");
    let mut rows = BTreeSet::new();
    let listing = document(&client, "resources").await;
    for resource in list(&listing["apis"]) {
        let path = text(&resource["path"]);
        let resource = path.trim_start_matches("/api-docs/").trim_end_matches(".{format}");
        let description = document(&client, resource).await;
        for api in list(&description["apis"]) {
            for operation in list(&api["operations"]) {
                rows.extend(operation_rows(resource, text(&api["path"]), operation));
            }
        }
        for (name, model) in description["models"].as_object().into_iter().flatten() {
            rows.insert(format!("model {name}"));
            for (field, described) in model["properties"].as_object().expect("fields") {
                rows.insert(format!("{name}: {}", described_fact(field, "type", described)));
            }
            if name == "Event" {
                let kinds = list(&model["subTypes"]).iter().map(text);
                rows.extend(kinds.map(|kind| format!("event {kind}")));
            }
        }
    }
    rows
}

fn operation_rows(resource: &str, path: &str, operation: &Value) -> Vec<String> {
    let name = format!("{resource}.{}", text(&operation["nickname"]));
    let mut refusals: Vec<u16> = list(&operation["errorResponses"])
        .iter()
        // Some are described as text.
        .map(|error| error["code"].to_string().trim_matches('"').parse().expect("a status"))
        .collect();
    refusals.sort_unstable();
    refusals.dedup();
    let (method, reply) = (text(&operation["httpMethod"]), text(&operation["responseClass"]));
    let mut rows = vec![format!("{name}: {method} {path} {reply} {refusals:?}")];
    for parameter in list(&operation["parameters"]) {
        let several = if parameter["allowMultiple"] == true { " several" } else { "" };
        let fact = described_fact(text(&parameter["name"]), "dataType", parameter);
        rows.push(format!("{name}: {}{several} {fact}", text(&parameter["paramType"])));
    }
    rows
}

fn described_fact(name: &str, kind: &str, described: &Value) -> String {
    let required = if described["required"] == true { " required" } else { "" };
    let words: Vec<_> = list(&described["allowableValues"]["values"]).iter().map(text).collect();
    format!("{name} {}{required} {words:?}", text(&described[kind]))
}

async fn document(client: &Client, name: &str) -> Value {
    let path = format!("api-docs/{name}.json");
    client.request(Method::GET, &path, None).await.unwrap_or_else(|error| panic!("{error}"))
}

/// The items of a list, which may be absent.
fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} should be text"))
}
