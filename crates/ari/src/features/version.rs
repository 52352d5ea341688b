//! Asterisk's version, as its many distributors write it.

use std::fmt;
use std::str::FromStr;

/// A release of Asterisk. Releases of one line are in the order in which they appeared; releases of two lines are not:
/// 20.20 is younger than 22.9.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Release line: 18, 20, 21, 22, 23...
    pub line: u16,
    /// Which release of the line. New features come with it, in long-term support lines too.
    pub minor: u16,
    /// Which repair of that release.
    pub patch: u16,
    /// Test, release, or certified.
    pub stage: Stage,
}

/// What kind of release it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// A release candidate, such as `22.11.0-rc1`.
    Candidate(u16),
    /// A release.
    Release,
    /// A certified release, such as `certified-20.7-cert11`: an old minor release with repairs of later ones.
    Certified(u16),
}

/// The text does not say which release it is; a build from a repository (`GIT-22-6f5c3M`) is named so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no release of Asterisk such as 22.10.1")]
pub struct VersionError(pub String);

impl Version {
    /// A release.
    pub const fn new(line: u16, minor: u16, patch: u16) -> Self {
        Self { line, minor, patch, stage: Stage::Release }
    }

    /// The first release candidate of a minor release.
    pub(super) const fn first_candidate(line: u16, minor: u16) -> Self {
        Self { line, minor, patch: 0, stage: Stage::Candidate(1) }
    }
}

impl FromStr for Version {
    type Err = VersionError;

    /// Reads `22.10.1`, `22.11.0-rc1`, `certified-20.7-cert11`, `certified/18.9-cert13`, and what distributions make
    /// of them, such as `22.10.1+dfsg+~cs6.17.60671434-1` and `20.9.2~dfsg-1build2`.
    fn from_str(text: &str) -> Result<Self, VersionError> {
        let rest = text.trim();
        let rest = rest.strip_prefix("Asterisk ").unwrap_or(rest);
        let rest = rest.strip_prefix("certified").unwrap_or(rest).trim_start_matches(['-', '/']);
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (numbers, suffix) = rest.split_at(end);
        let numbers: Option<Vec<u16>> = numbers
            .trim_end_matches('.')
            .split('.')
            .take(3)
            .map(|number| number.parse().ok())
            .collect();
        let (line, minor, patch) = match numbers.as_deref() {
            Some(&[line, minor]) => (line, minor, 0),
            Some(&[line, minor, patch]) => (line, minor, patch),
            _ => return Err(VersionError(text.to_owned())),
        };
        let stage = match (numbered(suffix, "rc"), numbered(suffix, "cert")) {
            (Some(number), _) => Stage::Candidate(number),
            (None, Some(number)) => Stage::Certified(number),
            (None, None) => Stage::Release,
        };
        Ok(Self { line, minor, patch, stage })
    }
}

/// The number in a suffix such as `-rc1` or `~rc1~dfsg`.
fn numbered(suffix: &str, word: &str) -> Option<u16> {
    let rest = suffix.strip_prefix(['-', '~', '_'])?.strip_prefix(word)?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, minor, patch, stage } = self;
        match stage {
            Stage::Candidate(number) => write!(f, "{line}.{minor}.{patch}-rc{number}"),
            Stage::Release => write!(f, "{line}.{minor}.{patch}"),
            Stage::Certified(number) => write!(f, "certified-{line}.{minor}-cert{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> String {
        text.parse::<Version>()
            .map_or_else(|error| error.to_string(), |version| version.to_string())
    }

    #[test]
    fn releases_are_read_as_distributors_write_them() {
        for (text, version) in [
            ("22.10.1", "22.10.1"),
            ("Asterisk 20.20.1", "20.20.1"),
            ("22.10.1+dfsg+~cs6.17.60671434-1", "22.10.1"),
            ("22.10.1~dfsg+~cs6.17.60671434-1", "22.10.1"),
            ("20.9.2~dfsg-1build2", "20.9.2"),
            ("18.26.4-1.fc41", "18.26.4"),
            ("23.4", "23.4.0"),
            ("22.11.0-rc1", "22.11.0-rc1"),
            ("22.11.0~rc2~dfsg-1", "22.11.0-rc2"),
            ("certified-20.7-cert11", "certified-20.7-cert11"),
            ("certified/18.9-cert13", "certified-18.9-cert13"),
            ("20.7-cert4", "certified-20.7-cert4"),
            (" 21.12.3 \n", "21.12.3"),
        ] {
            assert_eq!(parsed(text), version, "{text}");
        }
    }

    #[test]
    fn what_is_no_release_is_refused() {
        for text in [
            "",
            "GIT-22-6f5c3M",
            "GIT-master-1234",
            "SVN-trunk-r1",
            "22",
            "22.",
            "22.x",
            "1.99999999",
            "UNKNOWN__and_probably_unsupported",
            "certified",
            "certified-",
        ] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_candidate_comes_before_its_release_and_repairs_after() {
        let versions =
            ["22.9.0", "22.10.0-rc1", "22.10.0-rc2", "22.10.0", "22.10.1", "22.11.0-rc1"];
        let versions = versions.map(|text| text.parse::<Version>().unwrap());
        assert!(versions.is_sorted(), "{versions:?}");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(Asterisk )?(certified)?\\PC*") {
            let _ = text.parse::<Version>();
        }

        #[test]
        fn printing_and_reading_agree(line in 1u16.., minor in 0u16.., number in 0u16..) {
            for stage in [Stage::Candidate(number), Stage::Release, Stage::Certified(number)] {
                let version = Version { line, minor, patch: 0, stage };
                prop_assert_eq!(version.to_string().parse::<Version>(), Ok(version));
            }
        }
    }
}
