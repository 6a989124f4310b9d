//! What does a decision cost, with so many policies in all? For `cargo xtask bench`.
//!
//! APIs of fifty policies each, of which 22 apply to an operation: the tenant, a scope, and twenty of
//! the API. Writes nanoseconds of processor time for one decision, everything warm, by the scheduler's
//! own count.

#![allow(clippy::unwrap_used, reason = "a measurement may stop at the first surprise")]
#![allow(clippy::print_stdout, reason = "the figure is what it is for")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use portcullis_diagnostics::SourceId;
use portcullis_model::{ApiId, Decision, Method, Principal, PrincipalKind, Timestamp};
use portcullis_policy::{Context, Engine, Question, Resource, baseline, cedar_schema};
use portcullis_spec::ApiModel;

const OPERATIONS: usize = 29;
const OF_THE_API: usize = 20;
const DECISIONS: u32 = 20_000;

fn main() {
    let policies: usize = std::env::args().nth(1).unwrap().parse().unwrap();
    let apis = policies / (1 + OPERATIONS + OF_THE_API);
    let models: Vec<ApiModel> = (0..apis).map(model).collect();
    let models: Vec<&ApiModel> = models.iter().collect();
    let files = [
        (SourceId::new("policies/baseline.cedar"), baseline(&models)),
        (SourceId::new("policies/own.cedar"), (0..apis).map(own).collect()),
    ];
    let (engine, findings) = Engine::compile(&cedar_schema(&models, &BTreeMap::new()), &files);
    let engine = engine.ok_or(findings).unwrap();
    assert_eq!(engine.len(), policies);
    let last = models.last().unwrap();
    measure(&engine, &last.api, 1_000);
    let before = nanos();
    measure(&engine, &last.api, DECISIONS);
    println!("{}", (nanos() - before) / u64::from(DECISIONS));
}

fn measure(engine: &Engine, api: &ApiId, decisions: u32) {
    let principal = Principal {
        kind: PrincipalKind::User,
        provider: Some("idp".into()),
        subject: "ada".to_owned(),
        tenant: Some("acme".to_owned()),
        scopes: (0..OPERATIONS).map(|one| format!("scope{one}")).collect(),
        roles: BTreeSet::from(["role19".to_owned()]),
        ..Principal::anonymous()
    };
    let operation = "take7".into();
    for number in 0..decisions {
        let question = Question {
            principal: &principal,
            api,
            operation: &operation,
            resource: Resource { entity: "Thing", id: "7", tenant: Some("acme") },
            context: Context {
                address: IpAddr::V4(Ipv4Addr::LOCALHOST),
                zone: "public",
                now: Timestamp::from_millis(u64::from(number)),
                token_age_secs: Some(5),
                auth_age_secs: None,
                method: Method::Get,
            },
        };
        let verdict = engine.decide(&question);
        assert_eq!(verdict.decision, Decision::Allow, "{verdict:?}");
    }
}

fn model(api: usize) -> ApiModel {
    let mut text = String::from(
        "openapi: 3.1.0\ninfo: {title: A, version: \"1\"}\ncomponents:\n  securitySchemes:\n    \
         token: {type: openIdConnect, openIdConnectUrl: \"https://id.example\"}\npaths:\n",
    );
    for operation in 0..OPERATIONS {
        write!(
            text,
            "  /{{tenant}}/{operation}/{{id}}:\n    x-portcullis: {{resource: Thing, tenant: {{path: tenant}}}}\n    \
             parameters:\n    - {{name: tenant, in: path, required: true, schema: {{type: string}}}}\n    \
             - {{name: id, in: path, required: true, schema: {{type: string}}}}\n    \
             get: {{operationId: take{operation}, security: [{{token: [scope{operation}]}}], responses: {{}}}}\n",
        )
        .unwrap();
    }
    let (id, source) = (format!("api{api}"), SourceId::new("contract.yaml"));
    let (contract, findings) = portcullis_spec::read(&ApiId::new(&id), &source, &text);
    contract.ok_or(findings).unwrap().model
}

fn own(api: usize) -> String {
    let policy = |number: usize| {
        format!(
            "@id(\"own.{api}.{number}\")\npermit (principal is Api{api}::User, action, resource is Api{api}::Thing)\n\
             when {{ principal.roles.contains(\"role{number}\") && context.zone == \"public\" }};\n"
        )
    };
    (0..OF_THE_API).map(policy).collect()
}

/// Processor time of this thread so far.
fn nanos() -> u64 {
    #[allow(clippy::disallowed_methods, reason = "the scheduler's count stands in a file")]
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}
