//! Which policies follow from the contracts alone? Forbids that no permit can undo: the tenant of
//! the resource is the caller's, and the scopes that the contract asks for are there.
//!
//! Both are written in the guarded form `forbid … unless { has && has && == }`: Cedar skips a
//! policy that fails to evaluate, so a forbid that reads a missing attribute would let through
//! what it was to stop. What is not permitted by any policy is denied without any text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use portcullis_spec::{ApiModel, Operation, TenantSource};

use crate::schema::{namespace, quoted};

/// Text of the file `baseline.cedar` for the APIs in the order given.
#[must_use]
pub fn baseline(apis: &[&ApiModel]) -> String {
    let mut text = String::from(
        "// Made from the contracts; do not edit.
// Permits belong in other files; nothing is permitted here.
",
    );
    for api in apis {
        tenants(api, &mut text);
        scopes(api, &mut text);
    }
    text
}

fn tenants(api: &ApiModel, text: &mut String) {
    let space = namespace(api.api.as_str());
    let mut bound: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for operation in &api.operations {
        let rule = &operation.resource;
        if rule.tenant != TenantSource::None {
            bound.entry(&rule.entity).or_default().push(action(&space, operation));
        }
    }
    for (entity, actions) in bound {
        let _infallible = write!(
            text,
            "\n@id({})\n@reason(\"authorize.tenant_mismatch\")\nforbid (\n  principal,\n  action in \
             [{}],\n  resource is {space}::{entity}\n)\nunless {{\n  principal has tenant && \
             resource has tenant && principal.tenant == resource.tenant\n}};\n",
            quoted(&format!("baseline.{}.tenant.{entity}", api.api)),
            actions.join(", "),
        );
    }
}

fn scopes(api: &ApiModel, text: &mut String) {
    let space = namespace(api.api.as_str());
    for operation in &api.operations {
        let Some(condition) = scope_condition(operation) else { continue };
        let _infallible = write!(
            text,
            "\n@id({})\n@reason(\"authorize.scope_insufficient\")\nforbid (\n  principal,\n  action \
             == {},\n  resource\n)\nunless {{ {condition} }};\n",
            quoted(&format!("baseline.{}.scope.{}", api.api, operation.id)),
            action(&space, operation),
        );
    }
}

/// The scopes of each alternative; `None` where one alternative asks for none.
fn scope_condition(operation: &Operation) -> Option<String> {
    let mut alternatives = Vec::new();
    for requirement in &operation.security {
        let scopes: Vec<String> =
            requirement.schemes.values().flatten().map(|scope| quoted(scope)).collect();
        if scopes.is_empty() {
            return None;
        }
        alternatives.push(format!("principal.scopes.containsAll([{}])", scopes.join(", ")));
    }
    (!alternatives.is_empty()).then(|| alternatives.join(" || "))
}

fn action(space: &str, operation: &Operation) -> String {
    format!("{space}::Action::{}", quoted(operation.id.as_str()))
}
