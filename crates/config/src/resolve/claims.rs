//! Which claims become what, and can they be that? An attribute has one type for all providers, because
//! the policy schema has one; a claim that a standard defines has the type that it defines; and one
//! claim is not read in two ways.

use std::collections::BTreeMap;

use crate::declaration::{AttributeClaim, AttributeKind, Claims};
use crate::document;
use crate::problems::{Problems, Rule};

const ATTRIBUTE: Rule = Rule {
    code: "PC0121",
    why: "policies read the attribute by its name, with one type for all providers",
    fix: "use lower case letters, digits and `_`, a name that is not built in, and the same type everywhere",
};
const FORM: Rule = Rule {
    code: "PC0125",
    why: "a claim of another form than the declared one refuses every token that has it",
    fix: "name the claim that is meant, or the type that it has",
};

/// Attributes that principals have anyway; policies could not tell a claim from them.
const BUILT_IN: [&str; 10] = [
    "acr",
    "amr",
    "auth_time",
    "groups",
    "kind",
    "provider",
    "roles",
    "scopes",
    "subject",
    "tenant",
];

/// Attributes of callers with a certificate begin like this.
const OF_CERTIFICATES: &str = "certificate_";

/// Attributes of programs of a platform begin like this.
const OF_WORKLOADS: &str = "workload_";

/// Claims whose form a standard says (RFC 7519, 8693, 9068, `OpenID` Connect Core).
const STANDARD: [(&str, &[AttributeKind]); 18] = [
    ("acr", &[AttributeKind::Text]),
    ("amr", &[AttributeKind::Texts]),
    ("auth_time", &[AttributeKind::Number]),
    ("azp", &[AttributeKind::Text]),
    ("client_id", &[AttributeKind::Text]),
    ("email", &[AttributeKind::Text]),
    ("email_verified", &[AttributeKind::Flag]),
    ("exp", &[AttributeKind::Number]),
    ("iat", &[AttributeKind::Number]),
    ("iss", &[AttributeKind::Text]),
    ("jti", &[AttributeKind::Text]),
    ("name", &[AttributeKind::Text]),
    ("nbf", &[AttributeKind::Number]),
    ("phone_number_verified", &[AttributeKind::Flag]),
    ("scope", &[AttributeKind::Text, AttributeKind::TextOrTexts]),
    ("sid", &[AttributeKind::Text]),
    ("sub", &[AttributeKind::Text]),
    ("updated_at", &[AttributeKind::Number]),
];

