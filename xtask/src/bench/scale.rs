//! What does a larger estate cost? A hundred APIs of fifty operations, each with its contract and a
//! policy: memory, and the time of a reload, which is compiled off the path of requests.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::median;
use super::rivals;

const APIS: usize = 100;
const OPERATIONS: usize = 50;
const RELOADS: usize = 5;

/// What was measured.
pub(super) struct Scale {
    /// Operations in all.
    pub(super) operations: usize,
    /// Resident memory at rest, in KiB: of the estate of `init`, and of the large one.
    pub(super) small_kib: u64,
    pub(super) large_kib: u64,
    /// The same after the reloads.
    pub(super) reloaded_kib: u64,
    /// Median time of a reload in milliseconds, reading and compiling included.
    pub(super) reload_millis: f64,
}

/// Measures.
pub(super) fn measure(folder: &Path) -> Result<Scale> {
    let small = folder.join("small");
    fs::create_dir_all(&small)?;
    rivals::run(Command::new("target/release/portcullis").arg("-C").arg(&small).arg("init"))?;
    let declared = fs::read_to_string(small.join("portcullis.yaml"))?;
    fs::write(small.join("portcullis.yaml"), declared.replace("127.0.0.1:8080", "127.0.0.1:0"))?;
    let key = ["key", "new", "--provider", "keys", "--holder", "bench", "--scope", "hello:read"];
    rivals::run(Command::new("target/release/portcullis").arg("-C").arg(&small).args(key))?;
    let little = rivals::serve(&small, 1)?;
    let small_kib = little.resident_kib()?;
    little.stop()?;
    let large = folder.join("large");
    estate(&large)?;
    let gateway = rivals::serve(&large, 1)?;
    let large_kib = gateway.resident_kib()?;
    let mut millis = Vec::new();
    for number in 0..RELOADS {
        fs::write(large.join("policies/other.cedar"), format!("// reload {number}\n"))?;
        let begun = Instant::now();
        reload(&large.join("state/admin.sock"))?;
        millis.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    let reloaded_kib = gateway.resident_kib()?;
    gateway.stop()?;
    let operations = APIS * OPERATIONS;
    Ok(Scale { operations, small_kib, large_kib, reloaded_kib, reload_millis: median(&millis) })
}

fn reload(socket: &Path) -> Result<()> {
    let mut stream = UnixStream::connect(socket).context("the admin socket")?;
    stream.write_all(
        b"POST /reload HTTP/1.1\r\nHost: admin\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    )?;
    let mut said = String::new();
    stream.read_to_string(&mut said)?;
    ensure!(said.starts_with("HTTP/1.1 200"), "not reloaded: {said}");
    Ok(())
}

fn estate(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder.join("contracts"))?;
    fs::create_dir_all(folder.join("policies"))?;
    fs::create_dir_all(folder.join("state"))?;
    let mut text = "apiVersion: portcullis/v1\nestate: large\nzones: {public: {}, services: {}}\n\
         listeners:\n  web: {address: \"127.0.0.1:0\", zone: public}\n\
         providers:\n  idp:\n    jwt:\n      issuer: https://id.example\n      audiences: [https://api.example]\n      \
         keys: {file: {path: keys.json}}\n      claims: {tenant: tenant, scopes: scope}\n\
         upstreams:\n  all: {address: \"127.0.0.1:9\"}\n\
         boundaries:\n  web-to-services:\n    from: public\n    to: services\n    identity: {providers: [idp]}\n\
         apis:\n"
        .to_owned();
    let mut policies = String::new();
    for api in 0..APIS {
        writeln!(
            text,
            "  api{api}: {{contract: contracts/api{api}.yaml, hosts: [api.example], base_path: /api{api}, zone: services, upstream: all, owner: team}}"
        )?;
        fs::write(folder.join(format!("contracts/api{api}.yaml")), contract(api)?)?;
        writeln!(
            policies,
            "@id(\"api{api}\")\npermit (principal is Api{api}::User, action, resource);"
        )?;
    }
    fs::write(folder.join("portcullis.yaml"), text)?;
    fs::write(folder.join("policies/all.cedar"), policies)?;
    fs::write(folder.join("keys.json"), portcullis_testkit::issuer::Issuer::new("bench").jwks())?;
    rivals::run(
        Command::new("target/release/portcullis")
            .arg("-C")
            .arg(folder)
            .args(["policy", "baseline"]),
    )
}

fn contract(api: usize) -> Result<String> {
    let mut text = format!(
        "openapi: 3.1.0\ninfo: {{title: API {api}, version: \"1\"}}\nsecurity: [{{token: []}}]\n\
         components:\n  securitySchemes:\n    token: {{type: http, scheme: bearer}}\npaths:\n"
    );
    for operation in 0..OPERATIONS {
        write!(
            text,
            "  /tenants/{{tenant}}/things{operation}:\n    x-portcullis: {{resource: Thing{operation}, tenant: {{path: tenant}}}}\n    \
             parameters:\n    - {{name: tenant, in: path, required: true, schema: {{type: string, pattern: \"^[a-z]{{2,20}}$\"}}}}\n    \
             post:\n      operationId: make{operation}\n      requestBody:\n        required: true\n        content:\n          application/json:\n            \
             schema:\n              type: object\n              additionalProperties: false\n              required: [name]\n              properties:\n                \
             name: {{type: string, maxLength: 100}}\n                amount: {{type: integer, minimum: 0, maximum: 1000}}\n      \
             responses: {{\"201\": {{description: made}}}}\n"
        )?;
    }
    Ok(text)
}
