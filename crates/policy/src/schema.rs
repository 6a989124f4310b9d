//! Which words may a policy use? The contracts say it: one Cedar namespace per API, an action per
//! operation, an entity type per resource, the declared attributes on principals.
//!
//! The text is deterministic, so that it can be reviewed and compared. Groups of actions:
//! `op_read`, `op_write`, `op_delete` by method class, `tag:<tag>`, `scope:<scope>`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use portcullis_model::{Method, PrincipalKind};
use portcullis_spec::{ApiModel, Operation, TenantSource};

/// Type of a declared principal attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeType {
    /// A truth value (`Bool`).
    Flag,
    /// A whole number (`Long`).
    Number,
    /// A text (`String`).
    Text,
    /// A set of texts (`Set<String>`).
    Texts,
}

/// Attributes that every principal but the anonymous one has.
const PRINCIPAL: &str =
    "tenant?: String, provider: String, subject: String, scopes: Set<String>, roles: Set<String>";

/// What every request tells besides principal, action and resource. Said once for each API: Cedar
/// starts a lexer for each name that it reads in a schema, which for the actions of a large estate was
/// a third of the time of loading. No type of a resource begins with a small letter.
const CONTEXT: &str = "type circumstances = { address: ipaddr, zone: String, now: datetime, token_age?: Long, auth_age?: Long, method: String };";

/// The schema (Cedar's human-readable form) of the APIs in the order given.
#[must_use]
pub fn cedar_schema(apis: &[&ApiModel], attributes: &BTreeMap<String, AttributeType>) -> String {
    let mut text = String::new();
    for api in apis {
        namespace_schema(api, attributes, &mut text);
    }
    text
}

/// Cedar namespace of an API: `shop-orders` is `ShopOrders`.
#[must_use]
pub fn namespace(api: &str) -> String {
    let mut name = String::with_capacity(api.len());
    for part in api.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()) {
        let mut chars = part.chars();
        name.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(chars.as_str());
    }
    if !name.starts_with(|first: char| first.is_ascii_uppercase()) {
        name.insert_str(0, "Api");
    }
    name
}

/// Cedar entity type of a kind of principal, without namespace.
#[must_use]
pub const fn principal_type(kind: PrincipalKind) -> &'static str {
    match kind {
        PrincipalKind::Anonymous => "Anonymous",
        PrincipalKind::ApiKey => "ApiKey",
        PrincipalKind::User => "User",
        PrincipalKind::Workload => "Workload",
    }
}

/// Group of actions by what the method does.
const fn method_group(method: Method) -> &'static str {
    match method {
        Method::Get | Method::Head | Method::Options => "op_read",
        Method::Post | Method::Put | Method::Patch => "op_write",
        Method::Delete => "op_delete",
    }
}

/// A text as a Cedar string literal.
pub(crate) fn quoted(text: &str) -> String {
    let mut literal = String::with_capacity(text.len().saturating_add(2));
    literal.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => literal.extend(['\\', c]),
            c if c.is_ascii_graphic() || c == ' ' => literal.push(c),
            c => literal.extend(c.escape_unicode()),
        }
    }
    literal.push('"');
    literal
}

fn namespace_schema(
    api: &ApiModel,
    attributes: &BTreeMap<String, AttributeType>,
    text: &mut String,
) {
    let name = namespace(api.api.as_str());
    let mut lines = Vec::new();
    let mut declared = String::new();
    for (name, kind) in attributes {
        // writing to a String cannot fail
        let _infallible = write!(declared, ", {}?: {}", quoted(name), cedar_type(*kind));
    }
    lines.push(CONTEXT.to_owned());
    lines.push("entity Anonymous { scopes: Set<String>, roles: Set<String> };".to_owned());
    for kind in ["ApiKey", "User", "Workload"] {
        lines.push(format!("entity {kind} {{ {PRINCIPAL}{declared} }};"));
    }
    for (entity, has_tenant) in entities(api) {
        lines.push(match has_tenant {
            true => format!("entity {entity} {{ tenant?: String }};"),
            false => format!("entity {entity};"),
        });
    }
    let groups: BTreeSet<String> = api.operations.iter().flat_map(groups).collect();
    lines.extend(groups.iter().map(|group| format!("action {};", quoted(group))));
    lines.extend(api.operations.iter().map(action));
    let lines: Vec<String> = lines.into_iter().map(|line| format!("  {line}\n")).collect();
    let _infallible = write!(text, "namespace {name} {{\n{}}}\n", lines.concat());
}

fn action(operation: &Operation) -> String {
    let groups: Vec<String> = groups(operation).iter().map(|group| quoted(group)).collect();
    let anonymous = if operation.allows_anonymous() { "Anonymous, " } else { "" };
    format!(
        "action {} in [{}] appliesTo {{ principal: [{anonymous}ApiKey, User, Workload], \
         resource: [{}], context: circumstances }};",
        quoted(operation.id.as_str()),
        groups.join(", "),
        operation.resource.entity,
    )
}

/// Entity types of resources, and whether any operation knows a tenant for them.
fn entities(api: &ApiModel) -> BTreeMap<&str, bool> {
    let mut entities = BTreeMap::new();
    for operation in &api.operations {
        let rule = &operation.resource;
        let has_tenant = entities.entry(rule.entity.as_str()).or_default();
        *has_tenant |= rule.tenant != TenantSource::None;
    }
    entities
}

fn groups(operation: &Operation) -> BTreeSet<String> {
    let mut groups = BTreeSet::from([method_group(operation.method).to_owned()]);
    groups.extend(operation.tags.iter().map(|tag| format!("tag:{tag}")));
    let scopes = operation.security.iter().flat_map(|one| one.schemes.values().flatten());
    groups.extend(scopes.map(|scope| format!("scope:{scope}")));
    groups
}

const fn cedar_type(kind: AttributeType) -> &'static str {
    match kind {
        AttributeType::Flag => "Bool",
        AttributeType::Number => "Long",
        AttributeType::Text => "String",
        AttributeType::Texts => "Set<String>",
    }
}
