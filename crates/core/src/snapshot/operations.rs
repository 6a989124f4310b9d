//! Which operations are there, and can each be held to its contract? Every operation of every
//! contract, compiled, and the router that leads to it.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use http::HeaderName;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use portcullis_config::Declaration;
use portcullis_config::declaration::Api;
use portcullis_diagnostics::{Finding, SourceId};
use portcullis_inspect::{Schemas, Unenforceable};
use portcullis_spec::{ApiModel, Location, Operation, Segment};

use super::CompiledOperation;
use super::router::Router;
use super::ways::Way;
use super::{meetings, shape, streams, ways};

/// Compiles the operations of every contract, and where requests find them.
pub(super) fn compile_operations(
    declaration: &Declaration,
    contracts: &BTreeMap<String, String>,
    models: &[ApiModel],
    findings: &mut Vec<Finding>,
) -> (Router, Vec<Arc<CompiledOperation>>) {
    let (mut router, mut schemas) = (Router::default(), Schemas::default());
    let mut operations: Vec<Arc<CompiledOperation>> = Vec::new();
    for model in models {
        let Some(api) = declaration.apis.get(&model.api) else { continue };
        findings.extend(streams::check(declaration, api, model));
        for operation in &model.operations {
            let contract = match portcullis_inspect::compile(&mut schemas, model, operation) {
                Ok(contract) => contract,
                Err(missing) => {
                    findings.extend(missing.iter().map(|one| unenforceable(contracts, api, one)));
                    continue;
                }
            };
            let index = operations.len();
            let mut clash = None;
            for host in &api.hosts {
                let template = &operation.template.segments;
                clash = clash.or(router.insert(
                    host,
                    &api.base_path,
                    template,
                    operation.method,
                    index,
                ));
            }
            if let Some(other) = clash.and_then(|standing| operations.get(standing)) {
                findings.push(clash_of(operation, model, other, api));
            }
            let ways = ways::ways(api, operation, findings);
            operations.push(Arc::new(CompiledOperation {
                noted: noted(operation, &ways),
                api: model.api.clone(),
                id: operation.id.clone(),
                template: format!("{}{}", api.base_path, operation.template.text),
                zone: api.zone.clone(),
                segments: segments(api, operation),
                ways,
                stream: api.streams.get(operation.id.as_str()).cloned(),
                operation: operation.clone(),
                parameters: parameter_names(&operation.template.segments),
                contract,
                shape: shape::digest(model, operation),
            }));
        }
    }
    meetings::check_routes(declaration, models, &operations, findings);
    meetings::check_meetings(&operations, findings);
    (router, operations)
}

/// What is said of the body, the headers that the contract speaks of, and those that choose a way;
/// sorted, each once.
fn noted(operation: &Operation, ways: &[Way]) -> Vec<HeaderName> {
    let named = operation.parameters.iter().filter_map(|parameter| {
        let is_header = parameter.location == Location::Header;
        is_header.then(|| HeaderName::from_str(&parameter.name).ok()).flatten()
    });
    let choosing = ways.iter().filter_map(|way| way.header.as_ref().map(|(name, _)| name.clone()));
    let mut noted: Vec<HeaderName> = [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LENGTH]
        .into_iter()
        .chain(named)
        .chain(choosing)
        .collect();
    noted.sort_by(|one, other| one.as_str().cmp(other.as_str()));
    noted.dedup();
    noted
}

fn segments(api: &Api, operation: &Operation) -> Vec<Segment> {
    let base = api.base_path.split('/').skip(1).map(|text| Segment::Literal(text.to_owned()));
    base.chain(operation.template.segments.iter().cloned()).collect()
}

fn clash_of(
    operation: &Operation,
    model: &ApiModel,
    other: &CompiledOperation,
    api: &Api,
) -> Finding {
    Finding::error(
        "PC0502",
        format!(
            "operations `{}` of `{}` and `{}` of `{}` are the same to a client",
            operation.id, model.api, other.id, other.api
        ),
    )
    .at(api.contract.span.clone(), "this contract")
    .why("one request must lead to one operation")
    .fix("give the APIs different hosts or base paths")
}

fn unenforceable(
    contracts: &BTreeMap<String, String>,
    api: &Api,
    missing: &Unenforceable,
) -> Finding {
    let file = &api.contract.value;
    let text = contracts.get(file).map(String::as_str).unwrap_or_default();
    let span = portcullis_spec::place(&SourceId::new(file), text, &missing.pointer);
    Finding::error("PC0250", missing.message.as_str())
        .at(span.unwrap_or_else(|| api.contract.span.clone()), "here")
        .why("a contract that is declared and not enforced protects nobody")
        .fix("describe it in a way that can be checked, or remove it")
}

fn parameter_names(segments: &[Segment]) -> Vec<String> {
    segments
        .iter()
        .filter_map(|segment| match segment {
            Segment::Literal(_) => None,
            Segment::Parameter(name) => Some(name.clone()),
        })
        .collect()
}
