//! Which operation is meant? Host, canonical path and method lead to at most one.
//!
//! Matching is by whole segments of the canonical path, so `/api` never matches `/apix` (C8).
//! A literal is preferred to a parameter at each segment (OpenAPI 3.1 section 4.8.8.2), whatever the
//! method and however the segment is spelled: `%40me` is `@me` to the upstream, so it is here. A
//! template that matches and lacks the method ends the search, because the upstream may not go on
//! to another. `HEAD` is not implied by `GET`. The tree is built from contracts, never from requests.

use std::collections::{BTreeMap, HashMap};

use portcullis_model::Method;
use portcullis_reading::path::{CanonicalPath, decode_segment};
use portcullis_spec::Segment;

/// Index of an operation in the snapshot.
pub type OperationIndex = usize;

/// Hosts and their trees.
#[derive(Debug, Default)]
pub struct Router {
    hosts: HashMap<String, Node>,
}

/// A match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// The operation.
    pub operation: OperationIndex,
    /// Where in the path's segments its parameters stand, in order.
    pub parameters: Vec<usize>,
}

/// Why nothing matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmatched {
    /// No API is declared under this host.
    Host,
    /// No contract lists this method and path.
    Operation,
}

#[derive(Debug, Default)]
struct Node {
    literals: HashMap<String, Self>,
    parameter: Option<Box<Self>>,
    operations: BTreeMap<Method, OperationIndex>,
}

impl Router {
    /// Adds an operation. Answers the index of the one that already stands there, if any.
    pub fn insert(
        &mut self,
        host: &str,
        base_path: &str,
        template: &[Segment],
        method: Method,
        operation: OperationIndex,
    ) -> Option<OperationIndex> {
        let mut node = self.hosts.entry(host.to_owned()).or_default();
        for literal in base_path.split('/').skip(1) {
            node = node.literals.entry(literal.to_owned()).or_default();
        }
        for segment in template {
            node = match segment {
                Segment::Literal(text) => node.literals.entry(text.clone()).or_default(),
                Segment::Parameter(_) => node.parameter.get_or_insert_default(),
            };
        }
        if let Some(standing) = node.operations.get(&method) {
            return Some(*standing);
        }
        node.operations.insert(method, operation);
        None
    }

    /// Finds the operation.
    ///
    /// # Errors
    /// Says whether the host or the operation is unknown.
    pub fn find(
        &self,
        host: &str,
        path: &CanonicalPath,
        method: Method,
    ) -> Result<Matched, Unmatched> {
        let root = self.hosts.get(host).ok_or(Unmatched::Host)?;
        let segments: Vec<&str> =
            if path.as_str() == "/" { Vec::new() } else { path.segments().collect() };
        let mut parameters = Vec::new();
        root.find(&segments, 0, method, &mut parameters)
            .flatten()
            .map(|operation| Matched { operation, parameters })
            .ok_or(Unmatched::Operation)
    }
}

impl Node {
    /// Depth-first with literals first; depth is bounded by the declared templates. `None`: no
    /// template matches; `Some(None)`: one does, without this method.
    fn find(
        &self,
        segments: &[&str],
        at: usize,
        method: Method,
        parameters: &mut Vec<usize>,
    ) -> Option<Option<OperationIndex>> {
        let Some(segment) = segments.get(at) else {
            let stands = !self.operations.is_empty();
            return stands.then(|| self.operations.get(&method).copied());
        };
        let next = at.saturating_add(1);
        if let Some(node) = self.literals.get(&*decode_segment(segment))
            && let Some(found) = node.find(segments, next, method, parameters)
        {
            return Some(found);
        }
        // an empty segment (a final slash) is a literal of its own, never a parameter's value
        let node = self.parameter.as_ref().filter(|_| !segment.is_empty())?;
        parameters.push(at);
        let found = node.find(segments, next, method, parameters);
        if found.is_none() {
            parameters.pop();
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::{Router, Unmatched};
    use portcullis_model::Method;
    use portcullis_reading::path::CanonicalPath;
    use portcullis_spec::Segment;

    fn router() -> Router {
        let mut router = Router::default();
        let literal = |text: &str| Segment::Literal(text.to_owned());
        let id = || Segment::Parameter("id".to_owned());
        let templates = [
            vec![literal("orders"), id()],
            vec![literal("orders"), literal("mine")],
            vec![id(), literal("mine"), literal("x")],
            vec![],
            vec![literal("orders"), literal("@me")],
        ];
        for (index, template) in templates.iter().enumerate() {
            assert_eq!(router.insert("a.example", "/v1", template, Method::Get, index), None);
        }
        let delete = [literal("orders"), id()];
        assert_eq!(router.insert("a.example", "/v1", &delete, Method::Delete, 5), None);
        let twin = [literal("orders"), Segment::Parameter("other".to_owned())];
        assert_eq!(router.insert("a.example", "/v1", &twin, Method::Get, 9), Some(0));
        router
    }

    fn find(path: &str, method: Method) -> Result<(usize, Vec<usize>), Unmatched> {
        let path = CanonicalPath::parse(path).unwrap();
        let found = router().find("a.example", &path, method);
        found.map(|matched| (matched.operation, matched.parameters))
    }

    #[test]
    fn literals_come_before_parameters() {
        assert_eq!(find("/v1/orders/7", Method::Get), Ok((0, vec![2])));
        assert_eq!(find("/v1/orders/mine", Method::Get), Ok((1, vec![])));
        assert_eq!(find("/v1/orders/mine/x", Method::Get), Ok((2, vec![1])));
        assert_eq!(find("/v1", Method::Get), Ok((3, vec![])));
    }

    #[test]
    fn c11_an_encoded_literal_is_the_literal() {
        assert_eq!(find("/v1/orders/@me", Method::Get), Ok((4, vec![])));
        assert_eq!(find("/v1/orders/%40me", Method::Get), Ok((4, vec![])));
    }

    #[test]
    fn c12_a_literal_without_the_method_does_not_fall_to_a_parameter() {
        assert_eq!(find("/v1/orders/7", Method::Delete), Ok((5, vec![2])));
        assert_eq!(find("/v1/orders/mine", Method::Delete), Err(Unmatched::Operation));
        assert_eq!(find("/v1/orders/%40me", Method::Delete), Err(Unmatched::Operation));
    }

    #[test]
    fn c08_and_c12_only_whole_segments_and_listed_methods() {
        for path in ["/v1/ordersx/7", "/v1x/orders/7", "/v1/orders/", "/v1/orders/7/", "/"] {
            assert_eq!(find(path, Method::Get), Err(Unmatched::Operation), "{path}");
        }
        for method in [Method::Head, Method::Options, Method::Put] {
            assert_eq!(find("/v1/orders/7", method), Err(Unmatched::Operation), "{method}");
        }
        let path = CanonicalPath::parse("/v1/orders/7").unwrap();
        assert_eq!(router().find("b.example", &path, Method::Get), Err(Unmatched::Host));
    }
}
