//! What is otherwise in this environment? An overlay is a file `overlays/NAME.yaml` beside the
//! declaration, of the same shape, and laid over it key by key before anything is understood: what
//! comes out is a declaration like any other and is checked like any other.
//!
//! - A mapping is laid over a mapping; a value or a list replaces what stood there. Where exactly one
//!   of several keys may stand (a kind of provider, of key source, of secret), another key replaces it.
//! - What an overlay names must be there already, so that a name that is mistyped is no new thing
//!   beside the one that was meant. What is new stands under `add`, in the same shape.
//! - What goes is listed under `remove`, by section. Only named things of a section can go: whatever
//!   still refers to them is then an error, so nothing is weakened by what is not there. No key of a
//!   thing can go, for its default might allow more than the declaration did; the value that is meant is
//!   written instead, for all to see. A thing that is removed may be added anew, as a whole.
//! - What changes nothing is an error (law 6): whoever reads it would think that it does.
//!
//! There is no text interpolation, no second overlay on top, and no condition: one file says all that
//! is different. Whether the difference allows more is said by `diff` and by `check`, which know what
//! it means.

mod schema;

use portcullis_diagnostics::closest;
use serde_json::Value;

use crate::problems::{Problems, Rule};
use crate::shape::DUPLICATE;
use crate::shape::keywords::{alternatives, only_key, resolved};
use crate::tree::{Bytes, Entry, Kind, Node};

use schema::REMOVABLE;
pub(crate) use schema::json_schema;

const NOT_THERE: Rule = Rule {
    code: "PC0165",
    why: "an overlay changes what is declared; a name that is not would stand for nothing",
    fix: "what is new belongs under `add`",
};
const IDLE: Rule = Rule {
    code: "PC0166",
    why: "whoever reads it would think that it makes a difference",
    fix: "remove it",
};
const NOT_NEW: Rule = Rule {
    code: "PC0167",
    why: "`add` never changes what is there, so that each of the two says what it does",
    fix: "write it outside of `add`",
};
const FORM: Rule = Rule {
    code: "PC0168",
    why: "an overlay that is not understood is not enforced",
    fix: "`portcullis schema overlay` prints what may stand in an overlay",
};

/// Keys that an overlay has and a declaration has not.
const OWN: [&str; 2] = ["add", "remove"];

/// Lays an overlay over a declaration.
pub(crate) fn lay(
    base: &Node,
    overlay: &Node,
    schema: &Value,
    problems: &mut Problems<'_>,
) -> Node {
    if base.entries().is_none() {
        return base.clone();
    }
    let said = problems.count();
    let overlay = without_repeats(overlay, problems);
    let Some(written) = overlay.entries() else {
        let message = format!("the overlay is {}, and should be a mapping", overlay.what());
        problems.error_at(FORM, overlay.at, message, None);
        return base.clone();
    };
    let mut tree = base.clone();
    let mut layer = Layer { root: schema, problems };
    layer.version(base, &overlay);
    if let Some(entry) = overlay.get("remove") {
        layer.remove(&mut tree, &entry.value);
    }
    let changes = written.iter().filter(|entry| entry.key != "apiVersion");
    let changes: Vec<Entry> =
        changes.filter(|entry| !OWN.contains(&entry.key.as_str())).cloned().collect();
    if !changes.is_empty() {
        layer.change_all(&mut tree, &changes, schema, "the declaration");
    }
    if let Some(entry) = overlay.get("add") {
        layer.add(&mut tree, &entry.value, schema, "the declaration");
    }
    if problems.count() == said && tree.to_json() == base.to_json() {
        problems.error_at(IDLE, overlay.at, "the overlay changes nothing", None);
    }
    tree
}

/// Says what stands twice, and leaves the second out.
fn without_repeats(node: &Node, problems: &mut Problems<'_>) -> Node {
    let kind = match &node.kind {
        Kind::Map(entries) => {
            let mut once: Vec<Entry> = Vec::new();
            for entry in entries {
                if once.iter().any(|earlier| earlier.key == entry.key) {
                    let message = format!("`{}` stands twice", entry.key);
                    problems.error_at(DUPLICATE, entry.key_at, message, None);
                    continue;
                }
                let value = without_repeats(&entry.value, problems);
                once.push(Entry { value, ..entry.clone() });
            }
            Kind::Map(once)
        }
        Kind::List(items) => {
            Kind::List(items.iter().map(|item| without_repeats(item, problems)).collect())
        }
        same @ (Kind::Null | Kind::Flag(_) | Kind::Number(_) | Kind::Text(_)) => same.clone(),
    };
    Node { at: node.at, kind }
}

