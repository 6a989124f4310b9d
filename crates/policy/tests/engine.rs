//! Do policies decide as they are written, from a contract to a verdict?

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};

use portcullis_diagnostics::{Finding, SourceId};
use portcullis_model::{
    ApiId, Attribute, Decision, Method, OperationId, Principal, PrincipalKind, ProviderId, Reason,
    Timestamp,
};
use portcullis_policy::{
    AttributeType, Context, Engine, Question, Resource, Verdict, baseline, cedar_schema,
};
use portcullis_spec::ApiModel;
use proptest::prelude::*;
use proptest::strategy::ValueTree;

const CONTRACT: &str = r#"
openapi: 3.1.0
info: {title: Orders, version: "1"}
components:
  securitySchemes:
    token: {type: openIdConnect, openIdConnectUrl: "https://id.shop.example"}
security: [{token: [orders.read]}]
paths:
  /orders:
    get: {operationId: listOrders, tags: [orders], responses: {}}
    post: {operationId: createOrder, security: [{token: [orders.write]}, {token: [admin]}], responses: {}}
  /orders/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get: {operationId: getOrder, responses: {}}
    delete: {operationId: deleteOrder, security: [{token: []}], responses: {}}
  /catalogue:
    get:
      operationId: catalogue
      security: []
      x-portcullis: {public: "prices are no secret"}
      responses: {}
"#;

const PERMITS: &str = r#"
@id("readers") permit (principal, action in Orders::Action::"op_read", resource);
@id("writers") permit (principal is Orders::User, action == Orders::Action::"createOrder", resource);
@id("gold-only")
@reason("authorize.forbidden")
forbid (principal, action == Orders::Action::"createOrder", resource)
unless { principal has plan && principal.plan == "gold" };
@id("home-only")
forbid (principal, action == Orders::Action::"deleteOrder", resource)
unless { context.address.isInRange(ip("10.0.0.0/8")) && context.now < datetime("2030-01-01") };
@id("deleters") permit (principal, action == Orders::Action::"deleteOrder", resource);
"#;

fn model() -> ApiModel {
    let (model, findings) =
        portcullis_spec::read(&ApiId::new("orders"), &SourceId::new("orders.yaml"), CONTRACT);
    assert!(!findings.iter().any(Finding::is_error), "{findings:?}");
    model.unwrap().model
}

fn schema() -> String {
    let attributes = BTreeMap::from([
        ("plan".to_owned(), AttributeType::Text),
        ("vip".to_owned(), AttributeType::Flag),
        ("level".to_owned(), AttributeType::Number),
        ("groups".to_owned(), AttributeType::Texts),
    ]);
    cedar_schema(&[&model()], &attributes)
}

fn compile(permits: &str) -> (Option<Engine>, Vec<Finding>) {
    let files = [
        (SourceId::new("policies/baseline.cedar"), baseline(&[&model()])),
        (SourceId::new("policies/shop.cedar"), permits.to_owned()),
    ];
    Engine::compile(&schema(), &files)
}

fn engine(permits: &str) -> Engine {
    let (engine, findings) = compile(permits);
    assert!(findings.is_empty(), "{findings:#?}");
    engine.unwrap()
}

fn user(tenant: Option<&str>, scopes: &[&str]) -> Principal {
    Principal {
        kind: PrincipalKind::User,
        provider: Some(ProviderId::new("idp")),
        subject: "ada".to_owned(),
        tenant: tenant.map(str::to_owned),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        ..Principal::anonymous()
    }
}

struct Asked<'a> {
    operation: &'a str,
    entity: &'a str,
    tenant: Option<&'a str>,
    address: &'a str,
}

impl Asked<'_> {
    fn with<T>(&self, principal: &Principal, ask: impl Fn(&Question<'_>) -> T) -> T {
        let (api, operation) = (ApiId::new("orders"), OperationId::new(self.operation));
        ask(&Question {
            principal,
            api: &api,
            operation: &operation,
            resource: Resource { entity: self.entity, id: "7", tenant: self.tenant },
            context: Context {
                address: self.address.parse().unwrap(),
                zone: "public",
                now: Timestamp::from_secs(1_790_000_000),
                token_age_secs: Some(3),
                auth_age_secs: Some(4),
                method: Method::Get,
            },
        })
    }
}

