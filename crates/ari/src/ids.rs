//! Ids of our own making.
//!
//! Every channel, bridge and playback is named by us before the request that makes it is sent, so its mailbox is
//! registered first and no event can come too early.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// A new id such as `media-2k9f0c7x1m3qz-1a`: the prefix, 64 random bits drawn when the program started, and a
/// counter. Never the same twice, nor after a restart, and at most 27 characters longer than the prefix
/// (Asterisk allows 149).
///
/// The prefix is for people who read logs; keep it to letters, digits and hyphens.
pub fn unique(prefix: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}-{}-{}", *START, base36(count))
}

/// Whether `id` is one of [`unique`]'s, of this run of the program: a channel with such an id is no caller.
pub fn is_ours(id: &str) -> bool {
    let mut parts = id.rsplit('-');
    parts.next().is_some() && parts.next() == Some(START.as_str())
}

/// What the ids of this run of the program have in common.
static START: LazyLock<String> =
    LazyLock::new(|| base36(RandomState::new().build_hasher().finish()));

fn base36(mut number: u64) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut text = Vec::with_capacity(13);
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
        assert!(is_ours(&unique("media")) && is_ours(&unique("a-b")));
        for other in ["", "media", "media-2k9f0c7x1m3qz-1a", "1795243053.17", &*START] {
            assert!(!is_ours(other), "{other}");
        }
    }

    #[test]
    fn base36_counts() {
        assert_eq!([0, 35, 36, u64::MAX].map(base36), ["0", "z", "10", "3w5e11264sgsf"]);
    }
}
