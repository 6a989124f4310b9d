//! A contract, compiled from a model, against good and bad messages.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{HeaderMap, Request};
use portcullis_inspect::{BodyBounds, BodyPlan, OperationContract, Schemas, compile};
use portcullis_model::Reason;
use portcullis_reading::message::{Message, ReadingRules};
use portcullis_reading::owned::OwnedHeaders;
use portcullis_spec::{Location, Messages, Parameter, RequestBody};
use serde_json::{Value, json};

fn parameter(name: &str, location: Location, required: bool, schema: Value) -> Parameter {
    let pointer = String::new();
    Parameter { name: name.to_owned(), location, required, schema, array: None, pointer }
}

fn contract(media: &str) -> Option<OperationContract> {
    let document = json!({"components": {"schemas": {"Line": {
        "type": "object", "required": ["qty"], "additionalProperties": false,
        "properties": {"qty": {"type": "integer", "minimum": 1}}}}}});
    let schema = json!({"type": "object", "required": ["lines"], "properties": {
        "lines": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}}}});
    let messages = Messages {
        parameters: vec![
            parameter("limit", Location::Query, false, json!({"type": "integer", "maximum": 9})),
            parameter("x-kind", Location::Header, true, json!({"enum": ["a", "b"]})),
        ],
        body: Some(RequestBody {
            required: true,
            content: BTreeMap::from([(media.to_owned(), schema)]),
            pointer: String::new(),
        }),
    };
    compile(&mut Schemas::default(), &Arc::new(document), &"placeOrder".into(), &messages).ok()
}

fn parameters(target: &str, kind: Option<&str>) -> Result<(), Reason> {
    let mut request = Request::builder().method("POST").uri(target).header("host", "a.example");
    if let Some(kind) = kind {
        request = request.header("x-kind", kind);
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let rules = ReadingRules {
        trusted_hops: 0,
        trusted_peers: Vec::new(),
        owned_headers: Arc::new(OwnedHeaders::standard()),
        credential_headers: Vec::new(),
    };
    let message = Message::read(&parts, "192.0.2.1".parse().unwrap(), &rules).unwrap();
    let contract = contract("application/json").unwrap();
    contract.check_parameters(&message, &[]).map_err(|violation| violation.reason)
}

fn body(content_type: &str, body: &str) -> Result<(), (Reason, String)> {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", content_type.parse().unwrap());
    let bounds = BodyBounds { bytes_max: 256, json_depth_max: 4, expansion_max: 1 };
    let contract = contract("application/json").unwrap();
    assert_eq!(contract.body_plan(&headers), Ok(BodyPlan::Buffer));
    contract
        .check_body(&headers, body.as_bytes(), &bounds)
        .map(|_| ())
        .map_err(|violation| (violation.reason, violation.detail))
}

#[test]
fn parameters_are_as_the_contract_says() {
    assert_eq!(parameters("/orders?limit=3", Some("a")), Ok(()));
    let bad = [
        ("/orders?limit=10", Some("a")),
        ("/orders?limit=+3", Some("a")),
        ("/orders?limit=1&limit=1", Some("a")),
        ("/orders?other=1", Some("a")),
        ("/orders", Some("c")),
        ("/orders", None),
    ];
    for (target, kind) in bad {
        assert_eq!(parameters(target, kind), Err(Reason::ParameterRefused), "{target} {kind:?}");
    }
}

#[test]
fn bodies_are_as_the_contract_says_and_errors_name_the_place() {
    let json = "application/json";
    assert_eq!(body(json, r#"{"lines":[{"qty":1}]}"#), Ok(()));
    let (reason, detail) = body(json, r#"{"lines":[{"qty":1},{"qty":0}]}"#).unwrap_err();
    assert_eq!(reason, Reason::BodyRefused);
    assert!(detail.contains("/lines/1/qty"), "{detail}");
    let cases = [
        (json, r#"{"lines":[{"qty":1,"qty":2}]}"#, Reason::BodyMalformed),
        (json, r#"{"lines":[[[[[]]]]]}"#, Reason::BodyMalformed),
        (json, "", Reason::BodyMissing),
        ("text/plain", "{}", Reason::ContentTypeRefused),
        ("application/json; charset=utf-16", "{}", Reason::ContentTypeRefused),
    ];
    for (content_type, text, expected) in cases {
        assert_eq!(body(content_type, text).unwrap_err().0, expected, "{content_type} {text}");
    }
    let long = format!(r#"{{"lines":[],"x":"{}"}}"#, "a".repeat(300));
    assert_eq!(body(json, &long).unwrap_err().0, Reason::BodyTooLarge);
}

#[test]
fn what_cannot_be_checked_is_a_finding() {
    assert!(contract("application/xml").is_none());
}