const fn get(tenant: Option<&str>) -> Asked<'_> {
    Asked { operation: "getOrder", entity: "Order", tenant, address: "10.1.2.3" }
}

fn ids(verdict: &Verdict) -> Vec<&str> {
    verdict.determining.iter().map(|one| one.id.as_str()).collect()
}

#[test]
fn a_reader_of_the_tenant_is_permitted_and_told_by_what() {
    let verdict = get(Some("acme"))
        .with(&user(Some("acme"), &["orders.read"]), |q| engine(PERMITS).decide(q));
    assert_eq!(verdict.decision, Decision::Allow);
    assert_eq!(ids(&verdict), ["readers"]);
    let place = &verdict.determining[0];
    assert_eq!((place.source.as_str(), place.line), ("policies/shop.cedar", 2));
}

#[test]
fn another_tenant_none_and_missing_scopes_are_forbidden_with_their_reasons() {
    let engine = engine(PERMITS);
    let scopes = ["orders.read"];
    for (principal, tenant, reason) in [
        (user(Some("acme"), &scopes), Some("evil"), Reason::TenantMismatch),
        (user(Some("acme"), &scopes), None, Reason::TenantMismatch),
        (user(None, &scopes), Some("acme"), Reason::TenantMismatch),
        (user(None, &scopes), None, Reason::TenantMismatch),
        (user(Some("acme"), &["orders.write"]), Some("acme"), Reason::ScopeInsufficient),
        (user(Some("acme"), &[]), Some("acme"), Reason::ScopeInsufficient),
    ] {
        let verdict = get(tenant).with(&principal, |q| engine.decide(q));
        assert_eq!((verdict.decision, verdict.reason), (Decision::Deny, Some(reason)));
        assert!(verdict.errors.is_empty(), "{:?}", verdict.errors);
    }
}

#[test]
fn without_a_permit_everything_is_denied() {
    let verdict =
        get(Some("acme")).with(&user(Some("acme"), &["orders.read"]), |q| engine("").decide(q));
    assert_eq!(verdict.reason, Some(Reason::NotPermitted));
    assert!(verdict.determining.is_empty());
}

#[test]
fn one_of_several_scopes_and_a_declared_attribute() {
    let engine = engine(PERMITS);
    let create = Asked {
        operation: "createOrder",
        entity: "OrderCollection",
        tenant: Some("acme"),
        address: "10.0.0.1",
    };
    let mut gold = user(Some("acme"), &["admin"]);
    assert_eq!(create.with(&gold, |q| engine.decide(q)).reason, Some(Reason::Forbidden));
    gold.attributes.insert("plan".to_owned(), Attribute::Text("gold".to_owned()));
    assert_eq!(create.with(&gold, |q| engine.decide(q)).decision, Decision::Allow);
    gold.scopes = BTreeSet::from(["orders.read".to_owned()]);
    assert_eq!(create.with(&gold, |q| engine.decide(q)).reason, Some(Reason::ScopeInsufficient));
}

#[test]
fn address_and_time_reach_the_policies_that_read_them() {
    let engine = engine(PERMITS);
    let ask = |address| {
        let asked =
            Asked { operation: "deleteOrder", entity: "Order", tenant: Some("acme"), address };
        asked.with(&user(Some("acme"), &[]), |q| engine.decide(q))
    };
    assert_eq!(ask("10.9.9.9").decision, Decision::Allow);
    assert_eq!(ask("192.0.2.1").reason, Some(Reason::Forbidden));
}

