//! Did you mean …? The known word that is nearest to a mistyped one.

/// The nearest candidate, if it is near enough to be meant: at most one edit (insertion,
/// deletion, substitution, exchange of neighbours) per three letters, and at least one.
#[must_use]
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let bound = (word.chars().count() / 3).max(1);
    let near = candidates.into_iter().map(|one| (distance(word, one), one));
    near.filter(|(edits, _)| *edits <= bound).min_by_key(|(edits, _)| *edits).map(|(_, one)| one)
}

/// Restricted Damerau-Levenshtein distance, without regard to case.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.to_lowercase().chars().collect();
    let right: Vec<char> = right.to_lowercase().chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, from) in left.iter().enumerate() {
        let mut current = vec![row.saturating_add(1)];
        for (column, to) in right.iter().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX);
            let mut edits = at(&last, column.saturating_add(1))
                .min(at(&current, column))
                .saturating_add(1)
                .min(at(&last, column).saturating_add(usize::from(from != to)));
            let swapped = row > 0
                && column > 0
                && left.get(row.saturating_sub(1)) == Some(to)
                && right.get(column.saturating_sub(1)) == Some(from);
            if swapped {
                let swap = at(&before_last, column.saturating_sub(1)).saturating_add(1);
                edits = edits.min(swap);
            }
            current.push(edits);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn near_words_are_suggested_and_far_ones_are_not() {
        let known = ["boundaries", "listeners", "limits", "zones"];
        assert_eq!(closest("boundries", known), Some("boundaries"));
        assert_eq!(closest("lisetners", known), Some("listeners"));
        assert_eq!(closest("zone", known), Some("zones"));
        assert_eq!(closest("upstreams", known), None);
        assert_eq!(closest("", known), None);
    }
}
