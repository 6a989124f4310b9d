//! Which parameters does an operation take, and how are they written? Path item and operation
//! merged; only styles that have one reading.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::{ArrayStyle, Location, Parameter, PathTemplate};
use crate::reference::{self, Part};
use crate::report::{Report, Rule};

/// Most schemas that are looked into for arrays and objects. Parameters are flat texts; what needs
/// more than this to say its shape, or leads in a circle, is not one.
const SCHEMAS_MAX: usize = 256;

/// Headers that OpenAPI describes elsewhere (3.1 section 4.8.12.1).
const DESCRIBED_ELSEWHERE: [&str; 3] = ["accept", "authorization", "content-type"];

const MALFORMED: Rule = Rule {
    code: "PC0212",
    why: "a parameter that is not understood cannot be checked",
    fix: "give it `name`, `in` (path, query, header or cookie) and `schema`",
};

const STYLE: Rule = Rule {
    code: "PC0213",
    why: "written this way, values can be cut in several ways or claim any name",
    fix: "use `form` in queries, `simple` in paths and headers, and flat values or arrays of them",
};

const TWICE: Rule =
    Rule { code: "PC0214", why: "which of the two is enforced would be chance", fix: "remove one" };

const PATH: Rule = Rule {
    code: "PC0215",
    why: "what a path parameter may hold is checked against its declaration",
    fix: "declare each `{name}` of the path with `in: path` and `required: true`, and no other",
};

const IGNORED: Rule = Rule {
    code: "PC0216",
    why: "OpenAPI describes this header elsewhere, so the parameter has no effect",
    fix: "remove it; use `content` and `security`",
};

/// Parameters of an operation, sorted by location and name.
pub(crate) fn read(
    document: &Value,
    lists: [&str; 2],
    template: &PathTemplate,
    operation: &str,
    report: &mut Report<'_>,
) -> Vec<Parameter> {
    let mut merged = BTreeMap::new();
    for list in lists {
        merged.extend(read_list(document, list, report));
    }
    for (location, name) in merged.keys() {
        if *location == Location::Path && !template.parameters().any(|one| one == name) {
            let message = format!("path parameter `{name}` is not in `{}`", template.text);
            report.error(PATH, operation, message);
        }
    }
    for name in template.parameters() {
        if !merged.contains_key(&(Location::Path, name.to_owned())) {
            let message = format!("`{{{name}}}` of `{}` is not declared", template.text);
            report.error(PATH, operation, message);
        }
    }
    merged.into_values().collect()
}

fn read_list(
    document: &Value,
    list: &str,
    report: &mut Report<'_>,
) -> BTreeMap<(Location, String), Parameter> {
    let mut found: BTreeMap<(Location, String), Parameter> = BTreeMap::new();
    let Some(written) = document.pointer(list) else { return found };
    let Some(items) = written.as_array() else {
        report.error(MALFORMED, list, "`parameters` is not a list");
        return found;
    };
    for index in 0..items.len() {
        let place = format!("{list}/{index}");
        let Some(part) = reference::resolve(document, &place, report) else { continue };
        let Some(parameter) = read_one(document, &part, report) else { continue };
        let key = (parameter.location, parameter.name.clone());
        if found.contains_key(&key) {
            let message = format!("{} parameter `{}` is declared twice", key.0.as_str(), key.1);
            report.error(TWICE, &place, message);
        }
        found.insert(key, parameter);
    }
    found
}