#[test]
fn a_name_spelled_with_escapes_is_read_all_the_same() {
    let escaped = format!(
        "{PERMITS}\n@id(\"escaped\") forbid (principal, action == Orders::Action::\"getOrder\", \
         resource) when {{ context has \"\\u{{6e}}ow\" }};"
    )
    .replace("context.now < datetime(\"2030-01-01\")", "true");
    let (engine, findings) = compile(&escaped);
    assert!(!findings.iter().any(Finding::is_error), "{findings:#?}");
    let verdict = get(Some("acme"))
        .with(&user(Some("acme"), &["orders.read"]), |q| engine.as_ref().unwrap().decide(q));
    assert_eq!(ids(&verdict), ["escaped"]);
}

#[test]
fn anonymous_callers_reach_what_the_contract_opens_and_nothing_else() {
    let engine = engine(PERMITS);
    let anonymous = Principal::anonymous();
    let open = Asked { operation: "catalogue", entity: "Catalogue", tenant: None, address: "::1" };
    assert_eq!(open.with(&anonymous, |q| engine.decide(q)).decision, Decision::Allow);
    assert_eq!(get(None).with(&anonymous, |q| engine.decide(q)).reason, Some(Reason::NotPermitted));
}

#[test]
fn what_the_schema_does_not_know_is_denied() {
    let engine = engine(PERMITS);
    let reader = user(Some("acme"), &["orders.read"]);
    for (operation, entity) in [("getOrder", "Other"), ("unknown", "Order"), ("op_read", "Order")] {
        let asked = Asked { operation, entity, tenant: Some("acme"), address: "::1" };
        assert_eq!(asked.with(&reader, |q| engine.decide(q)).decision, Decision::Deny);
    }
}

#[test]
fn an_error_while_deciding_denies() {
    let policies = format!(
        "{PERMITS}\n@id(\"overflow\") forbid (principal, action, resource) \
         when {{ context has token_age && context.token_age * 9223372036854775807 > 0 }};"
    );
    let verdict = get(Some("acme"))
        .with(&user(Some("acme"), &["orders.read"]), |q| engine(&policies).decide(q));
    assert_eq!(verdict.reason, Some(Reason::PolicyError));
    assert_eq!(verdict.errors.len(), 1);
}

#[test]
fn what_is_wrong_with_policies_is_said_all_at_once_with_places() {
    let bad = "permit (principal, action, resource) when { resource.owner == \"x\" };\n\
               @id(\"a\") permit (principal, action == Orders::Action::\"nothing\", resource);\n\
               permit (principal;\n\
               @id(\"r\") @reason(\"no.such\") forbid (principal, action, resource);\n\
               @id(\"r\") forbid (principal, action, resource);\n\
               permit (principal == ?principal, action, resource);";
    let (engine, findings) = compile(bad);
    assert!(engine.is_none());
    let codes: BTreeSet<&str> = findings.iter().map(|finding| finding.code).collect();
    for code in ["PC0301", "PC0302", "PC0303", "PC0310"] {
        assert!(codes.contains(code), "{code} is missing in {findings:#?}");
    }
    assert!(findings.iter().all(|one| one.span.is_some() && !one.fix.is_empty()), "{findings:#?}");
    // the unguarded attribute is pointed at, not the whole file
    let owner = findings.iter().find(|one| one.message.contains("owner")).unwrap();
    let span = owner.span.as_ref().unwrap();
    assert!(bad.get(span.start..span.end).unwrap().contains("owner"));
}

#[test]
fn a_policy_that_is_too_long_to_be_checked_is_refused_and_not_left_out() {
    // on a stack of its own: how long is too long depends on what is left of it
    let asked = || {
        let terms = vec!["principal.scopes.contains(\"x\")"; 5000].join(" || ");
        let (engine, findings) = compile(&format!(
            "{PERMITS}\nforbid (principal, action, resource) when {{ {terms} }};"
        ));
        assert!(engine.is_none());
        assert!(findings.iter().any(Finding::is_error), "{findings:?}");
    };
    std::thread::Builder::new().stack_size(16 << 20).spawn(asked).unwrap().join().unwrap();
}

#[test]
fn an_unguarded_optional_attribute_is_a_load_error() {
    let (engine, findings) = compile(
        "forbid (principal, action == Orders::Action::\"getOrder\", resource) \
         when { principal.tenant != resource.tenant };",
    );
    assert!(engine.is_none());
    assert!(findings.iter().any(|one| one.code == "PC0310"), "{findings:#?}");
}

