//! Which operations are there, and can each be held to its contract? Every operation of every
//! contract, compiled, and the router that leads to it.
//!
//! Contracts are added one by one, so that none has to be kept until the last is compiled.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use http::HeaderName;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use portcullis_config::Declaration;
use portcullis_config::declaration::Api;
use portcullis_diagnostics::{Finding, SourceId};
use portcullis_inspect::{Schemas, Unenforceable};
use portcullis_spec::{ApiModel, Contract, Location, Messages, Operation, Segment};

use super::CompiledOperation;
use super::router::Router;
use super::ways::Way;
use super::{meetings, shape, streams, ways};

/// Contracts on their way into a snapshot.
pub(super) struct Compiling<'a> {
    declaration: &'a Declaration,
    /// Texts of the contracts, for the places of what is wrong.
    contracts: &'a BTreeMap<String, String>,
    router: Router,
    schemas: Schemas,
    operations: Vec<Arc<CompiledOperation>>,
    findings: Vec<Finding>,
}

impl<'a> Compiling<'a> {
    /// Nothing yet.
    pub(super) fn new(
        declaration: &'a Declaration,
        contracts: &'a BTreeMap<String, String>,
    ) -> Self {
        Self {
            declaration,
            contracts,
            router: Router::default(),
            schemas: Schemas::default(),
            operations: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// Compiles the operations of a contract.
    pub(super) fn add(&mut self, api: &Api, contract: &Contract) {
        self.findings.extend(streams::check(self.declaration, api, &contract.model));
        for (operation, messages) in contract.operations() {
            self.operation(api, contract, operation, messages);
        }
    }

    fn operation(
        &mut self,
        api: &Api,
        contract: &Contract,
        operation: &Operation,
        messages: &Messages,
    ) {
        let document = &contract.document;
        let compiled =
            portcullis_inspect::compile(&mut self.schemas, document, &operation.id, messages);
        let compiled = match compiled {
            Ok(compiled) => compiled,
            Err(missing) => {
                let missing = missing.iter().map(|one| unenforceable(self.contracts, api, one));
                return self.findings.extend(missing);
            }
        };
        let index = self.operations.len();
        let (mut clash, template) = (None, &operation.template.segments);
        for host in &api.hosts {
            let method = operation.method;
            clash = clash.or(self.router.insert(host, &api.base_path, template, method, index));
        }
        let model = &contract.model;
        if let Some(other) = clash.and_then(|standing| self.operations.get(standing)) {
            self.findings.push(clash_of(operation, model, other, api));
        }
        let ways = ways::ways(api, operation, &mut self.findings);
        self.operations.push(Arc::new(CompiledOperation {
            noted: noted(messages, &ways),
            cookies: named(messages, Location::Cookie).map(str::to_owned).collect(),
            api: model.api.clone(),
            id: operation.id.clone(),
            template: format!("{}{}", api.base_path, operation.template.text),
            zone: api.zone.clone(),
            segments: segments(api, operation),
            ways,
            stream: api.streams.get(operation.id.as_str()).cloned(),
            operation: operation.clone(),
            parameters: parameter_names(template),
            contract: compiled,
            shape: shape::digest(document, messages),
        }));
    }

    /// What was compiled, with what can be said only when all of it is there.
    pub(super) fn finish(
        mut self,
        models: &[ApiModel],
        findings: &mut Vec<Finding>,
    ) -> (Router, Vec<Arc<CompiledOperation>>) {
        meetings::check_routes(self.declaration, models, &self.operations, &mut self.findings);
        meetings::check_meetings(&self.operations, &mut self.findings);
        findings.append(&mut self.findings);
        (self.router, self.operations)
    }
}

/// Names of the parameters of one location.
fn named(messages: &Messages, location: Location) -> impl Iterator<Item = &str> {
    let parameters = messages.parameters.iter();
    parameters.filter(move |one| one.location == location).map(|one| one.name.as_str())
}

/// What is said of the body, the headers that the contract speaks of, and those that choose a way;
/// sorted, each once.
fn noted(messages: &Messages, ways: &[Way]) -> Vec<HeaderName> {
    let named =
        named(messages, Location::Header).filter_map(|name| HeaderName::from_str(name).ok());
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
