//! Does a schema with only a part of its document mean what it means with all of it, and are equal
//! ones shared, and only those?

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Schemas, whole};

fn document() -> Value {
    json!({
        "paths": {"/a/{id}": {"get": {"parameters": [
            {"name": "id", "schema": {"$ref": "#/components/schemas/Id"}},
            {"name": "page", "schema": {"type": "integer", "maximum": 9}},
        ]}}},
        "components": {"schemas": {
            "Id": {"type": "string", "pattern": "^[a-z]{2}$"},
            "Node": {"type": "object", "properties": {
                "id": {"$ref": "#/components/schemas/Id"},
                "next": {"$ref": "#/components/schemas/Node"},
                "page": {"$ref": "#/paths/~1a~1{id}/get/parameters/1/schema"},
                "deep": {"$ref": "#/components/schemas/Other/properties/inner"}}},
            "Other": {"properties": {"inner": {"type": "boolean"}, "id": {"$ref": "#/components/schemas/Id"}}},
            "Odd~/name": {"enum": [1]},
        }},
    })
}

#[test]
fn a_part_of_the_document_means_what_the_whole_does() {
    let document = Arc::new(document());
    let schemas = [
        json!({"$ref": "#/components/schemas/Node"}),
        json!({"type": "array", "items": {"$ref": "#/components/schemas/Node"}}),
        json!({"anyOf": [{"$ref": "#/components/schemas/Other"}, {"$ref": "#/components/schemas/Odd~0~1name"}]}),
        json!({"$ref": "#/components/schemas/Node/properties/next/properties/id"}),
        json!({"$ref": "#/paths/~1a~1%7Bid%7D/get/parameters/0/schema"}),
        json!({"$dynamicRef": "#/components/schemas/Id"}),
        json!({"$ref": "#/components/schemas/Nothing"}),
        json!({"$ref": "https://elsewhere.example/schema"}),
        json!({"properties": {"$ref": {"type": "integer"}}}),
        json!(true),
    ];
    let values = [
        json!({"id": "ab"}),
        json!({"id": "a", "next": {"id": "xy"}}),
        json!({"next": {"next": {"id": 7}}}),
        json!({"page": 10}),
        json!({"page": 9, "deep": true}),
        json!({"deep": 1}),
        json!([{"id": "ab"}]),
        json!([{"page": 11}]),
        json!({"inner": 3}),
        json!({"$ref": "x"}),
        json!(1),
        json!("ab"),
        json!("abc"),
    ];
    let (mut held, mut refused, mut failed) = (0, 0, 0);
    for schema in &schemas {
        let mut compiled = Schemas::default();
        let full = compiled.compile(&whole(&document, schema));
        let part = compiled.validator(&document, schema);
        match (full, part) {
            (Ok(full), Ok(part)) => {
                for value in &values {
                    assert_eq!(part.is_valid(value), full.is_valid(value), "{schema} {value}");
                    held += usize::from(full.is_valid(value));
                    refused += usize::from(!full.is_valid(value));
                }
            }
            (Err(full), Err(part)) => {
                assert_eq!(part, full, "{schema}");
                failed += 1;
            }
            (full, part) => panic!("{schema}: {:?} {:?}", full.is_ok(), part.is_ok()),
        }
    }
    assert!(held > 20 && refused > 20 && failed > 1, "{held} {refused} {failed}");
}

#[test]
fn equal_schemas_are_shared_and_references_only_within_a_document() {
    let mut schemas = Schemas::default();
    let first = Arc::new(json!({"components": {"schemas": {"X": {"type": "string"}}}}));
    let second = Arc::new(json!({"components": {"schemas": {"X": {"type": "integer"}}}}));
    let (alone, referring) =
        (json!({"type": "boolean"}), json!({"$ref": "#/components/schemas/X"}));
    let mut of =
        |document: &Arc<Value>, schema: &Value| schemas.validator(document, schema).unwrap();
    assert!(Arc::ptr_eq(&of(&first, &alone), &of(&second, &alone)));
    let text = of(&first, &referring);
    assert!(Arc::ptr_eq(&text, &of(&first, &referring)));
    let number = of(&second, &referring);
    assert!(text.is_valid(&json!("a")) && !text.is_valid(&json!(1)));
    assert!(number.is_valid(&json!(1)) && !number.is_valid(&json!("a")));
    let again = of(&first, &referring);
    assert!(again.is_valid(&json!("a")) && !again.is_valid(&json!(1)));
}