#[test]
fn what_only_follows_from_an_error_of_a_policy_is_not_said() {
    let unknown =
        "@id(\"x\") permit (principal, action == Orders::Action::\"listOrder\", resource);";
    let (engine, findings) = compile(unknown);
    assert!(engine.is_none());
    let codes: BTreeSet<&str> = findings.iter().map(|one| one.code).collect();
    assert_eq!(codes, BTreeSet::from(["PC0310"]), "{findings:#?}");
}

#[test]
fn schema_and_baseline_are_the_same_every_time() {
    assert_eq!(schema(), schema());
    assert_eq!(baseline(&[&model()]), baseline(&[&model()]));
    assert!(schema().contains("namespace Orders {"));
}

prop_compose! {
    fn principals()(
        kind in prop::sample::select(vec![
            PrincipalKind::Anonymous, PrincipalKind::ApiKey, PrincipalKind::User, PrincipalKind::Workload,
        ]),
        tenant in prop::option::of("[ab]"),
        scopes in prop::collection::btree_set(
            prop::sample::select(vec!["orders.read", "orders.write", "admin"]), 0..3),
        gold in any::<bool>(),
        vip in prop::option::of(any::<bool>()),
        level in prop::option::of(1_i64..5),
        groups in prop::option::of(prop::collection::btree_set("[ab]", 0..3)),
    ) -> Principal {
        if kind == PrincipalKind::Anonymous {
            return Principal::anonymous();
        }
        let mut principal = user(tenant.as_deref(), &scopes.into_iter().collect::<Vec<_>>());
        principal.kind = kind;
        if gold {
            let plan = Attribute::Text("gold".to_owned());
            principal.attributes.insert("plan".to_owned(), plan);
        }
        let more = [
            ("vip", vip.map(Attribute::Flag)),
            ("level", level.map(Attribute::Number)),
            ("groups", groups.map(Attribute::Texts)),
        ];
        let more = more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        principal.attributes.extend(more);
        principal
    }
}

fn operations() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop::sample::select(vec![
        ("getOrder", "Order"),
        ("deleteOrder", "Order"),
        ("listOrders", "OrderCollection"),
        ("createOrder", "OrderCollection"),
        ("catalogue", "Catalogue"),
    ])
}

/// Policies of every shape: over kinds of principal, groups of actions, and conditions that read
/// what may be absent, or fail while they are evaluated.
fn policy(effect: &'static str) -> impl Strategy<Value = String> {
    let who = vec!["principal", "principal is Orders::User", "principal is Orders::ApiKey"];
    let actions = vec![
        "action",
        "action in Orders::Action::\"op_read\"",
        "action in Orders::Action::\"op_write\"",
        "action in [Orders::Action::\"getOrder\", Orders::Action::\"deleteOrder\"]",
        "action == Orders::Action::\"listOrders\"",
    ];
    let conditions = vec![
        "",
        "when { principal has tenant && principal.tenant == \"a\" }",
        "unless { principal has plan && principal.plan == \"gold\" }",
        "when { principal.scopes.contains(\"admin\") }",
        "unless { context.address.isInRange(ip(\"192.0.2.0/24\")) }",
        "when { context has token_age && context.token_age * 9223372036854775807 > 0 }",
        "when { context.now < datetime(\"2020-01-01\") }",
        "when { principal.scopes.containsAny([\"admin\", \"orders.write\"]) }",
        "unless { principal.scopes.containsAll([\"orders.read\"]) && !principal.roles.isEmpty() }",
        "when { [\"a\", \"c\"].contains(context.zone) || context.method == \"GET\" }",
        "when { principal has tenant && principal.tenant like \"a*\" }",
        "when { if context has token_age then context.token_age < 3 else true }",
        "unless { context has token_age && context.token_age <= 3 && 2 < context.token_age }",
        "when { principal has tenant && resource has tenant && principal.tenant != resource.tenant }",
        "unless { principal has provider && principal.provider == \"idp\" && principal.subject like \"*d*\" }",
        "when { true } unless { false || principal has plan }",
        "when { principal.scopes == [\"admin\"] }",
        "when { principal has vip && principal.vip }",
        "unless { principal has vip && !principal.vip }",
        "when { principal has level && principal.level < 3 && 1 < principal.level }",
        "when { principal has level && principal.level == 2 }",
        "when { principal has groups && principal.groups.contains(\"a\") }",
        "unless { principal has groups && principal has tenant && principal.groups.contains(principal.tenant) }",
        "when { principal has groups && principal.groups.containsAny(principal.scopes) }",
        "when { principal has groups && principal.groups == principal.roles }",
        "when { principal has vip && principal has plan && (principal.plan == \"gold\") == principal.vip }",
        "when { principal.scopes.contains(\"admin\") } unless { context.now < datetime(\"2020-01-01\") }",
    ];
    let select = prop::sample::select::<&'static str>;
    (select(who), select(actions), select(conditions)).prop_map(move |(who, action, condition)| {
        format!("{effect} ({who}, {action}, resource) {condition};\n")
    })
}

