//! Is a whole contract read as it is meant, and is everything wrong with one said at its place?

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeSet;

use portcullis_diagnostics::{Finding, SourceId};
use portcullis_model::ApiId;
use portcullis_spec::{ArrayStyle, Contract, Location, Messages, Operation, TenantSource, read};
use serde_json::json;

fn reading(text: &str) -> (Option<Contract>, Vec<Finding>) {
    read(&ApiId::new("orders"), &SourceId::new("orders.yaml"), text)
}

fn operation<'a>(contract: &'a Contract, id: &str) -> (&'a Operation, &'a Messages) {
    contract.operations().find(|(one, _)| one.id.as_str() == id).unwrap()
}

const OLD: &str = r##"
openapi: 3.0.3
info: {title: Orders, version: "7"}
security: [{token: [read]}]
components:
  securitySchemes: {token: {type: openIdConnect, openIdConnectUrl: "https://id.example"}}
  parameters: {Id: {name: id, in: path, required: true, schema: {type: string}}}
  schemas:
    Note: {type: string, nullable: true, example: {$ref: "#/nowhere"}}
    Order:
      type: object
      required: [id, amount]
      properties:
        id: {type: string, readOnly: true}
        amount: {type: number, minimum: 0, exclusiveMinimum: true}
        note: {$ref: "#/components/schemas/Note", maxLength: 1}
paths:
  /tenants/{tenant}/orders/{id}:
    x-portcullis: {tenant: {path: tenant}}
    parameters:
    - {name: tenant, in: path, required: true, schema: {type: string}}
    - {$ref: "#/components/parameters/Id"}
    put:
      operationId: putOrder
      parameters:
      - {name: tag, in: query, schema: {type: array, items: {type: string}}}
      - {name: X-Trace, in: header, schema: {type: string}}
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}
      responses: {}
  /health:
    get: {operationId: health, security: [], x-portcullis: {public: "for probes"}, responses: {}}
"##;

#[test]
fn a_contract_of_3_0_in_the_one_shape() {
    let (model, findings) = reading(OLD);
    assert!(findings.is_empty(), "{findings:#?}");
    let contract = model.unwrap();
    let model = &contract.model;
    assert_eq!((model.title.as_str(), model.version.as_str()), ("Orders", "7"));
    let (put, messages) = operation(&contract, "putOrder");
    assert_eq!(put.resource.entity, "Order");
    assert_eq!(put.resource.id.as_deref(), Some("id"));
    assert_eq!(put.resource.tenant, TenantSource::PathParam("tenant".to_owned()));
    assert!(!put.allows_anonymous());
    let names: Vec<_> = messages
        .parameters
        .iter()
        .map(|one| (one.location, one.name.as_str(), one.array))
        .collect();
    assert_eq!(
        names,
        [
            (Location::Path, "id", None),
            (Location::Path, "tenant", None),
            (Location::Query, "tag", Some(ArrayStyle::Repeated)),
            (Location::Header, "x-trace", None),
        ]
    );
    assert!(messages.body.as_ref().unwrap().required);
    let schema = |name: &str| contract.document.pointer(&format!("/components/schemas/{name}"));
    assert_eq!(schema("Note"), Some(&json!({"type": ["string", "null"]})));
    assert_eq!(schema("Order/required"), Some(&json!(["amount"])));
    assert_eq!(
        schema("Order/properties/amount"),
        Some(&json!({"type": "number", "exclusiveMinimum": 0}))
    );
    assert_eq!(
        schema("Order/properties/note"),
        Some(&json!({"$ref": "#/components/schemas/Note"}))
    );
    let (health, _) = operation(&contract, "health");
    assert!(health.allows_anonymous());
    assert_eq!(health.resource.tenant, TenantSource::None);
}

