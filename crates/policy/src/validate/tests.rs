//! Is what is found of a policy what Cedar finds, and where it is said to apply where Cedar says so?
//! Over schemas of several namespaces, with heads and conditions that are right and wrong.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::collections::BTreeSet;

use cedar_policy_core::ast::{Policy, PolicyID, PolicySet};
use cedar_policy_core::extensions::Extensions;
use cedar_policy_core::parser;
use cedar_policy_core::validator::typecheck::{PolicyCheck, Typechecker};
use cedar_policy_core::validator::{ValidationMode, Validator, ValidatorSchema};
use proptest::prelude::*;

use super::check;
use crate::environments::Environments;

/// Two APIs as they are generated; they have names in common.
const GENERATED: &str = r#"
namespace Orders {
  entity Anonymous { scopes: Set<String>, roles: Set<String> };
  entity ApiKey { tenant?: String, scopes: Set<String>, roles: Set<String> };
  entity User { tenant?: String, scopes: Set<String>, roles: Set<String>, "plan"?: String };
  entity Order { tenant?: String };
  entity Catalogue;
  action "op_read"; action "op_write"; action "tag:a"; action "scope:read";
  action "get" in ["op_read", "tag:a", "scope:read"] appliesTo
    { principal: [ApiKey, User], resource: [Order], context: { zone: String, token_age?: Long } };
  action "put" in ["op_write", "tag:a"] appliesTo
    { principal: [ApiKey, User], resource: [Order], context: { zone: String, token_age?: Long } };
  action "see" in ["op_read"] appliesTo
    { principal: [Anonymous, User], resource: [Catalogue], context: { zone: String, token_age?: Long } };
}
namespace Bills {
  entity ApiKey { tenant?: String, scopes: Set<String>, roles: Set<String> };
  entity User { tenant?: String, scopes: Set<String>, roles: Set<String> };
  entity Order { tenant?: String };
  action "op_read"; action "scope:read";
  action "get" in ["op_read", "scope:read"] appliesTo
    { principal: [ApiKey, User], resource: [Order], context: { zone: String } };
}
"#;

/// Entities in groups, and groups of groups: more than contracts make today.
const HIERARCHY: &str = r#"
namespace Bills {
  entity Team;
  entity User in [Team] { age: Long };
  entity Folder;
  entity Order in [Folder] { tenant?: String };
  action "all"; action "op_read" in ["all"];
  action "get" in ["op_read"] appliesTo { principal: [User], resource: [Order, Folder] };
}
namespace Orders {
  entity User in [Bills::Team] { age: Long };
  action "get" in [Bills::Action::"op_read"] appliesTo { principal: [User, Bills::User], resource: [Bills::Order] };
}
"#;

fn messages<'a>(said: impl Iterator<Item = &'a (impl std::fmt::Display + 'a)>) -> BTreeSet<String> {
    said.map(ToString::to_string).collect()
}

fn validator(schema: &str) -> Validator {
    let schema = ValidatorSchema::from_cedarschema_str(schema, Extensions::all_available());
    Validator::new(schema.unwrap().0)
}

/// Holds what is found of a policy against Cedar; how many environments it applies in.
fn compare(validator: &Validator, text: &str) -> usize {
    let environments = Environments::of(validator.schema());
    let policy = parser::parse_policy(Some(PolicyID::from_string("it")), text);
    let policy = Policy::from(policy.unwrap());
    let checked = check(validator, &environments, &policy).unwrap();
    let mut alone = PolicySet::new();
    alone.add(policy.clone()).unwrap();
    let whole = validator.validate(&alone, ValidationMode::Strict);
    assert_eq!(messages(checked.errors.iter()), messages(whole.validation_errors()), "{text}");
    assert_eq!(messages(checked.warnings.iter()), messages(whole.validation_warnings()), "{text}");
    let types = Typechecker::new(validator.schema(), ValidationMode::Strict);
    let everywhere = types.typecheck_by_request_env(policy.template());
    let applies: BTreeSet<String> = everywhere
        .filter(|(_, found)| matches!(found, PolicyCheck::Success(_)))
        .map(|(environment, _)| format!("{environment:?}"))
        .collect();
    let found: BTreeSet<String> = checked
        .applies
        .iter()
        .map(|index| format!("{:?}", environments.all()[*index].typed))
        .collect();
    // a policy with errors never decides, wherever it applies
    if checked.errors.is_empty() {
        assert_eq!(found, applies, "{text}");
    }
    found.len()
}