/// A handful of policies on top of the fixed ones.
fn policies() -> impl Strategy<Value = String> {
    prop::collection::vec(prop_oneof![3 => policy("permit"), 1 => policy("forbid")], 0..5)
        .prop_map(|more| format!("{PERMITS}\n{}", more.concat()))
}

fn loaded(policies: &str) -> Option<Engine> {
    // a warning (a policy that can never apply) is no reason not to decide
    compile(policies).0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn sliced_is_unsliced(
        principal in principals(),
        (operation, entity) in operations(),
        tenant in prop::option::of("[ab]"),
        policies in policies(),
    ) {
        let engine = loaded(&policies);
        prop_assert!(engine.is_some(), "{}", policies);
        let engine = engine.unwrap();
        let tenant = tenant.filter(|_| entity != "Catalogue");
        let asked = Asked { operation, entity, tenant: tenant.as_deref(), address: "10.0.0.1" };
        let sliced = asked.with(&principal, |q| engine.decide(q));
        let whole = asked.with(&principal, |q| engine.decide_unsliced(q));
        // an anonymous caller of an operation that asks for a credential has no slice at all
        if principal.kind == PrincipalKind::Anonymous && operation != "catalogue" {
            prop_assert_eq!(sliced.decision, Decision::Deny);
        } else {
            prop_assert_eq!(sliced, whole);
        }
    }

    #[test]
    fn one_more_forbid_never_allows_more(
        principal in principals(),
        (operation, entity) in operations(),
        policies in policies(),
        forbid in policy("forbid"),
        tenant in "[ab]",
    ) {
        let tenant = Some(tenant.as_str()).filter(|_| entity != "Catalogue");
        let asked = Asked { operation, entity, tenant, address: "10.0.0.1" };
        let ask = |policies: &str| loaded(policies).map(|engine| asked.with(&principal, |q| engine.decide(q)));
        let (before, after) = (ask(&policies), ask(&format!("{policies}{forbid}")));
        prop_assert!(before.is_some() && after.is_some(), "{}{}", policies, forbid);
        let (before, after) = (before.unwrap(), after.unwrap());
        prop_assert!(before.decision == Decision::Allow || after.decision == Decision::Deny, "{}", forbid);
    }
}

#[test]
fn generated_policies_both_allow_and_deny_and_fail() {
    // a property over engines that all deny would say nothing
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = BTreeSet::new();
    for _ in 0..60 {
        let mut draw = || policies().new_tree(&mut runner).unwrap().current();
        let engine = loaded(&draw()).unwrap();
        let verdict =
            get(Some("acme")).with(&user(Some("acme"), &["orders.read"]), |q| engine.decide(q));
        seen.insert((verdict.decision == Decision::Allow, verdict.errors.is_empty()));
    }
    assert_eq!(seen.len(), 3, "{seen:?}");
}
