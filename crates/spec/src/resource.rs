//! What does an operation act on? The path says it by convention (`/orders/{id}` is an `Order`,
//! `/orders` an `OrderCollection`), and the extension `x-portcullis` where it does not:
//!
//! ```yaml
//! x-portcullis:
//!   resource: Order           # entity type
//!   id: orderId               # path parameter that names the resource
//!   tenant: token             # token | none | {path: tenantId}
//!   public: "why anybody may call it"
//! ```
//!
//! It may stand in a path item, an operation, or both; the operation's keys come first.

use serde_json::Value;

use crate::model::{PathTemplate, ResourceRule, Segment, TenantSource};
use crate::report::{Report, Rule};

const KEY: &str = "x-portcullis";

/// Names that mean something else in the generated policy schema.
const TAKEN: [&str; 14] = [
    "Action",
    "Anonymous",
    "ApiKey",
    "Bool",
    "Boolean",
    "Entity",
    "Extension",
    "Long",
    "Record",
    "Set",
    "String",
    "Type",
    "User",
    "Workload",
];

const UNKNOWN: Rule = Rule {
    code: "PC0230",
    why: "a key that is not understood is not enforced",
    fix: "known keys: `resource`, `id`, `tenant`, `public`",
};

const VALUE: Rule = Rule {
    code: "PC0231",
    why: "who may reach the resource depends on it",
    fix: "`resource: Order`, `id: <path parameter>`, `tenant: token | none | {path: <path parameter>}`, `public: <why>`",
};

const CONTRADICTION: Rule = Rule {
    code: "PC0232",
    why: "an operation is public or asks for a credential, not both",
    fix: "remove `public`, or set `security: []` on the operation",
};

const UNEXPLAINED: Rule = Rule {
    code: "PC0233",
    why: "an operation without security is often one where it was forgotten",
    fix: "give it `security`, or say why in `x-portcullis: {public: …}`",
};

const UNDECIDED: Rule = Rule {
    code: "PC0235",
    why: "whoever may call this may name any value there: nothing compares it with the caller",
    fix: "say where the tenant comes from: `tenant: {path: <this parameter>}`, or `tenant: token` or `none` if that is meant",
};

/// Reads the rule of one operation.
pub(crate) fn read(
    path_item: &Value,
    operation: &Value,
    template: &PathTemplate,
    anonymous: bool,
    place: &Place<'_>,
    report: &mut Report<'_>,
) -> ResourceRule {
    let mut reader = Reader {
        template,
        report,
        rule: by_convention(template, None),
        tenant: None,
        pinned: None,
    };
    for (held, pointer) in [(path_item, place.path_item), (operation, place.operation)] {
        if let Some(written) = held.get(KEY) {
            reader.extension(written, &format!("{pointer}/{KEY}"));
        }
    }
    let Reader { mut rule, tenant, pinned, .. } = reader;
    let spelled = tenant.clone();
    if let Some(TenantSource::PathParam(name)) = &tenant {
        let convention = by_convention(template, Some(name));
        let pinned = pinned.unwrap_or_default();
        if !pinned.entity {
            rule.entity = convention.entity;
        }
        if !pinned.id {
            rule.id = convention.id;
        }
    }
    rule.tenant = match tenant {
        Some(tenant) => tenant,
        None if rule.public.is_some() => TenantSource::None,
        None => TenantSource::Token,
    };
    let at = place.operation;
    if spelled.is_none() && rule.public.is_none() {
        undecided(template, &rule, at, report);
    }
    if rule.public.is_some() && !anonymous {
        report.error(CONTRADICTION, at, "is said to be public and has `security`");
    }
    if rule.public.is_none() && anonymous {
        report.warning(UNEXPLAINED, at, "anybody may call this, and it is not said why");
    }
    rule
}

/// A parameter that is neither the resource nor its tenant may be the tenant that somebody forgot to
/// declare; so may one whose name says so.
fn undecided(template: &PathTemplate, rule: &ResourceRule, at: &str, report: &mut Report<'_>) {
    for name in template.parameters() {
        let named = name.to_ascii_lowercase().contains("tenant");
        if named || rule.id.as_deref() != Some(name) {
            report.error(UNDECIDED, at, format!("path parameter `{name}` decides nothing"));
        }
    }
}

/// Where the two places of the extension are.
pub(crate) struct Place<'a> {
    pub(crate) path_item: &'a str,
    pub(crate) operation: &'a str,
}

struct Reader<'a, 'r> {
    template: &'a PathTemplate,
    report: &'a mut Report<'r>,
    rule: ResourceRule,
    tenant: Option<TenantSource>,
    pinned: Option<Pinned>,
}

/// What was spelled and is not derived again.
#[derive(Clone, Copy, Default)]
struct Pinned {
    entity: bool,
    id: bool,
}

impl Reader<'_, '_> {
    fn extension(&mut self, written: &Value, pointer: &str) {
        let Some(members) = written.as_object() else {
            self.report.error(VALUE, pointer, format!("`{KEY}` is not a mapping"));
            return;
        };
        for (key, value) in members {
            let place = format!("{pointer}/{}", crate::reference::escape(key));
            match key.as_str() {
                "resource" => self.entity(value, &place),
                "id" => self.id(value, &place),
                "tenant" => self.tenant(value, &place),
                "public" => self.public(value, &place),
                _ => self.report.error(UNKNOWN, &place, format!("unknown key `{key}`")),
            }
        }
    }

    fn entity(&mut self, value: &Value, place: &str) {
        match value.as_str().filter(|name| is_entity_name(name)) {
            Some(name) => {
                name.clone_into(&mut self.rule.entity);
                self.pinned.get_or_insert_default().entity = true;
            }
            None => self.report.error(VALUE, place, format!("`{value}` cannot name a resource")),
        }
    }