const PRINCIPALS: [&str; 10] = [
    "principal",
    "principal is Orders::User",
    "principal is Bills::User",
    "principal is Orders::Anonymous",
    "principal == Orders::User::\"ada\"",
    "principal in Bills::User::\"ada\"",
    "principal in Bills::Team::\"t\"",
    "principal is Orders::User in Bills::Team::\"t\"",
    "principal is Nothing::User",
    "principal == Orders::Order::\"7\"",
];

const ACTIONS: [&str; 12] = [
    "action",
    "action == Orders::Action::\"get\"",
    "action == Bills::Action::\"get\"",
    "action == Orders::Action::\"op_read\"",
    "action in Orders::Action::\"op_read\"",
    "action in Bills::Action::\"all\"",
    "action in Orders::Action::\"tag:a\"",
    "action in Orders::Action::\"scope:read\"",
    "action in [Orders::Action::\"get\", Bills::Action::\"get\"]",
    "action in [Orders::Action::\"op_read\", Bills::Action::\"op_read\", Orders::Action::\"put\"]",
    "action in [Orders::Action::\"get\", Orders::Action::\"nothing\"]",
    "action in []",
];

const RESOURCES: [&str; 8] = [
    "resource",
    "resource is Orders::Order",
    "resource is Bills::Order",
    "resource == Orders::Order::\"7\"",
    "resource in Bills::Folder::\"f\"",
    "resource is Bills::Order in Bills::Folder::\"f\"",
    "resource in Orders::Catalogue::\"c\"",
    "resource == Orders::Nothing::\"7\"",
];

const CONDITIONS: [&str; 14] = [
    "",
    "when { principal has tenant && resource has tenant && principal.tenant == resource.tenant }",
    "when { principal.tenant == \"a\" }",
    "when { resource.owner == \"x\" }",
    "when { principal has plan && principal.plan == \"gold\" }",
    "unless { principal.scopes.contains(\"admin\") }",
    "when { principal is Orders::User && principal has plan }",
    "when { principal is Bills::User }",
    "when { action == Orders::Action::\"get\" || action in Bills::Action::\"op_read\" }",
    "when { action == Orders::Action::\"nothing\" }",
    "when { context has token_age && context.token_age > 3 }",
    "when { context.zone }",
    "when { false }",
    "when { context.zone == \"p\u{430}ypal\" }",
];

#[test]
fn every_head_and_condition_is_found_as_cedar_finds_it() {
    let (mut compared, mut applying) = (0, 0);
    for validator in [validator(GENERATED), validator(HIERARCHY)] {
        for (number, principal) in PRINCIPALS.iter().enumerate() {
            for (other, action) in ACTIONS.iter().enumerate() {
                for (third, resource) in RESOURCES.iter().enumerate() {
                    // every head, with two conditions that change from head to head
                    for more in [0, 7] {
                        let at = (number * 5 + other * 3 + third + more) % CONDITIONS.len();
                        let text = format!(
                            "permit ({principal}, {action}, {resource}) {};",
                            CONDITIONS[at]
                        );
                        compared += 1;
                        applying += usize::from(compare(&validator, &text) > 0);
                    }
                }
            }
        }
    }
    // a comparison of policies that never apply would say little
    assert!(compared == 3_840 && applying > 100, "{applying} of {compared}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_head_with_any_conditions_is_found_as_cedar_finds_it(
        schema in prop::sample::select(vec![GENERATED, HIERARCHY]),
        effect in prop::sample::select(vec!["permit", "forbid"]),
        principal in prop::sample::select(PRINCIPALS.to_vec()),
        action in prop::sample::select(ACTIONS.to_vec()),
        resource in prop::sample::select(RESOURCES.to_vec()),
        conditions in prop::collection::vec(prop::sample::select(CONDITIONS.to_vec()), 0..3),
    ) {
        let text = format!("{effect} ({principal}, {action}, {resource}) {};", conditions.concat());
        compare(&validator(schema), &text);
    }
}