/// Types of attributes, over all providers.
#[derive(Debug, Default)]
pub(super) struct Types(BTreeMap<String, &'static str>);

impl Types {
    /// Notes the attributes of a provider, and says which of them policies could not read.
    pub(super) fn note(
        &mut self,
        [name, kind]: [&str; 2],
        written: &document::Claims,
        problems: &mut Problems<'_>,
    ) {
        for (attribute, claim) in &written.attributes {
            let path = ["providers", name, kind, "claims", "attributes", attribute];
            let word = word(declared(claim.kind));
            let before = self.0.insert(attribute.clone(), word);
            if let Some(other) = before.filter(|other| *other != word) {
                let message =
                    format!("`{attribute}` is a {word} here and a {other} in another provider");
                problems.error(ATTRIBUTE, &path, message);
            }
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
            let ok = attribute.starts_with(|first: char| first.is_ascii_lowercase())
                && attribute.bytes().all(plain);
            let taken = BUILT_IN.contains(&attribute.as_str())
                || attribute.starts_with(OF_CERTIFICATES)
                || attribute.starts_with(OF_WORKLOADS);
            if !ok || taken {
                let message = format!("`{attribute}` cannot be the name of an attribute");
                problems.error(ATTRIBUTE, &path, message);
            }
        }
    }
}

/// The claims of a provider, with their types checked.
pub(super) fn resolved(
    [name, kind]: [&str; 2],
    written: &document::Claims,
    problems: &mut Problems<'_>,
) -> Claims {
    let at = |key| ["providers", name, kind, "claims", key];
    let mut read = BTreeMap::new();
    for (key, claim, form) in [
        ("tenant", &written.tenant, AttributeKind::Text),
        ("scopes", &written.scopes, AttributeKind::TextOrTexts),
        ("roles", &written.roles, AttributeKind::TextOrTexts),
        ("groups", &written.groups, AttributeKind::TextOrTexts),
        ("acr", &written.acr, AttributeKind::Text),
        ("amr", &written.amr, AttributeKind::Texts),
        ("auth_time", &written.auth_time, AttributeKind::Number),
    ] {
        if let Some(claim) = claim {
            check(claim, form, &at(key), &mut read, problems);
        }
    }
    let mut attributes = BTreeMap::new();
    for (attribute, written) in &written.attributes {
        let path = ["providers", name, kind, "claims", "attributes", attribute.as_str()];
        let form = declared(written.kind);
        check(&written.claim, form, &path, &mut read, problems);
        let (claim, required) = (written.claim.clone(), written.required);
        attributes.insert(attribute.clone(), AttributeClaim { claim, kind: form, required });
    }
    for (attribute, claim, kind) in [
        ("groups", &written.groups, AttributeKind::TextOrTexts),
        ("acr", &written.acr, AttributeKind::Text),
        ("amr", &written.amr, AttributeKind::Texts),
        ("auth_time", &written.auth_time, AttributeKind::Number),
    ] {
        if let Some(claim) = claim.clone() {
            let rule = AttributeClaim { claim, kind, required: false };
            attributes.insert(attribute.to_owned(), rule);
        }
    }
    Claims {
        tenant: written.tenant.clone(),
        scopes: written.scopes.clone(),
        roles: written.roles.clone(),
        attributes,
    }
}

/// Whether the claim can have this form, by its standard and by how it is read elsewhere.
fn check<'a>(
    claim: &'a str,
    form: AttributeKind,
    path: &[&str],
    read: &mut BTreeMap<&'a str, AttributeKind>,
    problems: &mut Problems<'_>,
) {
    let broken = claim.is_empty() || claim.bytes().any(|byte| byte.is_ascii_control());
    if broken || claim.starts_with('/') && claim.contains("//") {
        problems.error(FORM, path, format!("`{claim}` is not the name of a claim"));
    }
    let standard = STANDARD.iter().find(|(known, _)| *known == claim);
    let fits = standard.is_none_or(|(_, forms)| {
        forms.contains(&form)
            || form == AttributeKind::TextOrTexts && forms.contains(&AttributeKind::Texts)
    });
    if !fits {
        let message = format!("claim `{claim}` is not a {}", word(form));
        problems.error(FORM, path, message);
    }
    let either = |one, other| one == AttributeKind::TextOrTexts && is_text(other);
    if let Some(other) = read.insert(claim, form)
        && other != form
        && !either(other, form)
        && !either(form, other)
    {
        let message = format!(
            "claim `{claim}` is read as a {} here and a {} beside",
            word(form),
            word(other)
        );
        problems.error(FORM, path, message);
    }
}

const fn is_text(kind: AttributeKind) -> bool {
    matches!(kind, AttributeKind::Text | AttributeKind::Texts | AttributeKind::TextOrTexts)
}

const fn declared(kind: document::AttributeKind) -> AttributeKind {
    match kind {
        document::AttributeKind::Flag => AttributeKind::Flag,
        document::AttributeKind::Number => AttributeKind::Number,
        document::AttributeKind::Text => AttributeKind::Text,
        document::AttributeKind::Texts => AttributeKind::Texts,
    }
}

const fn word(kind: AttributeKind) -> &'static str {
    match kind {
        AttributeKind::Flag => "flag",
        AttributeKind::Number => "number",
        AttributeKind::Text => "text",
        AttributeKind::Texts => "list of texts",
        AttributeKind::TextOrTexts => "text or list of texts",
    }
}
