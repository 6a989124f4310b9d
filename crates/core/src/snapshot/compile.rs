//! Can this estate be enforced? Declaration, contracts and policies become a [`Snapshot`], with
//! every problem found at once, or nothing.
//!
//! Files are handed in as texts; reading them is the caller's business.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::digest;
use http::HeaderName;
use portcullis_config::Declaration;
use portcullis_config::declaration::{Api, AttributeKind, Provider};
use portcullis_diagnostics::{Finding, SourceId, Span};
use portcullis_identity::certificate;
use portcullis_model::ProviderId;
use portcullis_policy::{AttributeType, Engine};
use portcullis_reading::owned::OwnedHeaders;
use portcullis_spec::{ApiModel, Contract};

use super::{headers, own, signers, tokens};
use crate::span::Sampling;

use super::operations::Compiling;
use super::{CompiledBoundary, Snapshot};

/// Attributes of callers with a certificate, and their types.
const CERTIFICATE_TYPES: [(&str, AttributeType); 3] = [
    ("certificate_dns", AttributeType::Texts),
    ("certificate_fingerprint", AttributeType::Text),
    ("certificate_uris", AttributeType::Texts),
];

/// Everything that a snapshot is made from.
#[derive(Debug)]
pub struct Estate {
    /// The declaration, resolved.
    pub declaration: Declaration,
    /// Its text, for the revision.
    pub declaration_text: String,
    /// Name and text of the overlay that was laid over it, for the revision.
    pub overlay_text: Option<(String, String)>,
    /// Contract texts by the path that the declaration gives them.
    pub contracts: BTreeMap<String, String>,
    /// Policy files.
    pub policies: Vec<(SourceId, String)>,
}

/// Compiles an estate. Without any error among the findings, there is a snapshot.
#[must_use]
pub fn compile(estate: Estate) -> (Option<Snapshot>, Vec<Finding>) {
    let mut findings = Vec::new();
    let mut compiling = Compiling::new(&estate.declaration, &estate.contracts);
    let models = read_contracts(&estate, &mut findings, |api, read| compiling.add(api, read));
    let (router, operations) = compiling.finish(&models, &mut findings);
    let engine = compile_policies(&estate, models, &mut findings);
    own::check(&estate.declaration, &router, &mut findings);
    let revision = revision(&estate);
    let declaration = estate.declaration;
    let (tokens, introspection) = (tokens::signed(&declaration), tokens::opaque(&declaration));
    let certificates = certificate_rules(&declaration);
    let signatures = signers::signatures(&declaration, &mut findings);
    let webhooks = signers::webhooks(&declaration);
    let api_key_headers = api_key_headers(&declaration);
    let owned = OwnedHeaders::standard();
    headers::check(&declaration, &owned, &api_key_headers, &mut findings);
    let engine = match engine {
        Some(engine) if !findings.iter().any(Finding::is_error) => engine,
        Some(_) | None => return (None, findings),
    };
    let crossings = declaration
        .boundaries
        .iter()
        .map(|(id, boundary)| {
            let compiled = CompiledBoundary { id: id.clone(), boundary: boundary.clone() };
            ((boundary.from.clone(), boundary.to.clone()), Arc::new(compiled))
        })
        .collect();
    let snapshot = Snapshot {
        revision,
        router,
        operations,
        crossings,
        tokens,
        introspection,
        certificates,
        signatures,
        webhooks,
        api_key_headers,
        engine,
        owned: Arc::new(owned),
        sampling: Sampling::declared(declaration.telemetry.otlp.as_ref()),
        declaration,
    };
    (Some(snapshot), findings)
}

/// What else is wrong with an estate whose declaration has errors: in its contracts, and in the
/// texts of its policies.
#[must_use]
pub fn survey(estate: &Estate) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut compiling = Compiling::new(&estate.declaration, &estate.contracts);
    let models = read_contracts(estate, &mut findings, |api, read| compiling.add(api, read));
    let (router, _) = compiling.finish(&models, &mut findings);
    own::check(&estate.declaration, &router, &mut findings);
    findings.extend(read_policies(
        estate,
        "policies name what the declaration makes, which has errors",
    ));
    findings
}

/// The text that the estate's `baseline.cedar` must have. Without any error among the findings,
/// there is one.
#[must_use]
pub fn baseline_text(estate: &Estate) -> (Option<String>, Vec<Finding>) {
    let mut findings = Vec::new();
    let models = read_contracts(estate, &mut findings, |_, _| {});
    let models: Vec<&ApiModel> = models.iter().collect();
    let whole = !findings.iter().any(Finding::is_error);
    (whole.then(|| portcullis_policy::baseline(&models)), findings)
}

/// The Cedar schema that policies of the estate are held against.
#[must_use]
pub fn schema_text(estate: &Estate) -> (Option<String>, Vec<Finding>) {
    let mut findings = Vec::new();
    let models = read_contracts(estate, &mut findings, |_, _| {});
    let models: Vec<&ApiModel> = models.iter().collect();
    let whole = !findings.iter().any(Finding::is_error);
    let schema = || portcullis_policy::cedar_schema(&models, &attribute_types(&estate.declaration));
    (whole.then(schema), findings)
}

/// What the APIs offer. Each contract is lent out once, and not kept.
fn read_contracts(
    estate: &Estate,
    findings: &mut Vec<Finding>,
    mut compile: impl FnMut(&Api, &Contract),
) -> Vec<ApiModel> {
    let mut models = Vec::new();
    for (id, api) in &estate.declaration.apis {
        let Some(text) = estate.contracts.get(&api.contract.value) else {
            findings.push(
                Finding::error(
                    "PC0501",
                    format!("contract `{}` cannot be read", api.contract.value),
                )
                .at(api.contract.span.clone(), "this file")
                .why("operations come from contracts; without one, nothing of the API is reachable")
                .fix("check the path, relative to the folder of the declaration"),
            );
            continue;
        };
        let source = SourceId::new(&api.contract.value);
        let (contract, found) = portcullis_spec::read(id, &source, text);
        findings.extend(found);
        let Some(contract) = contract else { continue };
        compile(api, &contract);
        models.push(contract.model);
    }
    models
}

