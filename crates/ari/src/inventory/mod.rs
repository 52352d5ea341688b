//! What ARI has, as facts: every operation with its parameters, every object and event with its fields, and in which
//! release each came.
//!
//! The facts are those by which a running Asterisk 22.10 describes itself, and stand in three files of text in
//! `inventory/`, one row a line. Tests hold this crate to them; a program may use them to complete a path, or to know
//! what another Asterisk lacks.

#[cfg(test)]
pub(crate) mod sample;

use std::sync::LazyLock;

/// Every operation, by resource.
pub fn operations() -> &'static [Operation] {
    static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(|| {
        let rows = groups(include_str!("../../inventory/operations.txt"));
        rows.map(|(head, rows)| Operation::read(head, &rows)).collect()
    });
    &OPERATIONS
}

/// Every object that is no event, by name.
pub fn models() -> &'static [Model] {
    static MODELS: LazyLock<Vec<Model>> =
        LazyLock::new(|| Model::read_all(include_str!("../../inventory/models.txt")));
    &MODELS
}

/// Every event, by name, with the fields that it does not share with all: `Message` and `Event` among the
/// [`models`] have those.
pub fn events() -> &'static [Model] {
    static EVENTS: LazyLock<Vec<Model>> =
        LazyLock::new(|| Model::read_all(include_str!("../../inventory/events.txt")));
    &EVENTS
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The resource that it belongs to, such as `channels`.
    pub resource: &'static str,
    /// Asterisk's name for it, unique within its resource, such as `originateWithId`.
    pub name: &'static str,
    /// HTTP method.
    pub method: &'static str,
    /// Path with its variable segments in braces, such as `/channels/{channelId}/play`.
    pub path: &'static str,
    /// What the reply holds: a model, `List[…]` of one, `void` or `binary`.
    pub reply: &'static str,
    /// Statuses of refusals that are described; others occur.
    pub refusals: Vec<u16>,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
    /// Where it is to be had.
    pub since: Since,
}

/// One parameter of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Where it stands.
    pub place: Place,
    /// Whether it may be given several times, in the query with commas between or in a JSON body as an array.
    pub several: bool,
    /// Name, type and words.
    pub field: Field,
}

/// Where a parameter is described to stand. Asterisk takes those of the query out of a JSON body too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In braces in the path.
    Path,
    /// In the query.
    Query,
    /// In a JSON body, and nowhere else.
    Body,
}

/// One object or event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Asterisk's name for it.
    pub name: &'static str,
    /// Its fields.
    pub fields: Vec<Field>,
    /// Where it is to be had.
    pub since: Since,
}

/// A field of an object, or the value of a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Asterisk's type, such as `string`, `List[string]` or a model's name.
    pub kind: &'static str,
    /// Whether it is described as always there. The server leaves some out all the same.
    pub required: bool,
    /// The words that it may be; none where it may be any. The server has more words for some.
    pub words: Vec<&'static str>,
    /// Where it is to be had.
    pub since: Since,
}

/// The first release that has something, in each line of releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// It is older than the lines listed here.
    Always,
    /// By line, in the order of [`Since::LINES`]; `-` where no release of the line has it.
    First([&'static str; 5]),
}

impl Since {
    /// The lines of releases that are told apart. Features came to several at once, so a version tells nothing
    /// without its line.
    pub const LINES: [u16; 5] = [18, 20, 21, 22, 23];

    /// The first minor release of the line that has it; `None` where none has, or the line is not listed.
    pub fn minor(self, line: u16) -> Option<u16> {
        let place = Self::LINES.iter().position(|listed| *listed == line)?;
        match self {
            Self::Always => Some(0),
            Self::First(releases) => releases[place].split_once('.')?.1.parse().ok(),
        }
    }
}

/// A row that is not indented and the indented ones that follow it.
fn groups(text: &'static str) -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    let mut lines = text.lines().filter(|line| !line.starts_with('#')).peekable();
    std::iter::from_fn(move || {
        let head = lines.next()?;
        let mut rows = Vec::new();
        while let Some(row) = lines.next_if(|line| line.starts_with(' ')) {
            rows.push(row);
        }
        Some((head, rows))
    })
}

impl Operation {
    fn read(head: &'static str, rows: &[&'static str]) -> Self {
        let (head, since) = Since::split(head);
        let [method, path, name, reply, refusals] = words(head);
        let (resource, name) = name.split_once('.').expect("a name is resource.name");
        let refusals = refusals.split(',').filter_map(|status| status.parse().ok()).collect();
        let parameters = rows.iter().map(|row| Parameter::read(row)).collect();
        Self { resource, name, method, path, reply, refusals, parameters, since }
    }
}

impl Parameter {
    fn read(row: &'static str) -> Self {
        let (place, rest) = row.trim_start().split_once(' ').expect("a place stands first");
        let place = match place {
            "path" => Place::Path,
            "query" => Place::Query,
            "body" => Place::Body,
            other => unreachable!("{other} is no place"),
        };
        let mut field = Field::read(rest);
        let single = field.kind.strip_suffix('*');
        let several = single.is_some();
        field.kind = single.unwrap_or(field.kind);
        Self { place, several, field }
    }
}

impl Model {
    fn read_all(text: &'static str) -> Vec<Self> {
        let rows = groups(text);
        rows.map(|(head, rows)| {
            let (name, since) = Since::split(head);
            Self { name, fields: rows.iter().map(|row| Field::read(row)).collect(), since }
        })
        .collect()
    }
}

impl Field {
    fn read(row: &'static str) -> Self {
        let (row, since) = Since::split(row.trim_start());
        let (row, listed) = match row.split_once(" [") {
            Some((row, listed)) => (row, listed.trim_end_matches(']').split('|').collect()),
            None => (row, Vec::new()),
        };
        let [name, kind] = words(row);
        let required = kind.ends_with('!');
        Self { name, kind: kind.trim_end_matches('!'), required, words: listed, since }
    }
}

impl Since {
    fn split(row: &'static str) -> (&'static str, Self) {
        match row.split_once(" since ") {
            Some((row, releases)) => (row, Self::First(words(releases))),
            None => (row, Self::Always),
        }
    }
}

fn words<const N: usize>(row: &'static str) -> [&'static str; N] {
    let words: Vec<_> = row.split(' ').collect();
    words.try_into().unwrap_or_else(|words| panic!("{words:?} should be {N} words"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_in_full() {
        let originate = operations().iter().find(|row| row.name == "originateWithId").unwrap();
        assert_eq!((originate.method, originate.path), ("POST", "/channels/{channelId}"));
        assert_eq!((originate.reply, &*originate.refusals), ("Channel", &[400, 409][..]));
        let endpoint = originate.parameters.iter().find(|p| p.field.name == "endpoint").unwrap();
        assert_eq!((endpoint.place, endpoint.field.required), (Place::Query, true));
        let state = &models().iter().find(|row| row.name == "Channel").unwrap().fields[3];
        assert_eq!((state.name, state.kind, state.words.len()), ("state", "string", 11));
        assert!(state.words.contains(&"Dialing Offhook"));
    }

    #[test]
    fn each_line_has_as_much_as_was_counted_in_its_last_release() {
        let in_line = |line| {
            let had = |since: Since| since.minor(line).is_some();
            (
                operations().iter().filter(|row| had(row.since)).count(),
                events().iter().filter(|row| had(row.since)).count(),
            )
        };
        let counted = [(100, 38), (109, 44), (102, 42), (109, 45), (109, 45)];
        assert_eq!(Since::LINES.map(in_line), counted);
        assert_eq!(models().len() + events().len(), 85);
    }
}
