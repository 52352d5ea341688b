//! Below which release of each line Asterisk has holes that are known.

use super::version::{Stage, Version};

/// How safe a release is to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// At or above the floor of its line.
    Sound,
    /// Below the floor: it has holes that are published and mended.
    BelowFloor {
        /// The release of its line that mends them.
        floor: Version,
    },
    /// Nobody mends its line any more.
    EndOfLife,
    /// A line that is younger than this crate.
    Untold,
}

/// What a release below its floor lets others do, as far as ARI is concerned.
pub const BELOW_FLOOR: &str = "a read-only ARI user can write through the event socket (GHSA-wcvv-g26m-wx5c), \
     and a variable can run dangerous functions such as FILE() (GHSA-vrfp-mg3q-3959)";

/// The line to go to from one that has ended.
pub const GO_TO: u16 = 22;

/// The floors, of 2026-07.
const FLOORS: [Version; 5] = [
    Version::new(20, 20, 1),
    Version::new(22, 10, 1),
    Version::new(23, 4, 1),
    Version { line: 20, minor: 7, patch: 0, stage: Stage::Certified(11) },
    Version { line: 22, minor: 8, patch: 0, stage: Stage::Certified(3) },
];

impl Version {
    /// How safe this release is to run.
    pub fn standing(self) -> Standing {
        let same_track = |floor: &&Version| {
            floor.line == self.line
                && matches!(floor.stage, Stage::Certified(_))
                    == matches!(self.stage, Stage::Certified(_))
        };
        match FLOORS.iter().find(same_track) {
            Some(floor) if self >= *floor => Standing::Sound,
            Some(floor) => Standing::BelowFloor { floor: *floor },
            None if self.line > 23 => Standing::Untold,
            None => Standing::EndOfLife,
        }
    }

    /// The lowest release of a line that is safe to run, where the line is still mended.
    pub fn floor(line: u16) -> Option<Self> {
        FLOORS.into_iter().find(|floor| floor.line == line && floor.stage == Stage::Release)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_has_its_own_floor() {
        let below =
            |line, minor, patch| Standing::BelowFloor { floor: Version::new(line, minor, patch) };
        for (version, standing) in [
            ("22.9.0", below(22, 10, 1)),
            ("22.10.0", below(22, 10, 1)),
            ("22.10.1", Standing::Sound),
            ("22.10.1+dfsg+~cs6.17-1", Standing::Sound),
            ("22.11.0-rc1", Standing::Sound),
            ("20.20.0", below(20, 20, 1)),
            ("20.20.1", Standing::Sound),
            ("23.4.0", below(23, 4, 1)),
            ("23.5.0", Standing::Sound),
            ("18.26.4", Standing::EndOfLife),
            ("21.12.3", Standing::EndOfLife),
            ("19.8.1", Standing::EndOfLife),
            ("16.30.0", Standing::EndOfLife),
            ("certified-18.9-cert17", Standing::EndOfLife),
            ("certified-22.8-cert3", Standing::Sound),
            ("24.0.0-rc1", Standing::Untold),
        ] {
            assert_eq!(version.parse::<Version>().unwrap().standing(), standing, "{version}");
        }
        let certified: Version = "certified-20.7-cert10".parse().unwrap();
        let Standing::BelowFloor { floor } = certified.standing() else { panic!("it has holes") };
        assert_eq!(floor.to_string(), "certified-20.7-cert11");
    }

    #[test]
    fn the_line_to_go_to_is_mended() {
        assert!(Version::floor(GO_TO).is_some_and(|floor| floor.standing() == Standing::Sound));
        assert_eq!(Version::floor(21), None);
    }
}