fn compile_policies(
    estate: &Estate,
    models: Vec<ApiModel>,
    findings: &mut Vec<Finding>,
) -> Option<Engine> {
    if models.len() < estate.declaration.apis.len() {
        let why = "policies name what the contracts make, which have errors";
        findings.extend(read_policies(estate, why));
        return None;
    }
    let of: Vec<&ApiModel> = models.iter().collect();
    findings.extend(check_baseline(estate, &portcullis_policy::baseline(&of)));
    let schema = portcullis_policy::cedar_schema(&of, &attribute_types(&estate.declaration));
    // from here on the schema says it
    drop(models);
    let (engine, found) = Engine::compile(&schema, &estate.policies);
    findings.extend(found);
    engine
}

/// Policies without the schema that they would be held against, and why there is none.
fn read_policies(estate: &Estate, why: &str) -> Vec<Finding> {
    let mut findings = portcullis_policy::read_only(&estate.policies);
    findings.push(
        Finding::note("PC0306", "policies are read, and not yet held against the contracts")
            .why(why)
            .fix("mend the other findings first"),
    );
    findings
}

/// The visible baseline is the one that the contracts make: nobody edited it, and no contract
/// changed without it.
fn check_baseline(estate: &Estate, expected: &str) -> Option<Finding> {
    let folder = &estate.declaration.policies;
    let path = format!("{}/baseline.cedar", folder.value);
    let standing = estate.policies.iter().find(|(source, _)| source.as_str() == path);
    let finding = match standing {
        Some((_, text)) if text == expected => return None,
        Some((source, text)) => {
            let same = |(left, right): &(&str, &str)| left == right;
            let lines = text.split_inclusive('\n').zip(expected.split_inclusive('\n'));
            let start = lines.take_while(same).map(|(line, _)| line.len()).sum();
            let end = text.get(start..).and_then(|rest| rest.find('\n')).unwrap_or(0);
            let span = Span::new(source.clone(), start, end.saturating_add(start));
            Finding::error("PC0305", format!("`{path}` is not what the contracts make of it"))
                .at(span, "the first line that differs")
        }
        None => Finding::error("PC0305", format!("`{path}` is missing"))
            .at(folder.span.clone(), "this folder"),
    };
    let why =
        "it holds the tenants and scopes of the contracts; whoever reviews policies must see it";
    Some(finding.why(why).fix("run `portcullis policy baseline`, and review what changed"))
}

/// The attributes that policies may use, over all providers.
#[must_use]
pub fn attribute_types(declaration: &Declaration) -> BTreeMap<String, AttributeType> {
    let mut types = BTreeMap::new();
    for provider in declaration.providers.values() {
        let claims = match provider {
            Provider::Jwt(provider) => &provider.claims,
            Provider::Introspection(provider) => &provider.claims,
            Provider::ApiKeys(_) | Provider::Signatures(_) | Provider::Webhook(_) => continue,
            Provider::Certificates(_) => {
                types.extend(CERTIFICATE_TYPES.map(|(name, kind)| (name.to_owned(), kind)));
                continue;
            }
        };
        for (name, attribute) in &claims.attributes {
            let kind = match attribute.kind {
                AttributeKind::Flag => AttributeType::Flag,
                AttributeKind::Number => AttributeType::Number,
                AttributeKind::Text => AttributeType::Text,
                AttributeKind::Texts | AttributeKind::TextOrTexts => AttributeType::Texts,
            };
            types.insert(name.clone(), kind);
        }
    }
    types
}

fn certificate_rules(declaration: &Declaration) -> BTreeMap<ProviderId, certificate::Rules> {
    let mut rules = BTreeMap::new();
    for (id, provider) in &declaration.providers {
        let Provider::Certificates(provider) = provider else { continue };
        let grants = provider.grants.iter().map(|(subject, grant)| {
            let granted = certificate::Granted {
                tenant: grant.tenant.clone(),
                scopes: grant.scopes.clone(),
                roles: grant.roles.clone(),
            };
            (subject.clone(), granted)
        });
        let names = provider.subject.clone();
        let of_provider =
            certificate::Rules { provider: id.clone(), names, grants: grants.collect() };
        rules.insert(id.clone(), of_provider);
    }
    rules
}

fn api_key_headers(declaration: &Declaration) -> BTreeMap<ProviderId, HeaderName> {
    let mut headers = BTreeMap::new();
    for (id, provider) in &declaration.providers {
        if let Provider::ApiKeys(keys) = provider
            && let Ok(name) = HeaderName::from_bytes(keys.header.as_bytes())
        {
            headers.insert(id.clone(), name);
        }
    }
    headers
}

fn revision(estate: &Estate) -> Arc<str> {
    let mut context = digest::Context::new(&digest::SHA256);
    let mut add = |name: &str, text: &str| {
        for part in [name, text] {
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part.as_bytes());
        }
    };
    add("declaration", &estate.declaration_text);
    if let Some((name, text)) = &estate.overlay_text {
        add("overlay", name);
        add(name, text);
    }
    for (path, text) in &estate.contracts {
        add(path, text);
    }
    for (source, text) in &estate.policies {
        add(source.as_str(), text);
    }
    Arc::from(portcullis_model::written::hex(context.finish().as_ref()))
}
