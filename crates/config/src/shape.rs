//! Does the file have the shape of a declaration? The tree is held against the JSON Schema of
//! [`crate::document`]; everything that does not fit is said at once, each at its place.
//!
//! Understands the keywords that the schema of our own types uses, and no others.

use serde_json::Value;

use crate::problems::{Problems, Rule};
use crate::tree::{Entry, Kind, Node};

const UNKNOWN: Rule =
    Rule { code: "PC0101", why: "a key that is not understood is not enforced", fix: "remove it" };
const DUPLICATE: Rule =
    Rule { code: "PC0102", why: "which of the two is meant cannot be known", fix: "keep one" };
const MISSING: Rule = Rule {
    code: "PC0103",
    why: "there is no default that would be right for everybody",
    fix: "add it",
};
const WRONG: Rule = Rule {
    code: "PC0104",
    why: "a value that is not understood is not enforced",
    fix: "`portcullis schema` prints what may stand here",
};
const ONE_OF: Rule =
    Rule { code: "PC0105", why: "what is meant cannot be known", fix: "keep exactly one of them" };

/// Says what does not fit.
pub(crate) fn check(tree: &Node, schema: &Value, problems: &mut Problems<'_>) {
    Checker { root: schema, problems }.node(tree, schema, "the declaration");
}

struct Checker<'a, 'p, 'f> {
    root: &'a Value,
    problems: &'p mut Problems<'f>,
}

impl<'a> Checker<'a, '_, '_> {
    fn node(&mut self, node: &Node, schema: &'a Value, name: &str) {
        let schema = self.resolved(schema);
        if let Some(alternatives) = alternatives(schema) {
            return self.alternatives(node, alternatives, name);
        }
        if let Some(words) = words(schema) {
            return self.word(node, &words, name);
        }
        if let Some(expected) = mismatch(node, schema) {
            let message = format!("{name} is {}, and should be {expected}", node.what());
            let fix = (expected == "a text" && !matches!(node.kind, Kind::Map(_) | Kind::List(_)))
                .then(|| "put it in quotes".to_owned());
            return self.problems.error_at(WRONG, node.at, message, fix);
        }
        match &node.kind {
            Kind::Map(entries) => self.map(node, entries, schema, name),
            Kind::List(items) => {
                if let Some(schema) = schema.get("items") {
                    for item in items {
                        self.node(item, schema, &format!("an item of {name}"));
                    }
                }
            }
            Kind::Number(number) => {
                let (low, high) = range(schema);
                let fits = number.as_i64().is_some_and(|number| (low..=high).contains(&number));
                if !fits {
                    let message = format!("{name} must be a whole number from {low} to {high}");
                    self.problems.error_at(WRONG, node.at, message, None);
                }
            }
            Kind::Null | Kind::Flag(_) | Kind::Text(_) => {}
        }
    }

    fn map(&mut self, node: &Node, entries: &[Entry], schema: &'a Value, name: &str) {
        let properties = schema.get("properties").and_then(Value::as_object);
        let others = schema.get("additionalProperties").filter(|others| others.is_object());
        for (index, entry) in entries.iter().enumerate() {
            if entries.iter().take(index).any(|earlier| earlier.key == entry.key) {
                let message = format!("`{}` stands twice", entry.key);
                self.problems.error_at(DUPLICATE, entry.key_at, message, None);
                continue;
            }
            let known = properties.and_then(|known| known.get(&entry.key)).or(others);
            match known {
                Some(schema) => self.node(&entry.value, schema, &format!("`{}`", entry.key)),
                None => self.unknown(entry, properties, name),
            }
        }
        let required = schema.get("required").and_then(Value::as_array);
        for key in required.into_iter().flatten().filter_map(Value::as_str) {
            if node.get(key).is_none() {
                let at = entries.first().map_or(node.at, |entry| entry.key_at);
                self.problems.error_at(MISSING, at, format!("{name} lacks `{key}`"), None);
            }
        }
    }

