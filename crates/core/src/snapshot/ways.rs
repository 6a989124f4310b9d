//! Where may requests of an operation be carried, and which path does the upstream see there?
//!
//! Routes and rewriting (C7, C8) choose among what was judged; they never choose what is judged. Host,
//! path and method as the client wrote them lead to the operation, its policy and its contract; what an
//! upstream sees is made from the judged path alone, by whole segments:
//!
//! - a prefix is rewritten only where *every* path of the operation has it, as literal segments of its
//!   template (else PC0153), so there is no request to which a rewriting does not apply;
//! - the rewritten template of an operation may not meet another operation's at the same upstream
//!   under the same method (else PC0154): what the upstream would take for that operation was judged
//!   as this one. Operations whose paths are rewritten alike cannot meet unless they did before;
//! - at run time the result is read anew as a path, and must say exactly what was judged
//!   ([`crate::rewrite`]).
//!
//! A header may choose a way, if nothing strips it and nothing else decides by it (else PC0151).

use http::{HeaderName, HeaderValue};
use portcullis_config::declaration::{Api, Rewrite};
use portcullis_diagnostics::{Finding, Span};
use portcullis_model::UpstreamId;
use portcullis_spec::{Operation, Segment};

/// A way to an upstream.
#[derive(Debug)]
pub struct Way {
    /// Name of the route; none for the API's own way.
    pub route: Option<String>,
    /// The header that must stand there once, and its value.
    pub header: Option<(HeaderName, HeaderValue)>,
    /// Where to.
    pub upstream: UpstreamId,
    /// What becomes of the path.
    pub rewriting: Option<Rewriting>,
}

/// What becomes of the paths of one operation.
#[derive(Debug)]
pub struct Rewriting {
    /// What the client writes in front.
    pub from: String,
    /// What the upstream sees in front.
    pub to: String,
    /// Segments that `from` has.
    pub from_segments: usize,
    /// The template that every rewritten path fits.
    pub template: Vec<Segment>,
    pub(super) span: Span,
}

/// The ways of an operation in their order; the last is open to every request.
pub(super) fn ways(api: &Api, operation: &Operation, findings: &mut Vec<Finding>) -> Vec<Way> {
    let mut ways = Vec::new();
    for route in &api.routes {
        let fits = (route.operations.is_empty()
            || route.operations.iter().any(|id| id.value == operation.id.as_str()))
            && (route.methods.is_empty() || route.methods.contains(&operation.method));
        if !fits {
            continue;
        }
        let rewrite = route.rewrite.as_ref().or(api.rewrite.as_ref());
        ways.push(Way {
            route: Some(route.name.clone()),
            header: route.header.as_ref().map(|(name, value)| (name.value.clone(), value.clone())),
            upstream: route.upstream.clone(),
            rewriting: rewrite.and_then(|one| rewriting(one, api, operation, findings)),
        });
        if route.header.is_none() {
            return ways;
        }
    }
    ways.push(Way {
        route: None,
        header: None,
        upstream: api.upstream.clone(),
        rewriting: api.rewrite.as_ref().and_then(|one| rewriting(one, api, operation, findings)),
    });
    ways
}

fn literals(prefix: &str) -> impl Iterator<Item = Segment> {
    prefix.split('/').skip(1).map(|text| Segment::Literal(text.to_owned()))
}

fn rewriting(
    rewrite: &Rewrite,
    api: &Api,
    operation: &Operation,
    findings: &mut Vec<Finding>,
) -> Option<Rewriting> {
    let judged: Vec<Segment> =
        literals(&api.base_path).chain(operation.template.segments.iter().cloned()).collect();
    let from: Vec<Segment> = literals(&rewrite.from).collect();
    let Some(rest) = judged.strip_prefix(from.as_slice()) else {
        let path = format!("{}{}", api.base_path, operation.template.text);
        let message =
            format!("`{path}` (`{}`) does not begin with `{}`", operation.id, rewrite.from);
        let finding = Finding::error("PC0153", message)
            .at(rewrite.span.clone(), "this prefix")
            .why("a rewriting that does not apply to some requests would carry them elsewhere")
            .fix("name a prefix that all these operations have, or a route for those that do");
        if !findings.contains(&finding) {
            findings.push(finding);
        }
        return None;
    };
    Some(Rewriting {
        from: rewrite.from.clone(),
        to: rewrite.to.clone(),
        from_segments: from.len(),
        template: literals(&rewrite.to).chain(rest.iter().cloned()).collect(),
        span: rewrite.span.clone(),
    })
}