fn read_one(document: &Value, part: &Part<'_>, report: &mut Report<'_>) -> Option<Parameter> {
    let text = |key: &str| part.value.get(key).and_then(Value::as_str);
    let location = match text("in") {
        Some("path") => Location::Path,
        Some("query") => Location::Query,
        Some("header") => Location::Header,
        Some("cookie") => Location::Cookie,
        _ => {
            report.error(MALFORMED, &part.pointer, "the parameter does not say where it stands");
            return None;
        }
    };
    let Some(name) = text("name").filter(|name| !name.is_empty()) else {
        report.error(MALFORMED, &part.pointer, "the parameter has no name");
        return None;
    };
    let name =
        if location == Location::Header { name.to_ascii_lowercase() } else { name.to_owned() };
    if location == Location::Header && DESCRIBED_ELSEWHERE.contains(&name.as_str()) {
        report.warning(IGNORED, &part.pointer, format!("header parameter `{name}` is ignored"));
        return None;
    }
    let Some(schema) = part.value.get("schema") else {
        let what =
            if part.value.get("content").is_some() { "uses `content`" } else { "has no `schema`" };
        report.error(STYLE, &part.pointer, format!("parameter `{name}` {what}"));
        return None;
    };
    let required = part.value.get("required") == Some(&Value::Bool(true));
    if location == Location::Path && !required {
        let message = format!("path parameter `{name}` is not `required: true`");
        report.warning(PATH, &part.pointer, message);
    }
    let array = match array_style(document, part.value, schema, location) {
        Ok(array) => array,
        Err(why) => {
            report.error(STYLE, &part.pointer, format!("parameter `{name}` {why}"));
            return None;
        }
    };
    Some(Parameter {
        name,
        location,
        required: required || location == Location::Path,
        schema: schema.clone(),
        array,
        pointer: part.pointer.clone(),
    })
}

/// How several values are written; `None` for single values.
fn array_style(
    document: &Value,
    written: &Value,
    schema: &Value,
    location: Location,
) -> Result<Option<ArrayStyle>, String> {
    let usual = match location {
        Location::Path | Location::Header => "simple",
        Location::Query | Location::Cookie => "form",
    };
    let style = written.get("style").and_then(Value::as_str).unwrap_or(usual);
    if style != usual {
        return Err(format!("has style `{style}`, which is not supported"));
    }
    if written.get("allowReserved") == Some(&Value::Bool(true)) {
        return Err("has `allowReserved`, which is not supported".to_owned());
    }
    let mut shape = Shape::default();
    let mut left = SCHEMAS_MAX;
    shape.look(document, schema, &mut left);
    if left == 0 {
        return Err("has a schema that is nested without end".to_owned());
    }
    if shape.object {
        return Err("may be an object".to_owned());
    }
    if !shape.array {
        return Ok(None);
    }
    if shape.single {
        return Err("may be one value or an array".to_owned());
    }
    let explode = written.get("explode").and_then(Value::as_bool).unwrap_or(style == "form");
    match (location, explode) {
        (Location::Query, true) => Ok(Some(ArrayStyle::Repeated)),
        (Location::Cookie, true) => Err("is an exploded array in a cookie".to_owned()),
        _ => Ok(Some(ArrayStyle::Commas)),
    }
}

/// Which kinds of value a schema names.
#[derive(Clone, Copy, Debug, Default)]
struct Shape {
    array: bool,
    object: bool,
    single: bool,
}

impl Shape {
    fn look(&mut self, document: &Value, schema: &Value, left: &mut usize) {
        *left = left.saturating_sub(1);
        if *left == 0 {
            return;
        }
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str)
            && let Some(target) = reference.strip_prefix('#').and_then(|at| document.pointer(at))
        {
            self.look(document, target, left);
        }
        match schema.get("type") {
            Some(Value::String(kind)) => self.name(kind),
            Some(Value::Array(kinds)) => {
                kinds.iter().filter_map(Value::as_str).for_each(|kind| self.name(kind));
            }
            _ if schema.get("properties").is_some() => self.object = true,
            _ if schema.get("items").is_some() => self.array = true,
            _ => {}
        }
        for key in ["allOf", "anyOf", "oneOf"] {
            for below in schema.get(key).and_then(Value::as_array).into_iter().flatten() {
                self.look(document, below, left);
            }
        }
    }

    fn name(&mut self, kind: &str) {
        match kind {
            "array" => self.array = true,
            "object" => self.object = true,
            "null" => {}
            _ => self.single = true,
        }
    }
}
