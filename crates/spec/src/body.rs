//! Which bodies does an operation take?

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::RequestBody;
use crate::reference;
use crate::report::{Report, Rule};

/// Media types that a body may be declared in, besides `application/*+json`.
const KNOWN: [&str; 4] = [
    "application/json",
    "application/octet-stream",
    "application/x-www-form-urlencoded",
    "text/plain",
];

const MEDIA: Rule = Rule {
    code: "PC0217",
    why: "a body that cannot be checked against its contract is not let through",
    fix: "use `application/json`, another `+json` type, a form, `text/plain` or `application/octet-stream`",
};

const EMPTY: Rule = Rule {
    code: "PC0218",
    why: "what the body may hold is not said, so it cannot be checked",
    fix: "list a media type with a schema under `content`, or remove `requestBody`",
};

const UNEXPECTED: Rule = Rule {
    code: "PC0219",
    why: "servers and proxies drop, ignore or misread bodies of such requests (RFC 9110 section 9.3)",
    fix: "use POST, PUT or PATCH, or move the values into parameters",
};

/// The request body of the operation at `pointer`.
pub(crate) fn read(
    document: &Value,
    pointer: &str,
    takes_body: bool,
    report: &mut Report<'_>,
) -> Option<RequestBody> {
    let place = format!("{pointer}/requestBody");
    document.pointer(&place)?;
    if !takes_body {
        report.error(UNEXPECTED, &place, "a body on a method that has none");
    }
    let part = reference::resolve(document, &place, report)?;
    let required = part.value.get("required") == Some(&Value::Bool(true));
    let written = part.value.get("content").and_then(Value::as_object);
    if written.is_none_or(serde_json::Map::is_empty) {
        report.error(EMPTY, &part.pointer, "the body has no `content`");
    }
    let mut content = BTreeMap::new();
    for (media, held) in written.into_iter().flatten() {
        let at = format!("{}/content/{}", part.pointer, reference::escape(media));
        let essence = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if !is_known(&essence) {
            report.error(MEDIA, &at, format!("media type `{media}` is not supported"));
        }
        if held.get("encoding").is_some() {
            report.error(MEDIA, &at, format!("`encoding` of `{media}` is not supported"));
        }
        let schema = held.get("schema").cloned().unwrap_or_else(|| {
            report.error(EMPTY, &at, format!("`{media}` has no schema"));
            Value::Bool(false)
        });
        if content.insert(essence, schema).is_some() {
            report.error(MEDIA, &at, format!("media type `{media}` is listed twice"));
        }
    }
    Some(RequestBody { required, content, pointer: part.pointer })
}

fn is_known(essence: &str) -> bool {
    let json = essence.strip_prefix("application/").and_then(|rest| rest.strip_suffix("+json"));
    KNOWN.contains(&essence) || json.is_some_and(|name| !name.is_empty() && !name.contains('*'))
}
