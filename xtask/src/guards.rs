//! Does every guard matter? Each is switched off in a copy of the code, one at a time, and then
//! the demo must fail. A guard that can be taken away unnoticed is not tested.
//!
//! Guards that stand twice (expiry is judged with the signature and again for every request) have no
//! row here: taking one of the pair away rightly changes nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

/// A guard, and the edit that switches it off.
struct Guard {
    name: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
}

const fn guard(
    name: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
) -> Guard {
    Guard { name, file, from, to }
}

const HEAD: &str = "crates/reading/src/http1/head.rs";
const PATH: &str = "crates/reading/src/path.rs";
const MESSAGE: &str = "crates/reading/src/message.rs";
const JWT: &str = "crates/identity/src/jwt.rs";
const CLAIMS: &str = "crates/identity/src/jwt/claims.rs";
const CREDENTIAL: &str = "crates/identity/src/credential.rs";
const API_KEY: &str = "crates/identity/src/api_key.rs";
const CONTRACT: &str = "crates/inspect/src/contract.rs";

const GUARDS: &[Guard] = &[
    guard(
        "depth of JSON",
        "crates/reading/src/json/machine.rs",
        "if self.path.depth() >= self.bounds.depth() {",
        "if false && self.path.depth() >= self.bounds.depth() {",
    ),
    guard(
        "tenants of paths",
        "crates/core/src/authorize.rs",
        "TenantSource::PathParam(name) => received.parameter(name),",
        "TenantSource::PathParam(_) => principal.tenant.as_deref(),",
    ),
    guard(
        "two lengths",
        HEAD,
        "(true, Some(_), _) => {\n                Err(malformed(\"both `Content-Length` and `Transfer-Encoding` stand\"))\n            }",
        "(true, Some(_), _) => Ok(Framing::Chunked),",
    ),
    guard(
        "a length twice",
        HEAD,
        "if self.length.replace(length(value)?).is_some() {",
        "if self.length.replace(length(value)?).is_some() && false {",
    ),
    guard(
        "header names",
        HEAD,
        "if name.is_empty() || !name.iter().all(|byte| is_name_byte(*byte)) {\n            return Err(header(",
        "if name.is_empty() {\n            return Err(header(",
    ),
    guard("size of a head", HEAD, "if at >= bytes_max {", "if false && at >= bytes_max {"),
    guard("dot segments", PATH, "if segment == \".\" || segment == \"..\" {", "if false {"),
    guard(
        "empty segments",
        PATH,
        "if segment.is_empty() && at != last {",
        "if false && at != last {",
    ),
    guard(
        "encoded delimiters",
        PATH,
        "if octet.is_ascii_control() || b\"/\\\\%;?#\".contains(&octet) {",
        "if octet.is_ascii_control() {",
    ),
    guard(
        "owned headers",
        MESSAGE,
        "if rules.owned_headers.strips(text) {",
        "if false && rules.owned_headers.strips(text) {",
    ),
    guard(
        "names in Connection",
        MESSAGE,
        "check_connection(&parts.headers, rules)?;",
        "let _unused = check_connection;",
    ),
    guard(
        "traces of strangers",
        "crates/core/src/span.rs",
        "claimed.filter(|_| rule.is_some_and(|rule| rule.continues));",
        "claimed;",
    ),
    guard(
        "outside credentials",
        "crates/core/src/forward.rs",
        "headers.remove(AUTHORIZATION);",
        "let _unused = AUTHORIZATION;",
    ),
    guard(
        "algorithms",
        JWT,
        ".and_then(Algorithm::parse);",
        ".map(|name| Algorithm::parse(name).unwrap_or(Algorithm::Es256));",
    ),
    guard(
        "headers that change the meaning",
        JWT,
        "if let Some(name) = REFUSED_HEADERS.iter().find(|name| header_members.contains_key(**name)) {",
        "if let Some(name) = REFUSED_HEADERS.iter().find(|_| false) {",
    ),
    guard(
        "signatures",
        JWT,
        "if !key.verifies(self.algorithm, &self.signed, &self.signature) {",
        "if false && !key.verifies(self.algorithm, &self.signed, &self.signature) {",
    ),
    guard("token types", JWT, "self.check_type(rules)?;", "let _unused = self.check_type(rules);"),
    guard(
        "audiences",
        CLAIMS,
        "audience(claims, rules)?;",
        "let _unused = audience(claims, rules);",
    ),
    guard(
        "times ahead",
        CLAIMS,
        "if issued_at > now.plus(rules.clock_skew) || not_before > now.plus(rules.clock_skew) {",
        "if issued_at > now.plus(rules.clock_skew) && not_before < issued_at {",
    ),
    guard(
        "lifetimes",
        CLAIMS,
        "if expires_at.since(issued_at) > rules.max_lifetime {",
        "if false && expires_at.since(issued_at) > rules.max_lifetime {",
    ),
    guard(
        "one credential",
        CREDENTIAL,
        "if shown != Shown::Nothing {",
        "if false && shown != Shown::Nothing {",
    ),
    guard(
        "credentials in the query",
        CREDENTIAL,
        "if QUERY_NAMES.contains(&lower.as_str())\n            ||",
        "if",
    ),
    guard(
        "checksums of keys",
        API_KEY,
        "if sum != checksum(id, secret) {",
        "if false && sum != checksum(id, secret) {",
    ),
    guard(
        "revoked keys",
        API_KEY,
        "if key.revoked.is_some() {",
        "if false && key.revoked.is_some() {",
    ),
    guard(
        "deny by default",
        "crates/core/src/authorize.rs",
        "if verdict.decision == Decision::Allow && verdict.errors.is_empty() {",
        "if verdict.decision == Decision::Allow || verdict.determining.is_empty() {",
    ),
    guard(
        "forbids",
        "crates/core/src/authorize.rs",
        "if verdict.decision == Decision::Allow && verdict.errors.is_empty() {",
        "if verdict.decision == Decision::Allow || !verdict.determining.is_empty() {",
    ),
    guard(
        "schemas of bodies",
        "crates/inspect/src/body.rs",
        "match self.schema.iter_errors(&value).next() {",
        "match self.schema.iter_errors(&value).next().filter(|_| false) {",
    ),
    guard(
        "content types",
        "crates/inspect/src/body.rs",
        "self.content.get(media).ok_or_else(|| {",
        "self.content.get(media).or(self.content.values().next()).ok_or_else(|| {",
    ),
    guard(
        "unknown parameters",
        CONTRACT,
        "if !self.parameters.iter().any(known) {",
        "if false && !self.parameters.iter().any(known) {",
    ),
    guard(
        "schemas of parameters",
        "crates/inspect/src/parameter.rs",
        "if self.schema.is_valid(&value) {",
        "if true || self.schema.is_valid(&value) {",
    ),
    guard(
        "rates",
        "crates/runtime/src/limits.rs",
        "let Some(LimitRule::Rate { amount, window, burst }) = self.rules.get(&claim.limit) else {",
        "let Some(LimitRule::Rate { amount, window, burst }) = self.rules.get(&claim.limit).filter(|_| false) else {",
    ),
    guard(
        "records of refusals",
        "crates/runtime/src/driver.rs",
        "self.driver.stores.records.submit(draft).await;",
        "let _unused = draft;",
    ),
    guard(
        "records of crossings",
        "crates/runtime/src/driver.rs",
        "let draft = self.close(refusal, outcome);\n        self.driver.stores.records.submit_detached(draft);\n    }\n\n    fn close",
        "let _unused = self.close(refusal, outcome);\n    }\n\n    fn close",
    ),
];

