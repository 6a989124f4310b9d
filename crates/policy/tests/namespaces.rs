//! Can a policy of one API say anything about another? Over two APIs that have every name in common,
//! with policies whose heads name one of them, both, or none.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};

use portcullis_diagnostics::{Finding, SourceId};
use portcullis_model::{
    ApiId, Decision, Method, OperationId, Principal, PrincipalKind, ProviderId, Timestamp,
};
use portcullis_policy::{Context, Engine, Question, Resource, Verdict, baseline, cedar_schema};
use portcullis_spec::ApiModel;
use proptest::prelude::*;

const CONTRACT: &str = r#"
openapi: 3.1.0
info: {title: Things, version: "1"}
components:
  securitySchemes:
    token: {type: openIdConnect, openIdConnectUrl: "https://id.shop.example"}
security: [{token: [read]}]
paths:
  /things:
    get: {operationId: list, tags: [open], responses: {}}
    post: {operationId: make, responses: {}}
  /things/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get: {operationId: see, tags: [open], responses: {}}
    delete: {operationId: drop, security: [{token: [admin]}], responses: {}}
  /news:
    get:
      operationId: news
      security: []
      x-portcullis: {resource: News, public: "news are no secret"}
      responses: {}
"#;

/// Names where one begins like the other, and one that is neither.
const APIS: [(&str, &str); 3] = [("a", "A"), ("a-b", "AB"), ("b", "B")];

const OPERATIONS: [(&str, &str); 5] = [
    ("list", "ThingCollection"),
    ("make", "ThingCollection"),
    ("see", "Thing"),
    ("drop", "Thing"),
    ("news", "News"),
];

fn models() -> Vec<ApiModel> {
    let read = |(api, _): &(&str, &str)| {
        portcullis_spec::read(&ApiId::new(api), &SourceId::new("things.yaml"), CONTRACT)
            .0
            .unwrap()
            .model
    };
    APIS.iter().map(read).collect()
}

fn engine(policies: &str) -> Option<Engine> {
    let models = models();
    let models: Vec<&ApiModel> = models.iter().collect();
    let files = [
        (SourceId::new("policies/baseline.cedar"), baseline(&models)),
        (SourceId::new("policies/own.cedar"), policies.to_owned()),
    ];
    let (engine, findings) = Engine::compile(&cedar_schema(&models, &BTreeMap::new()), &files);
    // a warning (a policy that can never apply) is no reason not to decide
    assert!(engine.is_some() != findings.iter().any(Finding::is_error), "{findings:#?}");
    engine
}

