//! Files of phrases: a JSON object a line.

use std::path::Path;

use serde::Deserialize;

/// A phrase and what it means.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Row {
    pub(super) text: String,
    #[serde(default)]
    pub(super) intent: String,
}

/// The rows of a file. An error names the file, the line and the mend.
pub(super) fn read(path: &Path) -> Result<Vec<Row>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        format!(
            "cannot read {}: {error}\n  mend: name a file with a JSON object a line",
            path.display()
        )
    })?;
    parse(&text).map_err(|(line, detail)| {
        format!(
            "{}:{line}: {detail}\n  mend: write the line as {{\"text\": \"what a caller says\", \"intent\": \"its_name\"}}",
            path.display()
        )
    })
}

/// The rows of a text, or the number of a line with what is wrong with it.
fn parse(text: &str) -> Result<Vec<Row>, (usize, String)> {
    let mut rows = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        rows.push(serde_json::from_str(line).map_err(|error| (at + 1, error.to_string()))?);
    }
    match rows.is_empty() {
        true => Err((1, "the file holds no phrase".to_owned())),
        false => Ok(rows),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_and_empty_lines_left_out() {
        let rows = parse("{\"text\":\"a\",\"intent\":\"b\",\"more\":1}\n\n{\"text\":\"c\"}\n")
            .expect("rows");
        let row = |text: &str, intent: &str| Row { text: text.into(), intent: intent.into() };
        assert_eq!(rows, [row("a", "b"), row("c", "")]);
    }

    #[test]
    fn a_bad_row_is_named_by_its_line() {
        let (line, detail) = parse("{\"text\":\"a\"}\n{\"txet\":\"b\"}").expect_err("a mistake");
        assert!(line == 2 && detail.contains("text"), "{line}: {detail}");
        assert_eq!(parse("not json").expect_err("a mistake").0, 1);
        assert!(parse("\n").expect_err("a mistake").1.contains("no phrase"));
        let missing = read(Path::new("/nowhere.jsonl")).expect_err("a mistake");
        assert!(missing.contains("/nowhere.jsonl") && missing.contains("mend"));
    }
}
