//! What does each policy of a file say? A file is given to Cedar as a whole, because its lexer begins
//! anew, with nothing learned, for each text that it is given; for thousands of policies that would
//! cost more than all the rest of their parsing.
//!
//! Where the whole cannot be read, or is not exactly the policies that [`cut`] finds, each of them is
//! given to Cedar alone, so that one mistake hides no other.

use std::collections::HashMap;

use cedar_policy_core::ast::Policy;
use cedar_policy_core::parser::err::ParseErrors;
use cedar_policy_core::parser::{self, Loc};

use crate::cut::{Piece, cut};

/// A policy of a file.
pub(crate) struct Parsed {
    /// What it says, or why that is not known.
    pub(crate) policy: Result<Policy, ParseErrors>,
    /// The line that it begins in, from 1.
    pub(crate) line: usize,
    /// Where it stands in the file, in bytes.
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// What the places that Cedar names count from, as an offset in the file.
    pub(crate) counted_from: usize,
}

/// The policies of a file, in their order.
pub(crate) fn parse(file: &str) -> Vec<Parsed> {
    let pieces = cut(file);
    let mut whole = whole(file, &pieces);
    let (mut line, mut counted) = (1_usize, 0);
    let mut parsed = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let between = file.get(counted..piece.start).unwrap_or_default();
        line = line.saturating_add(between.matches('\n').count());
        counted = piece.start;
        let known = whole.as_mut().and_then(|whole| whole.remove(&piece.start));
        let (policy, counted_from) = match known {
            Some(policy) => (Ok(policy), 0),
            None => (parser::parse_policy(None, piece.text).map(Policy::from), piece.start),
        };
        let (start, end) = (piece.start, piece.start.saturating_add(piece.text.len()));
        parsed.push(Parsed { policy, line, start, end, counted_from });
    }
    parsed
}

/// The policies of a file by where they begin, if each is one of the pieces and each piece is one.
fn whole(file: &str, pieces: &[Piece<'_>]) -> Option<HashMap<usize, Policy>> {
    let read = parser::parse_policyset(file).ok()?;
    if read.all_templates().count() != pieces.len() {
        return None;
    }
    let place = |policy: &Policy| policy.loc().map(Loc::start);
    let policies: HashMap<usize, Policy> =
        read.into_policies().filter_map(|policy| Some((place(&policy)?, policy))).collect();
    let is_same = |piece: &Piece<'_>| {
        let end = policies.get(&piece.start).and_then(Policy::loc).map(Loc::end);
        end == Some(piece.start.saturating_add(piece.text.len()))
    };
    pieces.iter().all(is_same).then_some(policies)
}

#[cfg(test)]
mod tests {
    use super::parse;

    const FILE: &str = "// a; comment\n@id(\"one\") permit(principal, action, resource);\n\n  \
        forbid(principal, action,\n resource) when { principal.name == \"a;b\" };// end\n";

    fn shown(file: &str) -> Vec<(String, usize, usize, usize, bool)> {
        let mut shown = Vec::new();
        for one in parse(file) {
            let text = one.policy.map_or_else(|errors| errors.to_string(), |one| one.to_string());
            shown.push((text, one.line, one.start, one.end, one.counted_from == 0));
        }
        shown
    }

    #[test]
    fn a_file_reads_as_its_policies_alone() {
        let together = shown(FILE);
        assert_eq!(together.len(), 2);
        // what cannot be read at the end has each policy read alone
        let alone = shown(&format!("{FILE}permit("));
        assert_eq!(alone.len(), 3);
        for (together, alone) in together.iter().zip(&alone) {
            assert_eq!((&together.0, together.1), (&alone.0, alone.1));
            assert_eq!((together.2, together.3), (alone.2, alone.3));
            assert!(together.4 && !alone.4);
        }
    }

    #[test]
    fn places_of_the_whole_count_from_the_file() {
        for one in parse(FILE) {
            let policy = one.policy.unwrap();
            let place = policy.loc().unwrap();
            assert_eq!((place.start(), place.end()), (one.start, one.end));
            assert_eq!(one.counted_from, 0);
        }
    }

    #[test]
    fn a_template_is_no_policy_and_hides_none() {
        let file = "permit(principal == ?principal, action, resource);\npermit(principal, action, resource);";
        let shown = parse(file);
        assert!(shown[0].policy.is_err());
        assert!(shown[1].policy.is_ok());
    }
}
