//! What does a schema ask for? The keywords that the schema of our own types uses.

use serde_json::{Map, Value};

use crate::tree::{Bytes, Entry, Kind, Node};

/// The forms of which a value has one.
pub(crate) fn alternatives(schema: &Value) -> Option<&[Value]> {
    let found = schema.get("anyOf").or_else(|| schema.get("oneOf"))?.as_array()?;
    let words = found.iter().all(|one| one.get("const").is_some() || one.get("enum").is_some());
    (!words).then_some(found.as_slice())
}

/// The texts that a closed set of words has; documented words are a `oneOf` of constants.
pub(super) fn words(schema: &Value) -> Option<Vec<&str>> {
    if let Some(several) = schema.get("oneOf").and_then(Value::as_array) {
        return Some(several.iter().filter_map(words).flatten().collect());
    }
    if let Some(word) = schema.get("const").and_then(Value::as_str) {
        return Some(vec![word]);
    }
    let words = schema.get("enum")?.as_array()?;
    Some(words.iter().filter_map(Value::as_str).collect())
}

/// The key of a form that has one.
pub(crate) fn only_key(schema: &Value) -> Option<&str> {
    schema.get("required")?.as_array()?.first()?.as_str()
}

pub(super) fn range(schema: &Value) -> (i64, i64) {
    let (low, high) = match schema.get("format").and_then(Value::as_str) {
        Some("uint8") => (0, i64::from(u8::MAX)),
        Some("uint16") => (0, i64::from(u16::MAX)),
        Some("uint32") => (0, i64::from(u32::MAX)),
        Some(_) | None => (i64::MIN, i64::MAX),
    };
    let bound = |key: &str| schema.get(key).and_then(Value::as_i64);
    (bound("minimum").unwrap_or(low).max(low), bound("maximum").unwrap_or(high).min(high))
}

/// What should stand here, where something else does.
pub(super) fn mismatch(node: &Node, schema: &Value) -> Option<&'static str> {
    let types: Vec<&str> = match schema.get("type") {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        Some(_) | None => return None,
    };
    let actual = match &node.kind {
        Kind::Null => "null",
        Kind::Flag(_) => "boolean",
        Kind::Number(_) => "integer",
        Kind::Text(_) => "string",
        Kind::List(_) => "array",
        Kind::Map(_) => "object",
    };
    if types.contains(&actual) {
        return None;
    }
    types.iter().find_map(|expected| match *expected {
        "string" => Some("a text"),
        "integer" => Some("a whole number"),
        "boolean" => Some("`true` or `false`"),
        "array" => Some("a list"),
        "object" => Some("a mapping"),
        _ => None,
    })
}

/// Follows references to the definitions of the root.
pub(crate) fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let Some(reference) = schema.get("$ref").and_then(Value::as_str) else { return schema };
    let pointer = reference.trim_start_matches('#');
    root.pointer(pointer).map_or(schema, |found| resolved(root, found))
}

/// A text with a unit that could stand here, where the schema shows one.
pub(super) fn quantity(schema: &Value) -> Option<&str> {
    let example = schema.get("examples").and_then(|several| several.get(0));
    let shown = example.or_else(|| schema.get("default"))?.as_str()?;
    let number = shown.trim_start_matches(|c: char| c.is_ascii_digit());
    (!number.is_empty() && number.len() < shown.len()).then_some(shown)
}

/// The least that fits: reading goes on with it behind a value that cannot be understood.
pub(super) fn stand_in(root: &Value, schema: &Value, at: Bytes) -> Node {
    let schema = resolved(root, schema);
    let entry = |key: &str, schema: Option<&Value>| {
        let value = stand_in(root, schema.unwrap_or(&Value::Null), at);
        Entry { key: key.to_owned(), key_at: at, value }
    };
    let kind = if let Some(found) = alternatives(schema) {
        found.iter().find_map(|one| Some((one, only_key(one)?))).map_or(Kind::Null, |(one, key)| {
            Kind::Map(vec![entry(key, one.pointer(&format!("/properties/{key}")))])
        })
    } else if let Some(words) = words(schema) {
        words.first().map_or(Kind::Null, |word| Kind::Text((*word).to_owned()))
    } else {
        match schema.get("type").and_then(Value::as_str) {
            Some("string") => Kind::Text(String::new()),
            Some("integer") => Kind::Number(range(schema).0.into()),
            Some("boolean") => Kind::Flag(false),
            Some("array") => Kind::List(Vec::new()),
            Some("object") => {
                let known = schema.get("properties").and_then(Value::as_object);
                let entries = required(schema)
                    .map(|key| entry(key, known.and_then(|known: &Map<_, _>| known.get(key))));
                Kind::Map(entries.collect())
            }
            Some(_) | None => Kind::Null,
        }
    };
    Node { at, kind }
}

/// The keys that must be given.
pub(super) fn required(schema: &Value) -> impl Iterator<Item = &str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}
