//! Is there a route that nothing takes, and do two operations meet at one path of an upstream? Both
//! are known only when every operation of every contract has its ways ([`super::ways`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use portcullis_config::Declaration;
use portcullis_diagnostics::{Finding, Span};
use portcullis_model::{Method, UpstreamId};
use portcullis_spec::{ApiModel, Segment};

use super::CompiledOperation;
use super::ways::Rewriting;

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
