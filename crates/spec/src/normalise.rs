//! How does an OpenAPI schema become JSON Schema 2020-12?
//!
//! OpenAPI 3.1 schemas are 2020-12 already; 3.0 has a dialect of its own (`nullable`, boolean
//! `exclusiveMinimum`, `$ref` that hides its neighbours). After this step there is one dialect.
//! Annotations that hold samples are dropped, because samples may look like schemas. Properties
//! that only the upstream writes (`readOnly`) are not required: the document is used to judge
//! requests. Keywords that move the base of references (`$id`, anchors) are errors: reading them
//! half would be reading another schema.

use serde_json::{Map, Value, json};

use crate::reference::escape;
use crate::report::{Report, Rule};

/// Which of the two dialects the document is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// OpenAPI 3.0's own.
    V30,
    /// JSON Schema 2020-12.
    V31,
}

/// Keys of a path item that hold operations.
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// Annotations that say nothing about which values are valid.
const DROPPED: [&str; 5] = ["example", "examples", "xml", "externalDocs", "discriminator"];

/// Keywords that change what a reference means.
const REBASING: [&str; 5] = ["$id", "$anchor", "$dynamicAnchor", "$dynamicRef", "$vocabulary"];

/// Keywords that hold a schema, a list of them, or a map of them.
const ONE: [&str; 12] = [
    "items",
    "additionalItems",
    "additionalProperties",
    "not",
    "if",
    "then",
    "else",
    "contains",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "contentSchema",
];
const LIST: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
const MAP: [&str; 5] =
    ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];

const REBASED: Rule = Rule {
    code: "PC0211",
    why: "the keyword moves the base of references, so the schema would mean something else here",
    fix: "use plain `$ref`s of the form `#/components/schemas/…`",
};

/// Converts every schema of the document in place.
pub(crate) fn normalise(document: &mut Value, dialect: Dialect, report: &mut Report<'_>) {
    let mut walk = Walk { dialect, report };
    for (kind, visit) in [
        ("schemas", Walk::schema as Visit<'_, '_>),
        ("parameters", Walk::parameter),
        ("headers", Walk::parameter),
        ("requestBodies", Walk::parameter),
        ("responses", Walk::response),
        ("pathItems", Walk::path_item),
    ] {
        let base = format!("/components/{kind}");
        walk.each(document.pointer_mut(&base), &base, visit);
    }
    walk.each(document.get_mut("paths"), "/paths", Walk::path_item);
}

struct Walk<'w, 'r> {
    dialect: Dialect,
    report: &'w mut Report<'r>,
}

type Visit<'w, 'r> = fn(&mut Walk<'w, 'r>, &mut Value, &str);

impl<'w, 'r> Walk<'w, 'r> {
    /// Visits every member of an object or item of an array.
    #[allow(clippy::needless_pass_by_value, reason = "the one mutable borrow is handed over")]
    fn each(&mut self, held: Option<&mut Value>, pointer: &str, visit: Visit<'w, 'r>) {
        match held {
            Some(Value::Object(members)) => {
                for (key, member) in members {
                    visit(self, member, &format!("{pointer}/{}", escape(key)));
                }
            }
            Some(Value::Array(items)) => {
                for (index, item) in items.iter_mut().enumerate() {
                    visit(self, item, &format!("{pointer}/{index}"));
                }
            }
            _ => {}
        }
    }

    fn path_item(&mut self, item: &mut Value, pointer: &str) {
        self.each(item.get_mut("parameters"), &format!("{pointer}/parameters"), Walk::parameter);
        for method in METHODS {
            if let Some(operation) = item.get_mut(method) {
                self.operation(operation, &format!("{pointer}/{method}"));
            }
        }
    }

    fn operation(&mut self, operation: &mut Value, pointer: &str) {
        let below = |key: &str| format!("{pointer}/{key}");
        self.each(operation.get_mut("parameters"), &below("parameters"), Walk::parameter);
        if let Some(body) = operation.get_mut("requestBody") {
            self.parameter(body, &below("requestBody"));
        }
        self.each(operation.get_mut("responses"), &below("responses"), Walk::response);
    }

    fn response(&mut self, response: &mut Value, pointer: &str) {
        self.each(response.get_mut("headers"), &format!("{pointer}/headers"), Walk::parameter);
        self.parameter(response, pointer);
    }

    /// What has a `schema`, or media types that have one: parameter, header, body, media type.
    fn parameter(&mut self, held: &mut Value, pointer: &str) {
        let Some(members) = held.as_object_mut() else { return };
        members.remove("example");
        members.remove("examples");
        if let Some(schema) = members.get_mut("schema") {
            self.schema(schema, &format!("{pointer}/schema"));
        }
        self.each(members.get_mut("content"), &format!("{pointer}/content"), Walk::parameter);
    }

    fn schema(&mut self, schema: &mut Value, pointer: &str) {
        let Some(members) = schema.as_object_mut() else { return };
        if self.dialect == Dialect::V30 {
            from_30(members);
        }
        for key in DROPPED {
            members.remove(key);
        }
        for key in REBASING.into_iter().filter(|key| members.contains_key(*key)) {
            let message = format!("keyword `{key}` is not supported");
            self.report.error(REBASED, &format!("{pointer}/{key}"), message);
        }
        relax_read_only(members);
        for key in ONE {
            if let Some(below) = members.get_mut(key) {
                self.schema(below, &format!("{pointer}/{key}"));
            }
        }
        for key in LIST.into_iter().chain(MAP) {
            self.each(members.get_mut(key), &format!("{pointer}/{key}"), Walk::schema);
        }
    }
}

fn from_30(members: &mut Map<String, Value>) {
    if let Some(reference) = members.get("$ref").cloned() {
        // OpenAPI 3.0.3 section 4.7.23: neighbours of a reference are ignored
        members.clear();
        members.insert("$ref".to_owned(), reference);
        return;
    }
    if members.remove("nullable") == Some(Value::Bool(true))
        && let Some(Value::String(kind)) = members.get("type")
    {
        let both = json!([kind, "null"]);
        members.insert("type".to_owned(), both);
    }
    for (exclusive, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        match members.get(exclusive) {
            Some(Value::Bool(true)) => {
                members.remove(exclusive);
                if let Some(number) = members.remove(bound) {
                    members.insert(exclusive.to_owned(), number);
                }
            }
            Some(Value::Bool(false)) => {
                members.remove(exclusive);
            }
            _ => {}
        }
    }
}

fn relax_read_only(members: &mut Map<String, Value>) {
    let Some(Value::Object(properties)) = members.get("properties") else { return };
    let is_read_only = |name: &Value| {
        let property = name.as_str().and_then(|name| properties.get(name));
        property.and_then(|property| property.get("readOnly")) == Some(&Value::Bool(true))
    };
    let Some(Value::Array(required)) = members.get("required") else { return };
    let kept: Vec<Value> = required.iter().filter(|name| !is_read_only(name)).cloned().collect();
    members.insert("required".to_owned(), Value::Array(kept));
}
