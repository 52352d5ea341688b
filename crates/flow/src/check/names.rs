//! Which names there are.

use crate::document::Document;
use crate::finding::nearest;

/// What is known of every call.
pub(crate) const ALWAYS: [&str; 14] = [
    "caller.number",
    "caller.name",
    "call.number",
    "call.language",
    "call.wish",
    "call.answer",
    "call.destination",
    "call.holiday",
    "clock.year",
    "clock.month",
    "clock.hour",
    "clock.weekday",
    "clock.date",
    "clock.time",
];

/// What is wrong with a name that can hold nothing, whatever the call does, and the mend.
pub(super) fn unknown(document: &Document, name: &str) -> Option<(String, String)> {
    let cause = format!("there is no name \"{name}\"");
    let Some((kind, rest)) = name.split_once('.') else {
        let known = ALWAYS
            .into_iter()
            .filter_map(|known| known.split_once('.')?.1.eq(name).then_some(known));
        let mend = known.into_iter().next().map_or_else(
            || {
                format!(
                    "write \"slots.{name}\" or \"vars.{name}\", or quotes around it if it is a text"
                )
            },
            |known| format!("did you mean \"{known}\"?"),
        );
        return Some((cause, mend));
    };
    if ALWAYS.contains(&name) || document.needs.iter().any(|need| need == name) {
        return None;
    }
    let same_kind =
        ALWAYS.into_iter().filter_map(|known| known.strip_prefix(kind)?.strip_prefix('.'));
    let near = match nearest(rest, same_kind) {
        Some(near) => Some(format!("{kind}.{near}")),
        None if ["caller", "call", "clock"].contains(&kind) => None,
        None => nearest(name, ALWAYS).map(str::to_owned),
    };
    match kind {
        "slots" | "vars" if !rest.contains('.') => None,
        "slots" | "vars" => Some((cause, format!("write two parts only, such as \"{kind}.tier\""))),
        "lookup" => {
            let (lookup, field) = rest.split_once('.').unwrap_or((rest, ""));
            let Some(found) = document.lookup.get(lookup) else {
                let known = document.lookup.keys().map(String::as_str);
                let mend = nearest(lookup, known).map_or_else(
                    || format!("add a table [lookup.{lookup}]"),
                    |near| format!("did you mean \"lookup.{near}.{field}\"?"),
                );
                return Some((cause, mend));
            };
            let known = || found.fields.keys().map(String::as_str);
            let mend = match nearest(field, known()) {
                Some(near) => format!("did you mean \"lookup.{lookup}.{near}\"?"),
                None => format!(
                    "add it to the fields of [lookup.{lookup}], such as {{ tier = \"/customer/tier\" }}"
                ),
            };
            (!found.fields.contains_key(field)).then_some((cause, mend))
        }
        "caller" if near.is_none() => {
            let mend =
                format!("if the one who starts the flow knows it, write needs = [\"{name}\"]");
            Some((cause, mend))
        }
        _ => {
            let mend = near.map_or_else(
                || match kind {
                    "call" | "clock" => {
                        let known = ALWAYS.into_iter().filter(|known| known.starts_with(kind));
                        let known = known.filter(|known| known[kind.len()..].starts_with('.'));
                        format!("use one of: {}", known.collect::<Vec<_>>().join(", "))
                    }
                    _ => "names begin with slots., vars., lookup., caller., call. or clock."
                        .to_owned(),
                },
                |near| format!("did you mean \"{near}\"?"),
            );
            Some((cause, mend))
        }
    }
}
