//! How does a contract's schema become something that checks values? Compiled once, at load; a
//! pattern that would need backtracking is a finding there, never a slow request.
//!
//! Contracts repeat themselves: an id, a page, an amount are written the same way in every operation.
//! Equal schemas are compiled once and shared, and so are equal patterns ([`Schemas`]). A schema is
//! compiled with those parts of its document that its references lead to, and no others: with the
//! whole document around each schema, loading would grow with the square of a contract.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jsonschema::{Draft, PatternCache, PatternOptions, Validator};
use serde_json::{Map, Value, json};

/// References that are followed to find a type.
const REFERENCES_MAX: usize = 8;

/// Schemas that were compiled before, by what they say. Kept while an estate is compiled.
#[derive(Debug, Default)]
pub struct Schemas {
    patterns: PatternCache,
    /// Those without references mean the same in every contract.
    alone: HashMap<String, Arc<Validator>>,
    /// Those of the document that was asked for last.
    referring: HashMap<String, Arc<Validator>>,
    document: Option<Arc<Value>>,
}

impl Schemas {
    /// Compiles a schema, or takes the equal one that was compiled before.
    pub(crate) fn validator(
        &mut self,
        document: &Arc<Value>,
        schema: &Value,
    ) -> Result<Arc<Validator>, String> {
        // the document is held, so that no other can come to stand at its address
        if !self.document.as_ref().is_some_and(|last| Arc::ptr_eq(last, document)) {
            self.referring.clear();
            self.document = Some(Arc::clone(document));
        }
        let said = schema.to_string();
        let mut targets = BTreeSet::new();
        let is_alone = !reach(document, schema, &mut targets);
        let known = if is_alone { &self.alone } else { &self.referring };
        if let Some(validator) = known.get(&said) {
            return Ok(Arc::clone(validator));
        }
        let validator = match is_alone {
            true => self.compile(schema),
            // what could not be followed here is for the compiler to judge, over the whole document
            false => match self.compile(&part(document, schema, &targets)) {
                Ok(validator) => Ok(validator),
                Err(_) => self.compile(&whole(document, schema)),
            },
        };
        let validator = Arc::new(validator?);
        let known = if is_alone { &mut self.alone } else { &mut self.referring };
        known.insert(said, Arc::clone(&validator));
        Ok(validator)
    }

    fn compile(&self, root: &Value) -> Result<Validator, String> {
        jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            .with_pattern_options(PatternOptions::regex())
            .with_pattern_cache(self.patterns.clone())
            .build(root)
            .map_err(|error| error.to_string())
    }
}

/// A schema with the contract's document around it, so that its references resolve.
fn whole(document: &Value, schema: &Value) -> Value {
    let mut root = document.as_object().cloned().unwrap_or_default();
    root.insert("allOf".to_owned(), json!([schema]));
    Value::Object(root)
}

/// A schema with the parts of the document around it that its references lead to, each at its place.
fn part(document: &Value, schema: &Value, targets: &BTreeSet<String>) -> Value {
    let mut root = Map::new();
    // what stands around another part sorts before it, and brings it along
    for pointer in targets {
        let mut steps = pointer.split('/').skip(1).peekable();
        let (mut from, mut to) = (document, &mut root);
        while let Some(step) = steps.next() {
            let step = step.replace("~1", "/").replace("~0", "~");
            let Some(next) = from.get(&step) else { break };
            from = next;
            // a part of a list is taken with all of the list, because its place is its number
            if steps.peek().is_none() || !from.is_object() {
                to.insert(step, from.clone());
                break;
            }
            let inner = to.entry(step).or_insert_with(|| Value::Object(Map::new()));
            let Value::Object(inner) = inner else { break };
            to = inner;
        }
    }
    root.insert("allOf".to_owned(), json!([schema]));
    Value::Object(root)
}

/// Collects the pointers of everything that references below a value lead to, and whether there is
/// any reference at all.
fn reach(document: &Value, value: &Value, targets: &mut BTreeSet<String>) -> bool {
    let (mut refers, mut waiting) = (false, vec![value]);
    while let Some(value) = waiting.pop() {
        match value {
            Value::Object(members) => {
                for (key, inner) in members {
                    waiting.push(inner);
                    let Some(reference) = inner.as_str().filter(|_| REFERRING.contains(&&**key))
                    else {
                        continue;
                    };
                    refers = true;
                    let pointer = reference.strip_prefix('#').unwrap_or_default();
                    if let Some(target) = taken(document, pointer)
                        && targets.insert(pointer.to_owned())
                    {
                        waiting.push(target);
                    }
                }
            }
            Value::Array(items) => waiting.extend(items),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    refers
}

/// What [`part`] takes for a pointer: what it leads to, or the first list on the way.
fn taken<'a>(document: &'a Value, pointer: &str) -> Option<&'a Value> {
    let mut value = document;
    for step in pointer.split('/').skip(1) {
        if value.is_array() {
            break;
        }
        value = value.get(step.replace("~1", "/").replace("~0", "~"))?;
    }
    Some(value)
}

/// Keywords whose text leads to another schema (JSON Schema 2020-12 section 8.2.3, and 2019-09's).
const REFERRING: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];

/// What a schema's references lead to.
pub(crate) fn resolved<'a>(document: &'a Value, mut schema: &'a Value) -> &'a Value {
    for _ in 0..REFERENCES_MAX {
        let reference = schema.get("$ref").and_then(Value::as_str);
        let target = reference.and_then(|reference| reference.strip_prefix('#'));
        match target.and_then(|pointer| document.pointer(pointer)) {
            Some(next) => schema = next,
            None => break,
        }
    }
    schema
}

/// The one type besides `null` that a schema names, behind references.
pub(crate) fn kind(document: &Value, schema: &Value) -> Option<String> {
    match resolved(document, schema).get("type") {
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
pub(crate) fn item_kind(document: &Value, schema: &Value) -> Option<String> {
    resolved(document, schema).get("items").and_then(|items| kind(document, items))
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

#[cfg(test)]
mod tests;
