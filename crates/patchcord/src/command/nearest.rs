//! What somebody may have meant who mistyped a name.

/// Names that are near to `text`, the nearest first, at most three; empty when nothing is.
pub(super) fn nearest<'a>(text: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let text = text.to_lowercase();
    let mut near: Vec<(usize, &str)> = names
        .filter_map(|name| {
            let other = name.to_lowercase();
            let distance = distance(&text, &other);
            let part = text.len() >= 3 && other.contains(&text);
            // A third of the letters may be wrong.
            (part || distance * 3 <= text.chars().count()).then_some((distance, name))
        })
        .collect();
    near.sort_unstable();
    near.dedup();
    near.truncate(3);
    near.into_iter().map(|(_, name)| name).collect()
}

/// How many letters must be changed, added, removed or swapped with their neighbour to get from one to the other.
pub(super) fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut rows = vec![(0..=to.len()).collect::<Vec<usize>>()];
    for (i, letter) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, other) in to.iter().enumerate() {
            let change = rows[i][j] + usize::from(letter != other);
            let mut best = change.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *letter == to[j - 1] && from[i - 1] == *other {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_slips_of_the_hand() {
        for (from, to, expected) in [
            ("answer", "answer", 0),
            ("anser", "answer", 1),
            ("naswer", "answer", 1),
            ("", "abc", 3),
        ] {
            assert_eq!(distance(from, to), expected, "{from} {to}");
        }
    }

    #[test]
    fn the_nearest_comes_first_and_the_far_ones_not_at_all() {
        let names = ["channels", "channel", "bridges", "playbacks"];
        assert_eq!(nearest("chanels", names.into_iter()), ["channels", "channel"]);
        assert_eq!(nearest("Bridge", names.into_iter()), ["bridges"]);
        assert!(nearest("xyzzy", names.into_iter()).is_empty());
    }
}
