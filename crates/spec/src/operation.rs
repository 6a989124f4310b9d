//! Which operations does the contract list? One per path and method, each with an id of its own.

use std::collections::BTreeMap;

use portcullis_model::{Method, OperationId};
use serde_json::Value;

use crate::model::{Messages, Operation, PathTemplate, allow_anonymous};
use crate::reference::{self, escape};
use crate::report::{OUTWARD, Report, Rule};
use crate::resource::Place;
use crate::{body, parameter, resource, security, template};

/// Longest `operationId` in bytes: it is a metric label and stands in every record.
const ID_BYTES_MAX: usize = 128;

/// Keys of a path item that hold no operation and are understood or say nothing to enforce.
const OTHER_KEYS: [&str; 5] = ["$ref", "summary", "description", "servers", "parameters"];

const PATH: Rule = Rule {
    code: "PC0201",
    why: "requests are matched by whole, canonical segments, so that a path has one meaning",
    fix: "write `/text/{parameter}` with unreserved characters, each parameter a whole segment",
};

const NO_ID: Rule = Rule {
    code: "PC0202",
    why: "policies, limits and records name operations by id; a name made from the path changes with it",
    fix: "add `operationId`",
};

const BAD_ID: Rule = Rule {
    code: "PC0203",
    why: "the id becomes the name of a policy action, a metric label and a part of every record",
    fix: "use up to 128 visible ASCII characters without `\"`, `\\`, `:`; not `op_read`, `op_write` or `op_delete`",
};

const SAME_ID: Rule = Rule {
    code: "PC0204",
    why: "a policy that names the id would mean both",
    fix: "give each operation an id of its own",
};

const SAME_PATH: Rule = Rule {
    code: "PC0205",
    why: "a request would match both, and which one decides would be chance",
    fix: "keep one of the two paths",
};

const UNKNOWN: Rule = Rule {
    code: "PC0206",
    why: "a key that is not understood is not enforced",
    fix: "correct or remove it",
};

const NEVER: Rule = Rule {
    code: "PC0207",
    why: "TRACE reflects what it is sent and never crosses",
    fix: "remove it",
};

/// All operations, sorted by id.
pub(crate) fn read(document: &Value, report: &mut Report<'_>) -> Vec<(Operation, Messages)> {
    let mut operations: BTreeMap<OperationId, (Operation, Messages)> = BTreeMap::new();
    let mut shapes: BTreeMap<String, &str> = BTreeMap::new();
    let paths = document.get("paths").and_then(Value::as_object);
    for path in paths.into_iter().flatten().map(|(path, _)| path) {
        if path.starts_with("x-") {
            continue;
        }
        let pointer = format!("/paths/{}", escape(path));
        let template = match template::parse(path) {
            Ok(template) => template,
            Err(why) => {
                report.error(PATH, &pointer, why);
                continue;
            }
        };
        if let Some(other) = shapes.insert(template.shape(), path) {
            let message = format!("`{path}` matches the same requests as `{other}`");
            report.error(SAME_PATH, &pointer, message);
        }
        for (operation, messages, at) in read_path(document, &pointer, &template, report) {
            if operations.contains_key(&operation.id) {
                let message = format!("`{}` is used twice", operation.id);
                report.error(SAME_ID, &format!("{at}/operationId"), message);
            }
            operations.insert(operation.id.clone(), (operation, messages));
        }
    }
    operations.into_values().collect()
}

fn read_path(
    document: &Value,
    pointer: &str,
    template: &PathTemplate,
    report: &mut Report<'_>,
) -> Vec<(Operation, Messages, String)> {
    let mut operations = Vec::new();
    let Some(item) = reference::resolve(document, pointer, report) else { return operations };
    let Some(members) = item.value.as_object() else {
        report.error(UNKNOWN, pointer, "the path item is not a mapping");
        return operations;
    };
    for (key, value) in members {
        let at = format!("{}/{key}", item.pointer);
        let method = Method::ALL.into_iter().find(|one| one.as_str().to_ascii_lowercase() == *key);
        match method {
            Some(method) if value.is_object() => {
                let context = Context { document, item: &item.pointer, at: &at, template, method };
                let (operation, messages) = context.operation(item.value, value, report);
                operations.push((operation, messages, at));
            }
            Some(_) => report.error(UNKNOWN, &at, format!("`{key}` is not a mapping")),
            None if key == "trace" => report.warning(NEVER, &at, "TRACE is ignored"),
            None if key.starts_with("x-") || OTHER_KEYS.contains(&key.as_str()) => {}
            None => report.error(UNKNOWN, &at, format!("unknown key `{key}` in a path item")),
        }
    }
    operations
}

/// Where one operation stands.
struct Context<'a> {
    document: &'a Value,
    item: &'a str,
    at: &'a str,
    template: &'a PathTemplate,
    method: Method,
}

impl Context<'_> {
    fn operation(
        &self,
        item: &Value,
        written: &Value,
        report: &mut Report<'_>,
    ) -> (Operation, Messages) {
        if written.get("callbacks").is_some() {
            report.warning(OUTWARD, &format!("{}/callbacks", self.at), "callbacks are ignored");
        }
        let security = security::read(self.document, written, self.at, report);
        let anonymous = allow_anonymous(&security);
        let place = Place { path_item: self.item, operation: self.at };
        let resource = resource::read(item, written, self.template, anonymous, &place, report);
        let lists = [format!("{}/parameters", self.item), format!("{}/parameters", self.at)];
        let parameters =
            parameter::read(self.document, [&lists[0], &lists[1]], self.template, self.at, report);
        let takes_body =
            matches!(self.method, Method::Post | Method::Put | Method::Patch | Method::Delete);
        let tags = written.get("tags").and_then(Value::as_array).into_iter().flatten();
        let operation = Operation {
            id: self.id(written, report),
            method: self.method,
            template: self.template.clone(),
            security,
            tags: tags.filter_map(Value::as_str).map(str::to_owned).collect(),
            resource,
            deprecated: written.get("deprecated") == Some(&Value::Bool(true)),
        };
        let body = body::read(self.document, self.at, takes_body, report);
        (operation, Messages { parameters, body })
    }

    fn id(&self, written: &Value, report: &mut Report<'_>) -> OperationId {
        let made = || {
            let method = self.method.as_str().to_ascii_lowercase();
            OperationId::new(&format!("{method} {}", self.template.text))
        };
        let place = format!("{}/operationId", self.at);
        match written.get("operationId") {
            None => {
                let id = made();
                report.warning(NO_ID, self.at, format!("no `operationId`; called `{id}`"));
                id
            }
            Some(Value::String(id)) if is_id(id) => OperationId::new(id),
            Some(id) => {
                report.error(BAD_ID, &place, format!("{id} cannot name an operation"));
                made()
            }
        }
    }
}

fn is_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= ID_BYTES_MAX
        && id.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b':'))
        && !["op_read", "op_write", "op_delete"].contains(&id)
}
