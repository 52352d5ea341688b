//! How the tables came to be what they are, step by step. A step that has been released is never edited.

/// One step.
pub(crate) struct Migration {
    /// 1, 2, 3...
    pub(crate) version: i64,
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
}

pub(crate) const SQLITE: &[Migration] = &[Migration {
    version: 1,
    name: "first",
    sql: include_str!("../migrations/sqlite/0001_first.sql"),
}];

pub(crate) const POSTGRES: &[Migration] = &[Migration {
    version: 1,
    name: "first",
    sql: include_str!("../migrations/postgres/0001_first.sql"),
}];

/// What is to be done to tables of version `found` (0: there are none yet).
pub(crate) fn missing(
    steps: &'static [Migration],
    found: i64,
) -> Result<&'static [Migration], TooNew> {
    let done = usize::try_from(found).unwrap_or(0);
    steps.get(done..).ok_or(TooNew { found, known: steps.len() as i64 })
}

/// The tables are of a newer program.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TooNew {
    pub(crate) found: i64,
    pub(crate) known: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_numbered_without_gaps_and_are_as_many_in_both() {
        assert_eq!(SQLITE.len(), POSTGRES.len());
        for steps in [SQLITE, POSTGRES] {
            assert!(steps.iter().zip(1..).all(|(step, number)| step.version == number));
        }
    }
}
