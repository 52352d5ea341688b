//! What changed between two texts, line by line, in the form that `diff -u` has made familiar.

use std::fmt::Write as _;

/// Lines around a change that are shown with it.
const AROUND: usize = 3;

/// Where the lines of both texts would make a larger table than this, what lies between the equal ends counts as
/// changed altogether.
const LARGEST: usize = 16 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edit {
    Keep,
    Remove,
    Add,
}

/// The difference of two texts under their names; nothing where there is none.
pub(crate) fn unified(before: (&str, &str), after: (&str, &str)) -> Option<String> {
    let (old, new): (Vec<&str>, Vec<&str>) =
        (before.1.lines().collect(), after.1.lines().collect());
    let edits = edits(&old, &new);
    if edits.iter().all(|edit| *edit == Edit::Keep) {
        return None;
    }
    let mut text = format!("--- {}\n+++ {}\n", before.0, after.0);
    let changes = |from: usize| edits[from..].iter().position(|edit| *edit != Edit::Keep);
    let (mut at, mut old_at, mut new_at) = (0, 0, 0);
    while let Some(kept) = changes(at) {
        // A hunk ends where so many lines are kept that two hunks would not meet.
        let start = at + kept.saturating_sub(AROUND);
        let mut end = at + kept + 1;
        while let Some(kept) = changes(end).filter(|kept| *kept <= 2 * AROUND) {
            end += kept + 1;
        }
        let end = (end + AROUND).min(edits.len());
        (old_at, new_at) = (old_at + start - at, new_at + start - at);
        let hunk = &edits[start..end];
        let of =
            |side: Edit| hunk.iter().filter(|edit| **edit == Edit::Keep || **edit == side).count();
        let (removed, added) = (of(Edit::Remove), of(Edit::Add));
        // An empty side is told by the line before it.
        let first = |at: usize, lines: usize| at + usize::from(lines > 0);
        let _ = writeln!(
            text,
            "@@ -{},{removed} +{},{added} @@",
            first(old_at, removed),
            first(new_at, added)
        );
        for edit in hunk {
            let (sign, line) = match edit {
                Edit::Keep => (' ', old[old_at]),
                Edit::Remove => ('-', old[old_at]),
                Edit::Add => ('+', new[new_at]),
            };
            let _ = writeln!(text, "{sign}{line}");
            old_at += usize::from(*edit != Edit::Add);
            new_at += usize::from(*edit != Edit::Remove);
        }
        at = end;
    }
    Some(text)
}

/// The fewest lines to remove and add.
fn edits(old: &[&str], new: &[&str]) -> Vec<Edit> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[head..], &new[head..]);
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[..old.len() - tail], &new[..new.len() - tail]);
    let mut edits = vec![Edit::Keep; head];
    edits.extend(middle(old, new));
    edits.extend(vec![Edit::Keep; tail]);
    edits
}

fn middle(old: &[&str], new: &[&str]) -> Vec<Edit> {
    let width = new.len() + 1;
    if (old.len() + 1).saturating_mul(width) > LARGEST {
        return [vec![Edit::Remove; old.len()], vec![Edit::Add; new.len()]].concat();
    }
    // How many lines can be kept of what is left from here on.
    let mut kept = vec![0_u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            kept[i * width + j] = if old[i] == new[j] {
                kept[(i + 1) * width + j + 1] + 1
            } else {
                kept[(i + 1) * width + j].max(kept[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j, mut edits) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        let both = i < old.len() && j < new.len();
        let edit = if both && old[i] == new[j] {
            Edit::Keep
        } else if j == new.len() || both && kept[(i + 1) * width + j] >= kept[i * width + j + 1] {
            Edit::Remove
        } else {
            Edit::Add
        };
        i += usize::from(edit != Edit::Add);
        j += usize::from(edit != Edit::Remove);
        edits.push(edit);
    }
    edits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diff(before: &str, after: &str) -> Option<String> {
        unified(("before", before), ("after", after))
    }

    #[test]
    fn equal_texts_have_no_difference() {
        assert_eq!(diff("", ""), None);
        assert_eq!(diff("a\nb\n", "a\nb"), None, "but for the end of the last line");
    }

    #[test]
    fn a_change_is_shown_with_three_lines_around_it() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n";
        let after = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n17\n";
        let expected = "--- before\n+++ after\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n\
                        @@ -14,3 +14,4 @@\n 14\n 15\n 16\n+17\n";
        assert_eq!(diff(before, after).as_deref(), Some(expected));
    }

    #[test]
    fn changes_that_are_near_share_a_hunk() {
        let shown = diff("a\n1\n2\n3\nb\n", "A\n1\n2\n3\nB\n").expect("they differ");
        assert_eq!(shown, "--- before\n+++ after\n@@ -1,5 +1,5 @@\n-a\n+A\n 1\n 2\n 3\n-b\n+B\n");
    }

    #[test]
    fn all_is_new_where_nothing_was() {
        let shown = diff("", "a\nb\n").expect("they differ");
        assert_eq!(shown, "--- before\n+++ after\n@@ -0,0 +1,2 @@\n+a\n+b\n");
    }

    /// What is shown, applied to the one text, makes the other: for many made-up pairs.
    #[test]
    fn what_is_shown_leads_from_one_text_to_the_other() {
        let mut state = 7_u32;
        let mut dice = |sides: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % sides
        };
        for _ in 0..200 {
            let mut text = || (0..dice(30)).map(|_| format!("{}\n", dice(4))).collect::<String>();
            let (before, after) = (text(), text());
            let (old, new): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
            let (mut at, mut made) = (0, Vec::new());
            let shown = diff(&before, &after).unwrap_or_default();
            for line in shown.lines().skip(2) {
                if let Some(place) = line.strip_prefix("@@ -") {
                    let (from, lines) =
                        place.split(' ').next().and_then(|it| it.split_once(',')).expect("a place");
                    let from: usize = from.parse().expect("a number");
                    let from = if lines == "0" { from } else { from - 1 };
                    made.extend_from_slice(&old[at..from]);
                    at = from;
                    continue;
                }
                let (sign, rest) = line.split_at(1);
                if sign != "+" {
                    assert_eq!(old[at], rest);
                    at += 1;
                }
                if sign != "-" {
                    made.push(rest);
                }
            }
            made.extend_from_slice(&old[at..]);
            assert_eq!(made, new, "{before:?} {after:?}");
        }
    }
}