    fn id(&mut self, value: &Value, place: &str) {
        if let Some(name) = self.path_parameter(Some(value), place) {
            self.rule.id = Some(name);
            self.pinned.get_or_insert_default().id = true;
        }
    }

    fn tenant(&mut self, value: &Value, place: &str) {
        self.tenant = match value {
            Value::String(word) if word == "token" => Some(TenantSource::Token),
            Value::String(word) if word == "none" => Some(TenantSource::None),
            Value::Object(members) => {
                let only = members.get("path").filter(|_| members.len() == 1);
                self.path_parameter(only, place).map(TenantSource::PathParam)
            }
            _ => {
                self.report.error(VALUE, place, format!("`{value}` is no source of a tenant"));
                None
            }
        };
    }

    fn public(&mut self, value: &Value, place: &str) {
        match value.as_str().map(str::trim).filter(|reason| !reason.is_empty()) {
            Some(reason) => self.rule.public = Some(reason.to_owned()),
            None => self.report.error(VALUE, place, "`public` does not say why"),
        }
    }

    fn path_parameter(&mut self, value: Option<&Value>, place: &str) -> Option<String> {
        let name = value.and_then(Value::as_str).unwrap_or_default();
        if self.template.parameters().any(|one| one == name) {
            return Some(name.to_owned());
        }
        let message = format!("`{}` has no path parameter `{name}`", self.template.text);
        self.report.error(VALUE, place, message);
        None
    }
}

/// The rule that the path alone suggests. The tenant's own parameter names no resource as long
/// as something else does.
fn by_convention(template: &PathTemplate, tenant: Option<&str>) -> ResourceRule {
    let is_tenant = |segment: &Segment| matches!(segment, Segment::Parameter(name) if Some(name.as_str()) == tenant);
    let mut segments = template.segments.as_slice();
    if let Some(at) = segments.iter().position(is_tenant)
        && let Some(rest) = segments.get(at.saturating_add(1)..)
        && !rest.is_empty()
    {
        segments = rest;
    }
    let literal = |segment: &Segment| match segment {
        Segment::Literal(text) if !text.is_empty() => Some(text.clone()),
        _ => None,
    };
    let parameter = segments.iter().enumerate().rev().find_map(|(at, segment)| match segment {
        Segment::Parameter(name) => Some((at, name.clone())),
        Segment::Literal(_) => None,
    });
    let (entity, id) = match parameter {
        Some((at, name)) => {
            let before = segments.get(..at).unwrap_or_default();
            let collection = before.iter().rev().find_map(literal);
            (pascal(&singular(collection.as_deref().unwrap_or(&name))), Some(name))
        }
        None => {
            let word = segments.iter().rev().find_map(literal).unwrap_or_else(|| "root".to_owned());
            let one = singular(&word);
            let suffix = if one == word { "" } else { "Collection" };
            (format!("{}{suffix}", pascal(&one)), None)
        }
    };
    let entity = if is_entity_name(&entity) { entity } else { format!("{entity}Resource") };
    ResourceRule { entity, id, tenant: TenantSource::Token, public: None }
}

/// A name that the policy schema can use for a resource.
fn is_entity_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_uppercase())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !TAKEN.contains(&name)
}

/// English plural to singular, as far as names of collections need it.
fn singular(word: &str) -> String {
    if let Some(stem) = word.strip_suffix("ies") {
        return format!("{stem}y");
    }
    for ending in ["sses", "xes", "ches", "shes", "zes"] {
        if word.ends_with(ending) {
            return word.strip_suffix("es").unwrap_or(word).to_owned();
        }
    }
    if ["ss", "us", "is"].iter().any(|ending| word.ends_with(ending)) {
        return word.to_owned();
    }
    word.strip_suffix('s').unwrap_or(word).to_owned()
}

/// `line-items` → `LineItems`. A name that would begin with a digit gets an `R` in front.
fn pascal(word: &str) -> String {
    let mut name = String::with_capacity(word.len());
    for part in word.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()) {
        let mut chars = part.chars();
        name.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(chars.as_str());
    }
    if name.starts_with(|first: char| !first.is_ascii_uppercase()) || name.is_empty() {
        name.insert(0, 'R');
    }
    name
}

#[cfg(test)]
mod tests {
    use super::by_convention;
    use crate::template;

    #[test]
    fn the_path_names_the_resource() {
        for (path, entity, id) in [
            ("/orders", "OrderCollection", None),
            ("/orders/{id}", "Order", Some("id")),
            ("/orders/{id}/cancel", "Order", Some("id")),
            ("/orders/{id}/items/{item}", "Item", Some("item")),
            ("/line-items", "LineItemCollection", None),
            ("/companies/{c}", "Company", Some("c")),
            ("/boxes/{b}", "Box", Some("b")),
            ("/status", "Status", None),
            ("/", "Root", None),
            ("/users/{id}", "UserResource", Some("id")),
            ("/2fa/{x}", "R2fa", Some("x")),
            ("/{anything}", "Anything", Some("anything")),
        ] {
            let rule = by_convention(&template::parse(path).unwrap(), None);
            assert_eq!((rule.entity.as_str(), rule.id.as_deref()), (entity, id), "{path}");
        }
    }

    #[test]
    fn the_tenant_in_the_path_is_not_the_resource() {
        let of = |path: &str| {
            let rule = by_convention(&template::parse(path).unwrap(), Some("t"));
            (rule.entity, rule.id)
        };
        assert_eq!(of("/tenants/{t}/orders"), ("OrderCollection".into(), None));
        assert_eq!(of("/tenants/{t}/orders/{id}"), ("Order".into(), Some("id".into())));
        assert_eq!(of("/tenants/{t}"), ("Tenant".into(), Some("t".into())));
    }
}
