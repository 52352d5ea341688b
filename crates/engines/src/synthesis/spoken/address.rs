//! Addresses of the web and of mail, as they are said.

use super::number::digits;

/// A name that ends in one of these is an address without further marks; others need `www.`, `https://` or an `@`.
const ENDINGS: [&str; 12] =
    ["com", "org", "net", "edu", "gov", "info", "io", "eu", "uk", "de", "us", "ca"];

/// `www.example.com`, `https://example.com/help`, `info@example.com`.
pub(super) fn address(token: &str) -> Option<String> {
    let bare = token.strip_prefix("https://").or_else(|| token.strip_prefix("http://"));
    let marked = bare.is_some() || token.starts_with("www.") || token.contains('@');
    let text = bare.unwrap_or(token).trim_end_matches('/');
    let host = text.split('/').next()?.rsplit('@').next()?;
    let labels: Vec<&str> = host.split('.').collect();
    let name = |label: &&str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    if labels.len() < 2 || !labels.iter().all(name) || !text.is_ascii() {
        return None;
    }
    if !marked && !ENDINGS.contains(labels.last()?) {
        return None;
    }
    let said = text.replace("www.", "w w w.");
    let mut words = String::new();
    for c in said.chars() {
        match c {
            '.' => words.push_str(" dot "),
            '@' => words.push_str(" at "),
            '/' => words.push_str(" slash "),
            '-' => words.push_str(" dash "),
            '_' => words.push_str(" underscore "),
            c if c.is_ascii_digit() => words.push_str(&format!(" {} ", digits(&c.to_string()))),
            c if c.is_ascii_alphabetic() || c == ' ' => words.push(c),
            // What follows is for machines.
            '?' | '#' => break,
            _ => words.push(' '),
        }
    }
    Some(words.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_words() {
        for (text, said) in [
            ("www.example.com", Some("w w w dot example dot com")),
            ("https://example.com/help/?a=1", Some("example dot com slash help slash")),
            ("http://pbx.local/", Some("pbx dot local")),
            (
                "jo_ann-2@mail.example.org",
                Some("jo underscore ann dash two at mail dot example dot org"),
            ),
            ("example.co.uk", Some("example dot co dot uk")),
            ("e.g", None),
            ("end.Then", None),
            ("3.14", None),
            ("@home", None),
            ("https://", None),
            ("münchen.de", None),
        ] {
            assert_eq!(address(text).as_deref(), said, "{text}");
        }
    }
}
