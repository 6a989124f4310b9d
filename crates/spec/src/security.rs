//! Which credentials does an operation ask for? Alternatives (any one is enough), each of which
//! is one scheme with its scopes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::model::SecurityRequirement;
use crate::report::{Report, Rule};

const UNDEFINED: Rule = Rule {
    code: "PC0220",
    why: "a requirement that names no defined scheme asks for nothing that can be checked",
    fix: "define the scheme under `components.securitySchemes`, or correct the name",
};

const SEVERAL: Rule = Rule {
    code: "PC0221",
    why: "a request carries one credential here; the second scheme would go unchecked",
    fix: "make the schemes alternatives, or keep the one that must be shown",
};

const MALFORMED: Rule = Rule {
    code: "PC0222",
    why: "a requirement that is not understood cannot be enforced",
    fix: "write a list of mappings from scheme to a list of scopes",
};

const UNVERIFIABLE: Rule = Rule {
    code: "PC0224",
    why: "no identity provider can verify such a credential; callers must show another one",
    fix: "use `oauth2`, `openIdConnect`, `http` with `bearer`, or `apiKey` in a header",
};

/// Security of one operation: its own, else the document's. Empty means public.
pub(crate) fn read(
    document: &Value,
    operation: &Value,
    pointer: &str,
    report: &mut Report<'_>,
) -> Vec<SecurityRequirement> {
    let own = operation.get("security").map(|listed| (listed, format!("{pointer}/security")));
    let global = document.get("security").map(|listed| (listed, "/security".to_owned()));
    let Some((listed, place)) = own.or(global) else { return Vec::new() };
    let Some(alternatives) = listed.as_array() else {
        report.error(MALFORMED, &place, "`security` is not a list");
        return Vec::new();
    };
    let alternatives = alternatives.iter().enumerate();
    alternatives
        .filter_map(|(index, one)| requirement(document, one, &format!("{place}/{index}"), report))
        .collect()
}

/// Says what is wrong with the schemes themselves, once for the document.
pub(crate) fn check_schemes(document: &Value, report: &mut Report<'_>) {
    let schemes = document.pointer("/components/securitySchemes").and_then(Value::as_object);
    for (name, scheme) in schemes.into_iter().flatten() {
        let text = |key: &str| scheme.get(key).and_then(Value::as_str).unwrap_or_default();
        let fits = match text("type") {
            "oauth2" | "openIdConnect" => true,
            "http" => text("scheme").eq_ignore_ascii_case("bearer"),
            "apiKey" => text("in") == "header",
            _ => scheme.get("$ref").is_some(),
        };
        if !fits {
            let place = format!("/components/securitySchemes/{}", crate::reference::escape(name));
            report.warning(
                UNVERIFIABLE,
                &place,
                format!("security scheme `{name}` cannot be verified"),
            );
        }
    }
}

fn requirement(
    document: &Value,
    written: &Value,
    pointer: &str,
    report: &mut Report<'_>,
) -> Option<SecurityRequirement> {
    let Some(members) = written.as_object() else {
        report.error(MALFORMED, pointer, "a security requirement is not a mapping");
        return None;
    };
    if members.len() > 1 {
        let names: Vec<String> = members.keys().map(|name| format!("`{name}`")).collect();
        let names = names.join(" and ");
        report.error(SEVERAL, pointer, format!("asks for {names} at the same time"));
    }
    let mut schemes = BTreeMap::new();
    for (name, scopes) in members {
        let place = format!("{pointer}/{}", crate::reference::escape(name));
        let defined = document
            .pointer("/components/securitySchemes")
            .and_then(|schemes| schemes.get(name))
            .is_some();
        if !defined {
            report.error(UNDEFINED, &place, format!("security scheme `{name}` is not defined"));
        }
        let listed: Option<BTreeSet<String>> = scopes
            .as_array()
            .and_then(|scopes| scopes.iter().map(|one| one.as_str().map(str::to_owned)).collect());
        if listed.is_none() {
            report.error(MALFORMED, &place, format!("scopes of `{name}` are not a list of texts"));
        }
        schemes.insert(name.clone(), listed.unwrap_or_default());
    }
    Some(SecurityRequirement { schemes })
}