fn ask<T>(
    principal: &Principal,
    api: &str,
    (operation, entity): (&str, &str),
    ask: impl Fn(&Question<'_>) -> T,
) -> T {
    let (api, operation) = (ApiId::new(api), OperationId::new(operation));
    let tenant = Some("t").filter(|_| entity != "News");
    ask(&Question {
        principal,
        api: &api,
        operation: &operation,
        resource: Resource { entity, id: "7", tenant },
        context: Context {
            address: "10.0.0.1".parse().unwrap(),
            zone: "public",
            now: Timestamp::from_secs(1_790_000_000),
            token_age_secs: Some(3),
            auth_age_secs: Some(4),
            method: Method::Get,
        },
    })
}

fn caller(kind: PrincipalKind) -> Principal {
    if kind == PrincipalKind::Anonymous {
        return Principal::anonymous();
    }
    Principal {
        kind,
        provider: Some(ProviderId::new("idp")),
        subject: "ada".to_owned(),
        tenant: Some("t".to_owned()),
        scopes: BTreeSet::from(["read".to_owned(), "admin".to_owned()]),
        ..Principal::anonymous()
    }
}

/// What the engine says; it must be what Cedar says over all policies, where the schema has such a
/// request at all.
fn verdict(engine: &Engine, principal: &Principal, api: &str, operation: (&str, &str)) -> Verdict {
    let sliced = ask(principal, api, operation, |question| engine.decide(question));
    if principal.kind == PrincipalKind::Anonymous && operation.0 != "news" {
        assert_eq!(sliced.decision, Decision::Deny);
    } else {
        let whole = ask(principal, api, operation, |question| engine.decide_unsliced(question));
        assert_eq!(sliced, whole);
    }
    sliced
}

/// Every caller and operation of an API that the engine lets through.
fn allowed(engine: &Engine, api: &str) -> BTreeSet<String> {
    let mut allowed = BTreeSet::new();
    for kind in [
        PrincipalKind::Anonymous,
        PrincipalKind::ApiKey,
        PrincipalKind::User,
        PrincipalKind::Workload,
    ] {
        let principal = caller(kind);
        for operation in OPERATIONS {
            if verdict(engine, &principal, api, operation).decision == Decision::Allow {
                allowed.insert(format!("{kind:?} {}", operation.0));
            }
        }
    }
    allowed
}

/// Heads that name one API in one of their parts, with `$` for its namespace.
const OF_ONE: [(&str, &str, &str); 11] = [
    ("principal is $::User", "action", "resource"),
    ("principal == $::User::\"idp|ada\"", "action", "resource"),
    ("principal", "action == $::Action::\"see\"", "resource"),
    ("principal", "action in $::Action::\"op_read\"", "resource"),
    ("principal", "action in $::Action::\"tag:open\"", "resource"),
    ("principal", "action in $::Action::\"scope:read\"", "resource"),
    ("principal", "action in [$::Action::\"op_write\", $::Action::\"drop\"]", "resource"),
    ("principal", "action", "resource is $::Thing"),
    ("principal", "action", "resource == $::Thing::\"7\""),
    ("principal", "action", "resource in $::ThingCollection::\"7\""),
    ("principal is $::User", "action in $::Action::\"op_read\"", "resource is $::Thing"),
];

#[test]
fn a_permit_of_one_api_permits_nothing_of_another() {
    let mut permitting = 0;
    for (principal, action, resource) in OF_ONE {
        for (api, namespace) in APIS {
            let head = format!("permit ({principal}, {action}, {resource});");
            let engine = engine(&head.replace('$', namespace)).unwrap();
            permitting += allowed(&engine, api).len();
            for (other, _) in APIS.iter().filter(|(other, _)| *other != api) {
                assert!(allowed(&engine, other).is_empty(), "{head} of {api} permits in {other}");
            }
        }
    }
    assert!(permitting > 50, "{permitting}");
}

#[test]
fn a_head_without_an_api_speaks_of_all_of_them() {
    let engine = engine("permit (principal, action, resource);").unwrap();
    let first = allowed(&engine, "a");
    assert_eq!(first.len(), 3 * OPERATIONS.len() + 1, "{first:?}");
    for (api, _) in APIS {
        assert_eq!(allowed(&engine, api), first, "{api}");
    }
    let but = "permit (principal, action, resource);
               forbid (principal, action, resource is AB::Thing) when { principal.tenant == \"t\" };";
    // `principal.tenant` may be missing: a forbid that could fail is an error wherever it applies
    assert!(self::engine(but).is_none());
}

#[test]
fn a_forbid_of_one_api_takes_nothing_from_another() {
    let open = engine("permit (principal, action, resource);").unwrap();
    for (principal, action, resource) in OF_ONE {
        let text = format!(
            "permit (principal, action, resource);\nforbid ({principal}, {action}, {resource});"
        );
        let engine = engine(&text.replace('$', "AB")).unwrap();
        assert!(allowed(&engine, "a-b").len() < allowed(&open, "a-b").len(), "{text}");
        for other in ["a", "b"] {
            assert_eq!(allowed(&engine, other), allowed(&open, other), "{text}");
        }
    }
}

#[test]
fn a_head_that_mixes_apis_permits_nothing() {
    for text in [
        "permit (principal is A::User, action == B::Action::\"see\", resource);",
        "permit (principal is A::User, action, resource is B::Thing);",
        "permit (principal, action in AB::Action::\"op_read\", resource is A::Thing);",
    ] {
        let engine = engine(text).unwrap();
        assert!(APIS.iter().all(|(api, _)| allowed(&engine, api).is_empty()), "{text}");
    }
}

fn policy() -> impl Strategy<Value = String> {
    let head = prop::sample::select(OF_ONE.to_vec());
    let effect = prop::sample::select(vec!["permit", "permit", "forbid"]);
    let condition = prop::sample::select(vec![
        "",
        "when { principal is A::User }",
        "when { principal is A::User || principal is B::ApiKey }",
        "unless { action == AB::Action::\"see\" }",
        "when { action in [B::Action::\"op_read\"] }",
        "when { resource is AB::Thing }",
        "when { principal.scopes.contains(\"admin\") }",
        "when { context has token_age && context.token_age * 9223372036854775807 > 0 }",
    ]);
    // which part names its API, and which API: also none
    let named = prop::array::uniform3(prop::sample::select(vec!["", "A", "AB", "B"]));
    (effect, head, named, condition).prop_map(
        |(effect, (principal, action, resource), [of, by, on], condition)| {
            let part = |text: &str, named: &str, word: &str| match named {
                "" => word.to_owned(),
                named => text.replace('$', named),
            };
            let principal = part(principal, of, "principal");
            let action = part(action, by, "action");
            let resource = part(resource, on, "resource");
            format!("{effect} ({principal}, {action}, {resource}) {condition};\n")
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn sliced_is_unsliced_over_several_apis(
        policies in prop::collection::vec(policy(), 1..6),
        kind in prop::sample::select(vec![
            PrincipalKind::Anonymous, PrincipalKind::ApiKey, PrincipalKind::User, PrincipalKind::Workload,
        ]),
    ) {
        let engine = engine(&policies.concat());
        prop_assert!(engine.is_some(), "{}", policies.concat());
        let engine = engine.unwrap();
        let principal = caller(kind);
        for (api, _) in APIS {
            for operation in OPERATIONS {
                verdict(&engine, &principal, api, operation);
            }
        }
    }
}