    fn unknown(
        &mut self,
        entry: &Entry,
        properties: Option<&serde_json::Map<String, Value>>,
        name: &str,
    ) {
        let known: Vec<&str> =
            properties.into_iter().flat_map(|known| known.keys()).map(String::as_str).collect();
        let fix = match portcullis_diagnostics::closest(&entry.key, known.iter().copied()) {
            Some(close) => format!("did you mean `{close}`?"),
            None => format!("remove it; known keys: {}", known.join(", ")),
        };
        let message = format!("{name} has no key `{}`", entry.key);
        self.problems.error_at(UNKNOWN, entry.key_at, message, Some(fix));
    }

    fn word(&mut self, node: &Node, words: &[&str], name: &str) {
        if let Kind::Text(text) = &node.kind
            && words.contains(&text.as_str())
        {
            return;
        }
        let fix = match &node.kind {
            Kind::Text(text) => portcullis_diagnostics::closest(text, words.iter().copied())
                .map(|close| format!("did you mean `{close}`?")),
            Kind::Null | Kind::Flag(_) | Kind::Number(_) | Kind::List(_) | Kind::Map(_) => None,
        };
        let message = format!("{name} must be one of: {}", words.join(", "));
        self.problems.error_at(WRONG, node.at, message, fix);
    }

    /// Alternatives that are mappings with one key each, or a type and `null`.
    fn alternatives(&mut self, node: &Node, alternatives: &'a [Value], name: &str) {
        if let Some(schema) = alternatives.iter().find(|one| one.get("$ref").is_some()) {
            if !matches!(node.kind, Kind::Null) {
                self.node(node, schema, name);
            }
            return;
        }
        let keys: Vec<&str> = alternatives.iter().filter_map(only_key).collect();
        let Kind::Map(entries) = &node.kind else {
            let message = format!(
                "{name} is {}, and should be a mapping with `{}`",
                node.what(),
                keys.join("` or `")
            );
            return self.problems.error_at(WRONG, node.at, message, None);
        };
        if let [entry] = entries.as_slice()
            && let Some(schema) =
                alternatives.iter().find(|one| only_key(one) == Some(entry.key.as_str()))
        {
            return self.map(node, entries, schema, name);
        }
        for entry in entries.iter().filter(|entry| !keys.contains(&entry.key.as_str())) {
            let fix = portcullis_diagnostics::closest(&entry.key, keys.iter().copied())
                .map(|close| format!("did you mean `{close}`?"));
            let message = format!("{name} has no key `{}`", entry.key);
            self.problems.error_at(UNKNOWN, entry.key_at, message, fix);
        }
        let given = entries.iter().filter(|entry| keys.contains(&entry.key.as_str())).count();
        if given != 1 {
            let at = entries.first().map_or(node.at, |entry| entry.key_at);
            let message = format!("{name} must have exactly one of `{}`", keys.join("`, `"));
            self.problems.error_at(ONE_OF, at, message, None);
        }
    }

    fn resolved(&self, schema: &'a Value) -> &'a Value {
        let Some(reference) = schema.get("$ref").and_then(Value::as_str) else { return schema };
        let pointer = reference.trim_start_matches('#');
        self.root.pointer(pointer).map_or(schema, |found| self.resolved(found))
    }
}

fn alternatives(schema: &Value) -> Option<&[Value]> {
    let found = schema.get("anyOf").or_else(|| schema.get("oneOf"))?.as_array()?;
    let words = found.iter().all(|one| one.get("const").is_some() || one.get("enum").is_some());
    (!words).then_some(found.as_slice())
}

/// The texts that a closed set of words has; documented words are a `oneOf` of constants.
fn words(schema: &Value) -> Option<Vec<&str>> {
    if let Some(several) = schema.get("oneOf").and_then(Value::as_array) {
        return Some(several.iter().filter_map(words).flatten().collect());
    }
    if let Some(word) = schema.get("const").and_then(Value::as_str) {
        return Some(vec![word]);
    }
    let words = schema.get("enum")?.as_array()?;
    Some(words.iter().filter_map(Value::as_str).collect())
}

fn only_key(schema: &Value) -> Option<&str> {
    schema.get("required")?.as_array()?.first()?.as_str()
}

fn range(schema: &Value) -> (i64, i64) {
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
fn mismatch(node: &Node, schema: &Value) -> Option<&'static str> {
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