struct Layer<'a, 'p, 'f> {
    root: &'a Value,
    problems: &'p mut Problems<'f>,
}

impl<'a> Layer<'a, '_, '_> {
    fn version(&mut self, base: &Node, overlay: &Node) {
        let version = |node: &Node| node.get("apiVersion").map(|entry| entry.value.to_json());
        let at = overlay.get("apiVersion").map_or((overlay.at.0, overlay.at.0), |one| one.key_at);
        match version(overlay) {
            None => {
                let fix = Some("add `apiVersion: portcullis/v1`".to_owned());
                self.problems.error_at(FORM, at, "the overlay lacks `apiVersion`", fix);
            }
            Some(said) if Some(&said) != version(base).as_ref() => {
                let message = "the overlay has another `apiVersion` than the declaration";
                self.problems.error_at(FORM, at, message, None);
            }
            Some(_) => {}
        }
    }

    fn remove(&mut self, tree: &mut Node, removed: &Node) {
        let Some(sections) = removed.entries() else {
            let message = format!("`remove` is {}, and should be a mapping", removed.what());
            self.problems.error_at(FORM, removed.at, message, None);
            return;
        };
        for Entry { key: section, key_at, value } in sections {
            if !REMOVABLE.contains(&section.as_str()) {
                let fix = closest(section, REMOVABLE).map_or_else(
                    || format!("things of these sections can be removed: {}", REMOVABLE.join(", ")),
                    |close| format!("did you mean `{close}`?"),
                );
                let message = format!("nothing of `{section}` can be removed");
                self.problems.error_at(FORM, *key_at, message, Some(fix));
                continue;
            }
            let Kind::List(names) = &value.kind else {
                let message = format!("`{section}` is {}, and should be a list", value.what());
                self.problems.error_at(FORM, value.at, message, None);
                continue;
            };
            if names.is_empty() {
                let message = format!("nothing of `{section}` is removed");
                self.problems.error_at(IDLE, *key_at, message, None);
            }
            for name in names {
                self.remove_one(tree, section, name);
            }
        }
    }

    fn remove_one(&mut self, tree: &mut Node, section: &str, name: &Node) {
        let Kind::Text(text) = &name.kind else {
            let message = format!("a name is {}, and should be a text", name.what());
            self.problems.error_at(FORM, name.at, message, None);
            return;
        };
        let known = map_mut(tree)
            .and_then(|entries| entries.iter_mut().find(|entry| entry.key == section))
            .and_then(|entry| map_mut(&mut entry.value));
        let Some(known) = known else {
            let message = format!("the declaration has no `{section}`");
            self.problems.error_at(NOT_THERE, name.at, message, Some("remove it".to_owned()));
            return;
        };
        if known.iter().any(|entry| entry.key == *text) {
            known.retain(|entry| entry.key != *text);
        } else {
            let names: Vec<String> = known.iter().map(|entry| entry.key.clone()).collect();
            self.not_there(text, name.at, section, &names, "removed");
        }
    }

    /// Lays every entry over what stands in `tree`.
    fn change_all(&mut self, tree: &mut Node, over: &[Entry], schema: &'a Value, name: &str) {
        let Some(entries) = map_mut(tree) else { return };
        for entry in over {
            let inner = self.inner(schema, &entry.key);
            let shown = format!("`{}`", entry.key);
            if let Some(standing) = entries.iter_mut().find(|one| one.key == entry.key) {
                self.change(&mut standing.value, &entry.value, inner, &shown);
            } else if holds_names(self.form(schema)) {
                let known: Vec<String> = entries.iter().map(|one| one.key.clone()).collect();
                self.not_there(&entry.key, entry.key_at, name.trim_matches('`'), &known, "changed");
            } else {
                let default = inner.and_then(|schema| schema.get("default"));
                self.idle(&entry.value, inner, default, &shown);
                entries.push(entry.clone());
            }
        }
    }

    fn change(&mut self, base: &mut Node, over: &Node, schema: Option<&'a Value>, name: &str) {
        if let (Some(entries), Some(standing), Some(schema)) =
            (over.entries(), base.entries(), schema)
            && !entries.is_empty()
            && !self.is_other_form(schema, standing, entries)
        {
            self.change_all(base, entries, schema, name);
            return;
        }
        let nothing = over.entries().is_some_and(<[Entry]>::is_empty);
        if over.to_json() == base.to_json() || (nothing && base.entries().is_some()) {
            let message = format!("{name} is the same in the declaration");
            self.problems.error_at(IDLE, over.at, message, None);
        }
        *base = over.clone();
    }

