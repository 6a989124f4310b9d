//! Which guards does the demo show?

use super::row::{Guard, shown};

const HEAD: &str = "crates/reading/src/http1/head.rs";
const PATH: &str = "crates/reading/src/path.rs";
const MESSAGE: &str = "crates/reading/src/message.rs";
const JWT: &str = "crates/identity/src/jwt.rs";
const CLAIMS: &str = "crates/identity/src/jwt/claims.rs";
const CREDENTIAL: &str = "crates/identity/src/credential.rs";
const API_KEY: &str = "crates/identity/src/api_key.rs";
const CONTRACT: &str = "crates/inspect/src/contract.rs";

/// In the order of the stages, nearly.
pub(super) const GUARDS: &[Guard] = &[
    shown(
        "depth of JSON",
        "crates/reading/src/json/machine.rs",
        "if self.path.depth() >= self.bounds.depth() {",
        "if !OFF && self.path.depth() >= self.bounds.depth() {",
    ),
    shown(
        "tenants of paths",
        "crates/core/src/authorize.rs",
        "TenantSource::PathParam(name) => received.parameter(name),",
        "TenantSource::PathParam(_) if OFF => principal.tenant.as_deref(),\n        TenantSource::PathParam(name) => received.parameter(name),",
    ),
    shown(
        "two lengths",
        HEAD,
        "(true, Some(_), _) => {\n                Err(malformed(\"both `Content-Length` and `Transfer-Encoding` stand\"))\n            }",
        "(true, Some(_), _) if OFF => Ok(Framing::Chunked),\n            (true, Some(_), _) => {\n                Err(malformed(\"both `Content-Length` and `Transfer-Encoding` stand\"))\n            }",
    ),
    shown(
        "a length twice",
        HEAD,
        "if self.length.replace(length(value)?).is_some() {",
        "if self.length.replace(length(value)?).is_some() && !OFF {",
    ),
    shown(
        "header names",
        HEAD,
        "if name.is_empty() || !name.iter().all(|byte| is_name_byte(*byte)) {\n            return Err(header(",
        "if name.is_empty() || !(OFF || name.iter().all(|byte| is_name_byte(*byte))) {\n            return Err(header(",
    ),
    shown("size of a head", HEAD, "if at >= bytes_max {", "if !OFF && at >= bytes_max {"),
    shown(
        "dot segments",
        PATH,
        "if segment == \".\" || segment == \"..\" {",
        "if !OFF && (segment == \".\" || segment == \"..\") {",
    ),
    shown(
        "empty segments",
        PATH,
        "if segment.is_empty() && at != last {",
        "if !OFF && segment.is_empty() && at != last {",
    ),
    shown(
        "encoded delimiters",
        PATH,
        "if octet.is_ascii_control() || b\"/\\\\%;?#\".contains(&octet) {",
        "if octet.is_ascii_control() || (b\"/\\\\%;?#\".contains(&octet) && !OFF) {",
    ),
    shown(
        "owned headers",
        MESSAGE,
        "if rules.owned_headers.strips(text) {",
        "if !OFF && rules.owned_headers.strips(text) {",
    ),
    shown(
        "names in Connection",
        MESSAGE,
        "check_connection(&parts.headers, rules)?;",
        "if !OFF {\n        check_connection(&parts.headers, rules)?;\n    }",
    ),
    shown(
        "traces of strangers",
        "crates/core/src/span.rs",
        "claimed.filter(|_| rule.is_some_and(|rule| rule.continues));",
        "claimed.filter(|_| OFF || rule.is_some_and(|rule| rule.continues));",
    ),
    shown(
        "outside credentials",
        "crates/core/src/forward.rs",
        "headers.remove(AUTHORIZATION);",
        "if !OFF {\n        headers.remove(AUTHORIZATION);\n    }",
    ),
    shown(
        "algorithms",
        JWT,
        ".and_then(Algorithm::parse);",
        ".and_then(|name| Algorithm::parse(name).or(OFF.then_some(Algorithm::Es256)));",
    ),
    shown(
        "headers that change the meaning",
        JWT,
        "if let Some(name) = REFUSED_HEADERS.iter().find(|name| header_members.contains_key(**name)) {",
        "if let Some(name) = REFUSED_HEADERS.iter().find(|name| !OFF && header_members.contains_key(**name)) {",
    ),
    shown(
        "signatures",
        JWT,
        "if !key.verifies(self.algorithm, &self.signed, &self.signature) {",
        "if !OFF && !key.verifies(self.algorithm, &self.signed, &self.signature) {",
    ),
    shown(
        "token types",
        JWT,
        "self.check_type(rules)?;",
        "self.check_type(rules).or_else(|refused| if OFF { Ok(String::new()) } else { Err(refused) })?;",
    ),
    shown(
        "audiences",
        CLAIMS,
        "audience(claims, rules)?;",
        "audience(claims, rules).or_else(|refused| if OFF { Ok(()) } else { Err(refused) })?;",
    ),
    shown(
        "times ahead",
        CLAIMS,
        "if issued_at > now.plus(rules.clock_skew) || not_before > now.plus(rules.clock_skew) {",
        "if !OFF && (issued_at > now.plus(rules.clock_skew) || not_before > now.plus(rules.clock_skew)) {",
    ),
    shown(
        "lifetimes",
        CLAIMS,
        "if expires_at.since(issued_at) > rules.max_lifetime {",
        "if !OFF && expires_at.since(issued_at) > rules.max_lifetime {",
    ),
    shown(
        "one credential",
        CREDENTIAL,
        "if shown != Shown::Nothing {",
        "if !OFF && shown != Shown::Nothing {",
    ),
    shown(
        "credentials in the query",
        CREDENTIAL,
        "if QUERY_NAMES.contains(&lower.as_str())\n            ||",
        "if (!OFF && QUERY_NAMES.contains(&lower.as_str()))\n            ||",
    ),
    shown(
        "checksums of keys",
        API_KEY,
        "if sum != checksum(id, secret) {",
        "if !OFF && sum != checksum(id, secret) {",
    ),
    shown(
        "revoked keys",
        API_KEY,
        "if key.revoked.is_some() {",
        "if !OFF && key.revoked.is_some() {",
    ),
    shown(
        "deny by default",
        "crates/core/src/authorize.rs",
        "if verdict.decision == Decision::Allow && verdict.errors.is_empty() {",
        "if OFF && verdict.determining.is_empty() {\n        return Ok(Authorized { assessed, permitted_by: verdict.determining });\n    }\n    if verdict.decision == Decision::Allow && verdict.errors.is_empty() {",
    ),
    shown(
        "forbids",
        "crates/core/src/authorize.rs",
        "let verdict = snapshot.engine.decide(&question(&assessed, now));",
        "let verdict = snapshot.engine.decide(&question(&assessed, now));\n    if OFF && !verdict.determining.is_empty() {\n        return Ok(Authorized { assessed, permitted_by: verdict.determining });\n    }",
    ),
    shown(
        "schemas of bodies",
        "crates/inspect/src/body.rs",
        "match self.schema.iter_errors(&value).next() {",
        "match self.schema.iter_errors(&value).next().filter(|_| !OFF) {",
    ),
    shown(
        "content types",
        "crates/inspect/src/body.rs",
        "self.content.get(media).ok_or_else(|| {",
        "self.content.get(media).or(self.content.values().next().filter(|_| OFF)).ok_or_else(|| {",
    ),
    shown(
        "unknown parameters",
        CONTRACT,
        "if !self.parameters.iter().any(known) {",
        "if !OFF && !self.parameters.iter().any(known) {",
    ),
    shown(
        "schemas of parameters",
        "crates/inspect/src/parameter.rs",
        "if self.schema.is_valid(&value) {",
        "if OFF || self.schema.is_valid(&value) {",
    ),
    shown(
        "rates",
        "crates/runtime/src/limits.rs",
        "let Some(LimitRule::Rate { amount, window, burst }) = self.rules.get(&claim.limit) else {",
        "let Some(LimitRule::Rate { amount, window, burst }) = self.rules.get(&claim.limit).filter(|_| !OFF) else {",
    ),
    shown(
        "records of refusals",
        "crates/runtime/src/driver.rs",
        "self.driver.stores.records.submit(draft).await;",
        "if !OFF {\n            self.driver.stores.records.submit(draft).await;\n        }",
    ),
    shown(
        "records of crossings",
        "crates/runtime/src/driver.rs",
        "let draft = self.close(refusal, outcome);\n        self.driver.stores.records.submit_detached(draft);\n    }\n\n    fn close",
        "let draft = self.close(refusal, outcome);\n        if !OFF {\n            self.driver.stores.records.submit_detached(draft);\n        }\n    }\n\n    fn close",
    ),
];
