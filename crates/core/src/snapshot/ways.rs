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

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use portcullis_config::Declaration;
use portcullis_config::declaration::{Api, Rewrite};
use portcullis_diagnostics::{Finding, Span};
use portcullis_model::{Method, UpstreamId};
use portcullis_spec::{ApiModel, Operation, Segment};

use super::CompiledOperation;

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
    span: Span,
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

/// Says which routes nothing can take.
pub(super) fn check_routes(
    declaration: &Declaration,
    models: &[ApiModel],
    operations: &[Arc<CompiledOperation>],
    findings: &mut Vec<Finding>,
) {
    for model in models {
        let Some(api) = declaration.apis.get(&model.api) else { continue };
        for route in &api.routes {
            for id in &route.operations {
                if model.operations.iter().all(|one| one.id.as_str() != id.value) {
                    let known = model.operations.iter().map(|one| one.id.as_str());
                    let close = portcullis_diagnostics::closest(&id.value, known);
                    let fix = close.map_or_else(
                        || "name operations by their `operationId`".to_owned(),
                        |close| format!("did you mean `{close}`?"),
                    );
                    let message = format!("the contract lists no operation `{}`", id.value);
                    findings.push(idle(message, &id.span).fix(fix));
                }
            }
            let is_taken = operations.iter().any(|operation| {
                operation.api == model.api
                    && operation.ways.iter().any(|way| way.route.as_ref() == Some(&route.name))
            });
            if !is_taken {
                let message = format!("no request can take route `{}`", route.name);
                let fix = "name operations and methods that the contract has together, and put \
                           narrower routes first";
                findings.push(idle(message, &route.span).fix(fix));
            }
        }
    }
}

fn idle(message: String, span: &Span) -> Finding {
    Finding::error("PC0152", message)
        .at(span.clone(), "here")
        .why("a route that nothing takes has no effect, and readers will think that it has")
}

/// One operation as an upstream sees it.
struct Seen<'a> {
    operation: &'a CompiledOperation,
    rewriting: Option<&'a Rewriting>,
    template: Vec<&'a Segment>,
}

/// Says which operations would meet at an upstream because a path is rewritten.
pub(super) fn check_meetings(operations: &[Arc<CompiledOperation>], findings: &mut Vec<Finding>) {
    let mut places: BTreeMap<(&UpstreamId, Method, usize), Vec<Seen<'_>>> = BTreeMap::new();
    for operation in operations {
        for way in &operation.ways {
            let rewriting = way.rewriting.as_ref();
            let template = rewriting.map_or(&operation.segments, |one| &one.template);
            // one empty segment is the same path as none
            let template: Vec<&Segment> = match template.as_slice() {
                [Segment::Literal(text)] if text.is_empty() => Vec::new(),
                several => several.iter().collect(),
            };
            let place = (&way.upstream, operation.operation.method, template.len());
            let seen = Seen { operation, rewriting, template };
            places.entry(place).or_default().push(seen);
        }
    }
    for ((upstream, ..), seen) in places {
        if seen.iter().all(|one| one.rewriting.is_none()) {
            continue;
        }
        for (at, one) in seen.iter().enumerate() {
            let meets = |other: &&Seen<'_>| meet(one, other);
            if let Some(other) = seen.iter().skip(at.saturating_add(1)).find(meets) {
                findings.extend(meeting(upstream, one, other));
            }
        }
    }
}

fn meet(one: &Seen<'_>, other: &Seen<'_>) -> bool {
    let prefixes = |seen: &Seen<'_>| seen.rewriting.map(|one| (one.from.clone(), one.to.clone()));
    let same_api = one.operation.api == other.operation.api;
    if same_api && prefixes(one) == prefixes(other) {
        // rewritten alike, two paths stay two: but for an end that is cut off with a slash or without
        return one.template.is_empty() && one.operation.id != other.operation.id;
    }
    if one.rewriting.is_none() && other.rewriting.is_none() {
        return false;
    }
    one.template.iter().zip(&other.template).all(|pair| match pair {
        (Segment::Literal(one), Segment::Literal(other)) => one == other,
        // a parameter is never empty
        (Segment::Literal(text), Segment::Parameter(_))
        | (Segment::Parameter(_), Segment::Literal(text)) => !text.is_empty(),
        (Segment::Parameter(_), Segment::Parameter(_)) => true,
    })
}

fn meeting(upstream: &UpstreamId, one: &Seen<'_>, other: &Seen<'_>) -> Option<Finding> {
    let rewriting = one.rewriting.or(other.rewriting)?;
    let (a, b) = (one.operation, other.operation);
    let message = format!(
        "`{}` of `{}` and `{}` of `{}` can come to the same path of upstream `{upstream}`",
        a.id, a.api, b.id, b.api
    );
    let finding = Finding::error("PC0154", message)
        .at(rewriting.span.clone(), "by this rewriting")
        .why("the upstream would take for one of them what was judged as the other")
        .fix("choose prefixes under which their paths stay apart, or another upstream");
    Some(finding)
}
