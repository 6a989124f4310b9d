//! Does the file have the shape of a declaration? The tree is held against the JSON Schema of
//! [`crate::document`]; everything that does not fit is said at once, each at its place.
//!
//! What does not fit is mended for the rest of the reading, so that errors of form hide no others:
//! a key or word that is almost right counts as the one that was meant, what is not known is left
//! out, and for the rest stands the least that fits. [`Problems`] knows these places and keeps
//! silent about what follows from them.

pub(crate) mod keywords;

use serde_json::Value;

use self::keywords::{
    alternatives, mismatch, only_key, quantity, range, required, resolved, stand_in, words,
};
use crate::problems::{Problems, Rule};
use crate::tree::{Entry, Kind, Node};

const UNKNOWN: Rule =
    Rule { code: "PC0101", why: "a key that is not understood is not enforced", fix: "remove it" };
/// A key that stands twice.
pub(crate) const DUPLICATE: Rule =
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

/// Says what does not fit; the tree that fits.
pub(crate) fn mend(tree: &Node, schema: &Value, problems: &mut Problems<'_>) -> Node {
    let mut mender = Mender { root: schema, problems, path: Vec::new() };
    mender.node(tree, schema, "the declaration")
}

struct Mender<'a, 'p, 'f> {
    root: &'a Value,
    problems: &'p mut Problems<'f>,
    /// Keys and indices from the root, as they were meant.
    path: Vec<String>,
}

impl<'a> Mender<'a, '_, '_> {
    fn node(&mut self, node: &Node, schema: &'a Value, name: &str) -> Node {
        let schema = resolved(self.root, schema);
        if let Some(found) = alternatives(schema) {
            return self.alternatives(node, schema, found, name);
        }
        if let Some(words) = words(schema) {
            return self.word(node, schema, &words, name);
        }
        if let Some(expected) = mismatch(node, schema) {
            let message = format!("{name} is {}, and should be {expected}", node.what());
            let fix = match (&node.kind, expected, quantity(schema)) {
                (Kind::Number(_), "a text", Some(shown)) => {
                    Some(format!("write it with its unit, such as `{shown}`"))
                }
                (Kind::Flag(_) | Kind::Number(_), "a text", _) => {
                    Some("put it in quotes".to_owned())
                }
                _ => None,
            };
            self.problems.error_at(WRONG, node.at, message, fix);
            return self.replaced(node, schema);
        }
        let kind = match &node.kind {
            Kind::Map(entries) => Kind::Map(self.map(node, entries, schema, name)),
            Kind::List(items) => Kind::List(self.list(items, schema, name)),
            Kind::Number(number) => {
                let (low, high) = range(schema);
                let fits = number.as_i64().is_some_and(|number| (low..=high).contains(&number));
                if !fits {
                    let message = format!("{name} must be a whole number from {low} to {high}");
                    self.problems.error_at(WRONG, node.at, message, None);
                    return self.replaced(node, schema);
                }
                node.kind.clone()
            }
            Kind::Null | Kind::Flag(_) | Kind::Text(_) => node.kind.clone(),
        };
        Node { at: node.at, kind }
    }

    fn list(&mut self, items: &[Node], schema: &'a Value, name: &str) -> Vec<Node> {
        let Some(schema) = schema.get("items") else { return items.to_vec() };
        let item = |(index, item): (usize, &Node)| {
            self.path.push(index.to_string());
            let item = self.node(item, schema, &format!("an item of {name}"));
            self.path.pop();
            item
        };
        items.iter().enumerate().map(item).collect()
    }

    fn map(&mut self, node: &Node, entries: &[Entry], schema: &'a Value, name: &str) -> Vec<Entry> {
        let properties = schema.get("properties").and_then(Value::as_object);
        let others = schema.get("additionalProperties").filter(|others| others.is_object());
        let known: Vec<&str> =
            properties.into_iter().flat_map(|known| known.keys()).map(String::as_str).collect();
        let mut mended: Vec<Entry> = Vec::new();
        for entry in entries {
            let is_known = others.is_some() || known.contains(&entry.key.as_str());
            let key = if is_known {
                entry.key.as_str()
            } else {
                let Some(meant) = self.unknown(entry, &known, name) else { continue };
                if node.get(meant).is_some() {
                    self.doubted(meant);
                    continue;
                }
                meant
            };
            if mended.iter().any(|earlier| earlier.key == key) {
                let message = format!("`{key}` stands twice");
                self.problems.error_at(DUPLICATE, entry.key_at, message, None);
                continue;
            }
            let Some(schema) = properties.and_then(|known| known.get(key)).or(others) else {
                continue;
            };
            self.path.push(key.to_owned());
            let value = self.node(&entry.value, schema, &format!("`{key}`"));
            self.path.pop();
            mended.push(Entry { key: key.to_owned(), key_at: entry.key_at, value });
        }
        self.missing(node, schema, &mut mended, name);
        mended
    }

