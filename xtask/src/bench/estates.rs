//! Large estates to be measured: a hundred APIs of fifty operations, each with its contract and a
//! permit, with the policies that their contracts make.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::rivals;

/// APIs.
pub(super) const APIS: usize = 100;

/// Operations of each.
pub(super) const OPERATIONS: usize = 50;

/// How contracts differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One schema, which every operation repeats.
    Alike,
    /// No two APIs have a schema in common, and few operations a scope.
    Varied,
}

/// Writes an estate into a folder.
pub(super) fn write(folder: &Path, kind: Kind) -> Result<()> {
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
        let contract = match kind {
            Kind::Alike => alike(api)?,
            Kind::Varied => varied(api)?,
        };
        fs::write(folder.join(format!("contracts/api{api}.yaml")), contract)?;
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

fn alike(api: usize) -> Result<String> {
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

fn varied(api: usize) -> Result<String> {
    let mut text = format!(
        "openapi: 3.1.0\ninfo: {{title: API {api}, version: \"1\"}}\ncomponents:\n  securitySchemes:\n    \
         token: {{type: openIdConnect, openIdConnectUrl: \"https://id.example\"}}\n  schemas:\n"
    );
    for part in 0..10 {
        writeln!(
            text,
            "    Part{part}: {{type: object, required: [id], properties: {{id: {{type: string, pattern: \"^p{api}-[0-9]{{{},{}}}$\"}}, \
             note: {{type: string, maxLength: {}}}}}}}",
            part + 1,
            part + 9,
            api + part + 1,
        )?;
    }
    let mut paths = String::from("paths:\n");
    for operation in 0..OPERATIONS {
        thing(&mut text, api, operation)?;
        path(&mut paths, api, operation)?;
    }
    Ok(text + &paths)
}

/// What the operation takes and gives.
fn thing(text: &mut String, api: usize, operation: usize) -> Result<()> {
    writeln!(
        text,
        "    Thing{operation}:\n      type: object\n      additionalProperties: false\n      required: [name{api}, kind]\n      \
         properties:\n        name{api}: {{type: string, minLength: 1, maxLength: {}}}\n        \
         kind: {{enum: [a{api}, b{operation}, c]}}\n        \
         amount{operation}: {{type: integer, minimum: {operation}, maximum: {}}}\n        \
         parts: {{type: array, maxItems: {}, items: {{$ref: \"#/components/schemas/Part{}\"}}}}",
        100 + api * OPERATIONS + operation,
        1_000 + api,
        10 + operation,
        operation % 10,
    )?;
    Ok(())
}

fn path(text: &mut String, api: usize, operation: usize) -> Result<()> {
    let (method, body) = match operation % 4 {
        0 => ("get", false),
        1 => ("post", true),
        2 => ("put", true),
        _ => ("delete", false),
    };
    write!(
        text,
        "  /tenants/{{tenant}}/things{operation}/{{id}}:\n    x-portcullis: {{resource: Thing{operation}, tenant: {{path: tenant}}}}\n    \
         parameters:\n    \
         - {{name: tenant, in: path, required: true, schema: {{type: string, pattern: \"^[a-z]{{2,{}}}$\"}}}}\n    \
         - {{name: id, in: path, required: true, schema: {{type: string, pattern: \"^t{operation}-[0-9]{{1,{}}}$\"}}}}\n    \
         - {{name: page{operation}, in: query, schema: {{type: integer, minimum: 1, maximum: {}}}}}\n    \
         - {{name: x-kind, in: header, schema: {{enum: [k{api}, k{operation}]}}}}\n    \
         {method}:\n      operationId: {method}{operation}\n      tags: [tag{}]\n      security: [{{token: [\"things{operation}:{method}\"]}}]\n",
        20 + api,
        1 + api,
        1 + api * OPERATIONS + operation,
        operation % 5,
    )?;
    let content = format!(
        "content: {{application/json: {{schema: {{$ref: \"#/components/schemas/Thing{operation}\"}}}}}}"
    );
    if body {
        writeln!(text, "      requestBody: {{required: true, {content}}}")?;
    }
    writeln!(text, "      responses: {{\"200\": {{description: done, {content}}}}}")?;
    Ok(())
}