/// Switches every guard off in turn.
pub(crate) fn run() -> Result<()> {
    let house = copy()?;
    ensure!(demo(&house)?, "the demo fails with every guard in its place");
    let mut unnoticed = Vec::new();
    for guard in GUARDS {
        let file = house.join(guard.file);
        let text = fs::read_to_string(&file).with_context(|| guard.file.to_owned())?;
        let places = text.matches(guard.from).count();
        ensure!(places == 1, "`{}`: its text stands {places} times in {}", guard.name, guard.file);
        fs::write(&file, text.replace(guard.from, guard.to))?;
        let passed = demo(&house).with_context(|| guard.name.to_owned())?;
        fs::write(&file, text)?;
        println!("{} without {}", if passed { "UNNOTICED" } else { "noticed  " }, guard.name);
        if passed {
            unnoticed.push(guard.name);
        }
    }
    if unnoticed.is_empty() {
        println!("{} guards: the demo fails without any of them", GUARDS.len());
        return Ok(());
    }
    bail!("the demo passes without: {}", unnoticed.join(", "))
}

/// Copies the code to where it may be broken.
fn copy() -> Result<PathBuf> {
    let house = Path::new("target/guards/house").to_owned();
    for name in ["crates", "examples", "xtask"] {
        copy_folder(Path::new(name), &house.join(name))?;
    }
    for name in ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "clippy-pure.toml"] {
        fs::copy(name, house.join(name)).with_context(|| name.to_owned())?;
    }
    Ok(house)
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else if kind.is_file() {
            // an unchanged file keeps its time, so that cargo builds only what differs
            let text = fs::read(entry.path())?;
            if fs::read(&target).ok().as_ref() != Some(&text) {
                fs::write(&target, text)?;
            }
        }
    }
    Ok(())
}

/// Builds the copy and runs its demo; whether that passed.
fn demo(house: &Path) -> Result<bool> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let target = std::env::current_dir()?.join("target/guards/target");
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--offline", "-p", "portcullis", "--target-dir"])
        .arg(&target)
        .env("RUSTFLAGS", "-Awarnings")
        .current_dir(house)
        .status()?;
    ensure!(built.success(), "the changed code does not build");
    let status = Command::new(target.join("debug/portcullis"))
        .args(["demo", "--once"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    Ok(status.success())
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_guard_stands_where_its_row_says() {
        let root = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        for guard in super::GUARDS {
            let text = std::fs::read_to_string(root.join(guard.file)).unwrap();
            assert_eq!(text.matches(guard.from).count(), 1, "{}", guard.name);
        }
    }
}