    fn missing(&mut self, node: &Node, schema: &'a Value, mended: &mut Vec<Entry>, name: &str) {
        let at = mended.first().map_or(node.at, |entry| entry.key_at);
        for key in required(schema) {
            if mended.iter().any(|entry| entry.key == key) {
                continue;
            }
            self.problems.error_at(MISSING, at, format!("{name} lacks `{key}`"), None);
            let value = schema.get("properties").and_then(|known| known.get(key));
            let value = stand_in(self.root, value.unwrap_or(&Value::Null), at);
            self.doubted(key);
            mended.push(Entry { key: key.to_owned(), key_at: at, value });
        }
    }

    /// Says that the key is unknown; the known one that is almost the same.
    fn unknown<'k>(&mut self, entry: &Entry, known: &[&'k str], name: &str) -> Option<&'k str> {
        let close = portcullis_diagnostics::closest(&entry.key, known.iter().copied());
        let fix = match close {
            Some(close) => format!("did you mean `{close}`?"),
            None => format!("remove it; known keys: {}", known.join(", ")),
        };
        let message = format!("{name} has no key `{}`", entry.key);
        self.problems.error_at(UNKNOWN, entry.key_at, message, Some(fix));
        if close.is_none() {
            // it may have been the one that is missing elsewhere
            self.doubted(&entry.key);
        }
        close
    }

    fn word(&mut self, node: &Node, schema: &'a Value, words: &[&'a str], name: &str) -> Node {
        let mut close = None;
        if let Kind::Text(text) = &node.kind {
            if words.contains(&text.as_str()) {
                return node.clone();
            }
            close = portcullis_diagnostics::closest(text, words.iter().copied());
        }
        let fix = close.map(|close| format!("did you mean `{close}`?"));
        let message = format!("{name} must be one of: {}", words.join(", "));
        self.problems.error_at(WRONG, node.at, message, fix);
        match close {
            Some(close) => {
                self.problems.guess(&self.path);
                Node { at: node.at, kind: Kind::Text(close.to_owned()) }
            }
            None => self.replaced(node, schema),
        }
    }

    /// Alternatives that are mappings with one key each, or a type and `null`.
    fn alternatives(
        &mut self,
        node: &Node,
        schema: &'a Value,
        alternatives: &'a [Value],
        name: &str,
    ) -> Node {
        if let Some(schema) = alternatives.iter().find(|one| one.get("$ref").is_some()) {
            return match node.kind {
                Kind::Null => node.clone(),
                _ => self.node(node, schema, name),
            };
        }
        let keys: Vec<&str> = alternatives.iter().filter_map(only_key).collect();
        let Kind::Map(entries) = &node.kind else {
            let keys = keys.join("` or `");
            let message =
                format!("{name} is {}, and should be a mapping with `{keys}`", node.what());
            self.problems.error_at(WRONG, node.at, message, None);
            return self.replaced(node, schema);
        };
        let mut meant: Vec<Entry> = Vec::new();
        for entry in entries {
            let known = keys.iter().copied().find(|key| *key == entry.key);
            if let Some(key) = known.or_else(|| self.unknown(entry, &keys, name)) {
                meant.push(Entry { key: key.to_owned(), ..entry.clone() });
            }
        }
        if let [entry] = meant.as_slice()
            && let Some(schema) = alternatives.iter().find(|one| only_key(one) == Some(&entry.key))
        {
            return Node { at: node.at, kind: Kind::Map(self.map(node, &meant, schema, name)) };
        }
        let at = entries.first().map_or(node.at, |entry| entry.key_at);
        let message = format!("{name} must have exactly one of `{}`", keys.join("`, `"));
        self.problems.error_at(ONE_OF, at, message, None);
        self.replaced(node, schema)
    }

    fn doubted(&mut self, key: &str) {
        self.path.push(key.to_owned());
        self.problems.doubt(&self.path);
        self.path.pop();
    }

    /// What stands for a value that cannot be understood.
    fn replaced(&mut self, node: &Node, schema: &'a Value) -> Node {
        self.problems.doubt(&self.path);
        stand_in(self.root, schema, node.at)
    }
}