const BAD: &str = r##"
openapi: 3.1.0
info: {title: Orders, version: "1"}
paths:
  /a{b}: {get: {operationId: cut, responses: {}}}
  /x/{id}:
    get: {operationId: same, responses: {}}
  /x/{other}:
    parameters: [{name: other, in: path, required: true, schema: {type: string}}]
    get: {operationId: same, responses: {}, security: [{none: []}]}
  /y:
    get:
      operationId: y
      parameters: [{name: deep, in: query, style: deepObject, schema: {type: object}}]
      requestBody: {content: {text/csv: {schema: {$ref: "other.yaml#/X"}}}}
      x-portcullis: {tennant: none}
      responses: {}
    got: {}
"##;

#[test]
fn everything_wrong_is_said_at_once_at_its_place() {
    let (model, findings) = reading(BAD);
    assert!(model.is_none());
    let codes: BTreeSet<&str> =
        findings.iter().filter(|one| one.is_error()).map(|one| one.code).collect();
    let expected = [
        "PC0201", "PC0204", "PC0205", "PC0206", "PC0210", "PC0213", "PC0215", "PC0217", "PC0219",
        "PC0220", "PC0230",
    ];
    assert_eq!(codes, BTreeSet::from(expected), "{findings:#?}");
    assert!(findings.iter().all(|one| !one.why.is_empty() && !one.fix.is_empty()));
    let cut = findings.iter().find(|one| one.code == "PC0201").unwrap();
    let span = cut.span.as_ref().unwrap();
    assert_eq!(BAD.get(span.start..span.end), Some("/a{b}"));
}

#[test]
fn what_cannot_be_read_gives_no_model() {
    for text in [
        "",
        "[]",
        "openapi: 3.1.0",
        "openapi: 2.0.0\npaths: {}",
        "openapi: 3.1.0\nopenapi: 3.0.0\npaths: {}",
        "openapi: 3.1.0\npaths: {/a: {get: {operationId: a, responses: {}, operationId: b}}}",
        "openapi: [",
    ] {
        let (model, findings) = reading(text);
        assert!(model.is_none() && findings.iter().any(Finding::is_error), "{text}");
    }
}

#[test]
fn a_schema_that_branches_in_circles_is_refused_soon() {
    let branch = r##"{$ref: "#/components/schemas/A"}"##;
    let branches = [branch; 12].join(", ");
    let text = format!(
        "openapi: 3.1.0\ncomponents: {{schemas: {{A: {{allOf: [{branches}]}}}}}}\npaths:\n  /a:\n    get:\n      operationId: a\n      parameters: [{{name: q, in: query, schema: {branch}}}]\n      responses: {{}}\n"
    );
    let (model, findings) = reading(&text);
    assert!(model.is_none());
    assert!(findings.iter().any(|one| one.code == "PC0213"), "{findings:#?}");
}

#[test]
fn a_path_parameter_that_decides_nothing_is_an_error() {
    let contract = |path: &str, rule: &str| {
        let name = |part: &str| part.strip_suffix('}').unwrap_or_default().to_owned();
        let parameters: Vec<String> = path
            .split(['/', '{'])
            .filter(|part| part.ends_with('}'))
            .map(|part| {
                format!(
                    "{{name: {}, in: path, required: true, schema: {{type: string}}}}",
                    name(part)
                )
            })
            .collect();
        format!(
            "openapi: 3.1.0\ninfo: {{title: T, version: '1'}}\ncomponents: {{securitySchemes: {{t: {{type: http, scheme: bearer}}}}}}\nsecurity: [{{t: []}}]\npaths:\n  {path}:\n    parameters: [{}]\n    get: {{operationId: one, responses: {{}}{rule}}}\n",
            parameters.join(", ")
        )
    };
    let codes = |path: &str, rule: &str| -> Vec<&str> {
        reading(&contract(path, rule)).1.iter().map(|finding| finding.code).collect()
    };
    assert_eq!(codes("/tenants/{tenant}/orders", ""), ["PC0235"], "named like a tenant");
    assert_eq!(codes("/shops/{shop}/orders/{id}", ""), ["PC0235"], "neither id nor tenant");
    assert!(codes("/orders/{id}", "").is_empty());
    assert!(codes("/shops/{shop}/orders/{id}", ", x-portcullis: {tenant: token}").is_empty());
}
