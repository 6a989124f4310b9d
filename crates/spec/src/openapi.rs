//! Is it OpenAPI, which version, and what does it offer? The order of the reading: text, version,
//! one dialect of schemas, references, operations.

use std::collections::BTreeMap;

use portcullis_diagnostics::{Finding, SourceId};
use portcullis_model::ApiId;
use serde_json::Value;

use crate::model::{ApiModel, Contract, Messages, Operation, TenantSource};
use crate::normalise::{Dialect, normalise};
use crate::report::{OUTWARD, Report, Rule};
use crate::{operation, reference, security, text};

const VERSION: Rule = Rule {
    code: "PC0240",
    why: "versions differ in what schemas mean; an unknown one could mean anything",
    fix: "write `openapi: 3.1.0` (or 3.0.x), in a document of that version",
};

const NOTHING: Rule = Rule {
    code: "PC0241",
    why: "what no contract lists is refused, so nothing of this API can be reached",
    fix: "list its operations under `paths`",
};

const DIALECT: Rule = Rule {
    code: "PC0242",
    why: "schemas are judged as JSON Schema 2020-12; under another dialect they mean something else",
    fix: "remove `jsonSchemaDialect`, or convert the schemas",
};

const MIXED: Rule = Rule {
    code: "PC0234",
    why: "the tenant is compared for some operations on the resource and not for others",
    fix: "give what has no tenant a resource of its own: `x-portcullis: {resource: …}`",
};

/// Dialects that are 2020-12 as OpenAPI 3.1 uses it.
const DIALECTS: [&str; 2] = [
    "https://spec.openapis.org/oas/3.1/dialect/base",
    "https://json-schema.org/draft/2020-12/schema",
];

/// Reads a contract (OpenAPI 3.0 or 3.1, YAML or JSON). `None` only if a finding is an error.
#[must_use]
pub fn read(api: &ApiId, source: &SourceId, text: &str) -> (Option<Contract>, Vec<Finding>) {
    let mut report = Report::new(source, text);
    let contract = read_document(api, text, &mut report);
    let contract = contract.filter(|_| !report.has_errors());
    (contract, report.into_findings())
}

fn read_document(api: &ApiId, text: &str, report: &mut Report<'_>) -> Option<Contract> {
    let mut document = text::parse(text, report)?;
    let dialect = dialect(&document, report)?;
    normalise(&mut document, dialect, report);
    reference::check(&document, report);
    security::check_schemes(&document, report);
    if document.get("webhooks").is_some() {
        report.warning(OUTWARD, "/webhooks", "webhooks are ignored");
    }
    let operations = operation::read(&document, report);
    if operations.is_empty() && !report.has_errors() {
        report.error(NOTHING, "/paths", "the contract lists no operation");
    }
    warn_of_mixed_tenants(&operations, report);
    let info = |key: &str| document.pointer(&format!("/info/{key}")).and_then(Value::as_str);
    let title = info("title").unwrap_or(api.as_str()).to_owned();
    let version = info("version").unwrap_or_default().to_owned();
    let model = |operations| ApiModel { api: api.clone(), title, version, operations };
    Some(Contract::new(model, operations, document))
}

fn dialect(document: &Value, report: &mut Report<'_>) -> Option<Dialect> {
    let version = match document.get("openapi") {
        Some(Value::String(version)) => version.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let is = |prefix: &str| version == prefix || version.starts_with(&format!("{prefix}."));
    if is("3.0") {
        return Some(Dialect::V30);
    }
    if !is("3.1") {
        report.error(VERSION, "/openapi", format!("version `{version}` is not supported"));
        return None;
    }
    if let Some(named) = document.get("jsonSchemaDialect")
        && !named.as_str().is_some_and(|named| DIALECTS.contains(&named))
    {
        let message = format!("dialect {named} is not supported");
        report.error(DIALECT, "/jsonSchemaDialect", message);
    }
    Some(Dialect::V31)
}

fn warn_of_mixed_tenants(operations: &[(Operation, Messages)], report: &mut Report<'_>) {
    let mut by_entity: BTreeMap<&str, [Option<&Operation>; 2]> = BTreeMap::new();
    for (operation, _) in operations {
        let kinds = by_entity.entry(&operation.resource.entity).or_default();
        let [with, without] = kinds;
        let none = operation.resource.tenant == TenantSource::None;
        (if none { without } else { with }).get_or_insert(operation);
    }
    for (entity, kinds) in by_entity {
        if let [Some(with), Some(without)] = kinds {
            let place = format!(
                "/paths/{}/{}",
                reference::escape(&without.template.text),
                without.method.as_str().to_ascii_lowercase()
            );
            let message = format!(
                "`{entity}` has no tenant in `{}` and has one in `{}`",
                without.id, with.id
            );
            report.warning(MIXED, &place, message);
        }
    }
}