    /// Whether exactly one of several keys may stand here, and the overlay has another one.
    fn is_other_form(&self, schema: &'a Value, base: &[Entry], over: &[Entry]) -> bool {
        let Some(forms) = alternatives(resolved(self.root, schema)) else { return false };
        let form = |entries: &[Entry]| {
            entries.first().and_then(|entry| {
                forms.iter().position(|form| only_key(form) == Some(entry.key.as_str()))
            })
        };
        matches!((form(base), form(over)), (Some(one), Some(other)) if one != other)
    }

    /// Says which values the overlay writes where the declaration is silent and means the same.
    fn idle(
        &mut self,
        over: &Node,
        schema: Option<&'a Value>,
        default: Option<&Value>,
        name: &str,
    ) {
        if let (Some(entries), Some(schema)) = (over.entries(), schema) {
            for entry in entries {
                let inner = self.inner(schema, &entry.key);
                let default = default
                    .and_then(|default| default.get(&entry.key))
                    .or_else(|| inner.and_then(|inner| inner.get("default")));
                self.idle(&entry.value, inner, default, &format!("`{}`", entry.key));
            }
        } else if default == Some(&over.to_json()) {
            let message = format!("{name} is so by default");
            self.problems.error_at(IDLE, over.at, message, None);
        }
    }

    fn add(&mut self, tree: &mut Node, added: &Node, schema: &'a Value, name: &str) {
        let Some(new) = added.entries() else {
            let message =
                format!("what is added to {name} is {}, and should be a mapping", added.what());
            self.problems.error_at(FORM, added.at, message, None);
            return;
        };
        if new.is_empty() {
            self.problems.error_at(IDLE, added.at, format!("nothing is added to {name}"), None);
        }
        let names = holds_names(self.form(schema));
        let Some(entries) = map_mut(tree) else { return };
        for entry in new {
            let inner = self.inner(schema, &entry.key);
            let shown = format!("`{}`", entry.key);
            match (entries.iter_mut().find(|one| one.key == entry.key), inner) {
                (Some(standing), Some(inner)) if standing.value.entries().is_some() => {
                    self.add(&mut standing.value, &entry.value, inner, &shown);
                }
                (Some(_), _) => {
                    let message = format!("{shown} is there already");
                    self.problems.error_at(NOT_NEW, entry.key_at, message, None);
                }
                (None, Some(inner)) if !names && !holds_names(self.form(inner)) => {
                    let message = format!("{shown} is no new thing, but a value of {name}");
                    self.problems.error_at(NOT_NEW, entry.key_at, message, None);
                }
                (None, _) => entries.push(entry.clone()),
            }
        }
    }

    fn not_there(&mut self, name: &str, at: Bytes, section: &str, known: &[String], verb: &str) {
        let fix = closest(name, known.iter().map(String::as_str))
            .map(|close| format!("did you mean `{close}`?"));
        let message = format!("there is no `{name}` in `{section}` that could be {verb}");
        let fix = fix.or_else(|| (verb == "removed").then(|| "remove it".to_owned()));
        self.problems.error_at(NOT_THERE, at, message, fix);
    }

    /// The schema of a mapping, behind references and behind `or nothing`.
    fn form(&self, schema: &'a Value) -> &'a Value {
        let schema = resolved(self.root, schema);
        let several = alternatives(schema).into_iter().flatten();
        several
            .map(|one| (one, resolved(self.root, one)))
            .find(|(one, _)| one.get("$ref").is_some())
            .map_or(schema, |(_, behind)| behind)
    }

    /// The schema of what stands under a key.
    fn inner(&self, schema: &'a Value, key: &str) -> Option<&'a Value> {
        let schema = self.form(schema);
        let of = |schema: &'a Value| schema.get("properties").and_then(|known| known.get(key));
        of(schema)
            .or_else(|| alternatives(schema).into_iter().flatten().find_map(of))
            .or_else(|| schema.get("additionalProperties").filter(|others| others.is_object()))
    }
}

/// Whether the keys of a mapping are names that the user chooses.
fn holds_names(schema: &Value) -> bool {
    schema.get("additionalProperties").is_some_and(Value::is_object)
}

const fn map_mut(node: &mut Node) -> Option<&mut Vec<Entry>> {
    match &mut node.kind {
        Kind::Map(entries) => Some(entries),
        Kind::List(_) | Kind::Null | Kind::Flag(_) | Kind::Number(_) | Kind::Text(_) => None,
    }
}
