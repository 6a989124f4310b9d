//! How does a contract's schema become something that checks values? Compiled once, at load; a
//! pattern that would need backtracking is a finding there, never a slow request.

use jsonschema::{Draft, PatternOptions, Validator};
use portcullis_spec::ApiModel;
use serde_json::{Value, json};

/// References that are followed to find a type.
const REFERENCES_MAX: usize = 8;

/// A schema with the contract's document around it, so that its references resolve.
pub(crate) fn validator(api: &ApiModel, schema: &Value) -> Result<Validator, String> {
    let mut root = api.document.as_object().cloned().unwrap_or_default();
    root.insert("allOf".to_owned(), json!([schema]));
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .with_pattern_options(PatternOptions::regex())
        .build(&Value::Object(root))
        .map_err(|error| error.to_string())
}

/// What a schema's references lead to.
pub(crate) fn resolved<'a>(api: &'a ApiModel, mut schema: &'a Value) -> &'a Value {
    for _ in 0..REFERENCES_MAX {
        let reference = schema.get("$ref").and_then(Value::as_str);
        let target = reference.and_then(|reference| reference.strip_prefix('#'));
        match target.and_then(|pointer| api.document.pointer(pointer)) {
            Some(next) => schema = next,
            None => break,
        }
    }
    schema
}

/// The one type besides `null` that a schema names, behind references.
pub(crate) fn kind(api: &ApiModel, schema: &Value) -> Option<String> {
    match resolved(api, schema).get("type") {
        Some(Value::String(kind)) => Some(kind.clone()),
        Some(Value::Array(kinds)) => {
            let mut kinds = kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null");
            let first = kinds.next().map(str::to_owned);
            first.filter(|_| kinds.next().is_none())
        }
        Some(_) | None => None,
    }
}

/// The type of the items of an array's schema.
pub(crate) fn item_kind(api: &ApiModel, schema: &Value) -> Option<String> {
    resolved(api, schema).get("items").and_then(|items| kind(api, items))
}

/// A part of a contract that could not be held to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unenforceable {
    /// Which part, and why not.
    pub message: String,
    /// JSON pointer of the part in the contract.
    pub pointer: String,
}

impl Unenforceable {
    pub(crate) fn new(what: &str, why: &str, pointer: &str) -> Self {
        let message = format!("{what} cannot be enforced: {why}");
        Self { message, pointer: pointer.to_owned() }
    }
}
