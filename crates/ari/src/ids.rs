//! Ids of our own making.
//!
//! Every channel, bridge and playback is named by us before the request that makes it is sent, so its mailbox is
//! registered first and no event can come too early.

use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// A new id such as `media-02k9f0c7x1m3q-1a`: the prefix, 13 characters that tell runs of the program apart, and a
/// counter. Never the same twice, nor after a restart, and at most 28 characters longer than the prefix
/// (Asterisk allows 149).
///
/// The prefix is for people who read logs; keep it to letters, digits and hyphens.
///
/// An id of this making belongs to whoever watches it with a [`Mailbox`](crate::Mailbox). A channel that enters the
/// application with such an id, and that nobody watches, is a leg whose call is over: the client hangs it up, and
/// after a reconnect it hangs up and destroys such channels and bridges of this run and of earlier ones.
pub fn unique(prefix: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}-{}-{}", *RUN, base36(count))
}

/// Who made an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    /// [`unique`], in this run of the program.
    ThisRun,
    /// [`unique`], in an earlier run of a program of the same name.
    AnEarlierRun,
    /// Asterisk, or another program.
    SomebodyElse,
}

/// Who made an id. Another program is taken for an earlier run of this one once in 65,536 times, and only if its
/// ids have the same form.
pub fn maker(id: &str) -> Maker {
    let mut parts = id.rsplit('-');
    let run = parts.next().and(parts.next()).filter(|_| parts.next().is_some());
    match run {
        Some(run) if run == RUN.as_str() => Maker::ThisRun,
        Some(run) if is_run_of(run, &PROGRAM) => Maker::AnEarlierRun,
        _ => Maker::SomebodyElse,
    }
}

/// What the ids of this run of the program have in common.
static RUN: LazyLock<String> =
    LazyLock::new(|| run(RandomState::new().hash_one(std::process::id()), &PROGRAM));

/// The program's name, which tells its earlier runs from other programs that use this crate.
static PROGRAM: LazyLock<String> = LazyLock::new(|| {
    let path = std::env::args_os().next().unwrap_or_default();
    Path::new(&path).file_name().unwrap_or_default().to_string_lossy().into_owned()
});

/// Characters of a run: as many as 64 bits need.
const RUN_LENGTH: usize = 13;

/// 48 random bits, and 16 that prove which program drew them.
fn run(random: u64, program: &str) -> String {
    let random = random & (u64::MAX >> 16);
    let text = base36(random << 16 | u64::from(proof(random, program)));
    format!("{text:0>RUN_LENGTH$}")
}

fn is_run_of(run: &str, program: &str) -> bool {
    let plain = run.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
    match u64::from_str_radix(run, 36) {
        Ok(number) if plain && run.len() == RUN_LENGTH => {
            number & 0xffff == u64::from(proof(number >> 16, program))
        }
        _ => false,
    }
}

/// FNV-1a, folded: the same in every build, which the standard library's hashers do not promise.
fn proof(random: u64, program: &str) -> u16 {
    let bytes = random.to_le_bytes().into_iter().chain(program.bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let folded = hash ^ hash >> 32;
    (folded ^ folded >> 16) as u16
}

fn base36(mut number: u64) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut text = Vec::with_capacity(RUN_LENGTH);
    loop {
        text.push(char::from(DIGITS[(number % 36) as usize]));
        number /= 36;
        if number == 0 {
            return text.into_iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_differ_and_stay_short() {
        let ids: HashSet<String> = (0..1000).map(|_| unique("media")).collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| id.starts_with("media-") && id.len() <= 5 + 28));
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        assert!(ids.iter().all(|id| id.chars().all(plain)));
    }

    #[test]
    fn our_ids_are_told_from_others() {
        assert!(["media", "a-b"].iter().all(|prefix| maker(&unique(prefix)) == Maker::ThisRun));
        let bare = format!("{}-1", *RUN);
        for other in ["", "media", "media-2k9f0c7x1m3qz-1a", "1795243053.17", &*RUN, &bare] {
            assert_eq!(maker(other), Maker::SomebodyElse, "{other}");
        }
    }

    #[test]
    fn base36_counts() {
        assert_eq!([0, 35, 36, u64::MAX].map(base36), ["0", "z", "10", "3w5e11264sgsf"]);
    }

    proptest! {
        #[test]
        fn earlier_runs_are_known_by_their_program(random: u64) {
            let id = format!("agent-{}-7", run(random, &PROGRAM));
            prop_assert_eq!(maker(&id), Maker::AnEarlierRun);
            prop_assert!(is_run_of(&run(random, "desk"), "desk"));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            maker(&text);
        }
    }
}
