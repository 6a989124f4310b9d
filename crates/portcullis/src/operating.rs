//! How does the address for operators come about, and what does a reload change about it? Its files
//! are read anew; who may operate, and where, is fixed at the start.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use portcullis_config::Declaration;
use portcullis_gateway::admin::Admin;
use portcullis_gateway::admin::remote::Remote;
use portcullis_identity::certificate::Named;
use portcullis_model::Timestamp;
use portcullis_runtime::{clock, tls_files};
use portcullis_transport::tls::{Challenges, Material, Server};

/// Opens the address, where one is declared; `shared` with the process that it is taken over from.
pub(crate) fn open(
    declaration: &Declaration,
    folder: &Path,
    admin: &Arc<Admin>,
    shared: bool,
) -> Result<Option<Remote>> {
    let Some(declared) = &declaration.admin.remote else { return Ok(None) };
    let server = speak(&material(declaration, folder)?, None)?;
    let operators = Named::new(&declared.operators);
    let remote = Remote::start(Arc::clone(admin), declared.address, operators, server, shared);
    Ok(Some(remote.with_context(|| format!("the admin address {}", declared.address))?))
}

/// What it will speak TLS with, once everything else of a reload holds too.
pub(crate) fn prepare(
    remote: Option<&Remote>,
    declaration: &Declaration,
    folder: &Path,
) -> Result<Option<Server>> {
    let Some(remote) = remote else { return Ok(None) };
    let earlier = remote.server();
    speak(&material(declaration, folder)?, Some(&earlier)).map(Some)
}

/// Until when its certificates are valid, by their names in metrics.
pub(crate) fn expiries(declaration: &Declaration, folder: &Path) -> Vec<(Arc<str>, Timestamp)> {
    let (material, _) = tls_files::remote(declaration, folder, clock::now());
    let identities = material.into_iter().flat_map(|material| material.identities);
    let named = |(number, identity): (usize, portcullis_transport::tls::Identity)| {
        // no listener has a name with a dot
        (format!("admin.remote/{number}").into(), identity.facts().not_after)
    };
    identities.enumerate().map(named).collect()
}

fn material(declaration: &Declaration, folder: &Path) -> Result<Material> {
    let (material, findings) = tls_files::remote(declaration, folder, clock::now());
    if let Some(finding) = findings.iter().find(|finding| finding.is_error()) {
        bail!("{}: {}", finding.code, finding.message);
    }
    material.context("the admin address has nothing to speak TLS with")
}

fn speak(material: &Material, earlier: Option<&Server>) -> Result<Server> {
    Server::new(material, earlier, &Arc::new(Challenges::default()))
        .map_err(|why| anyhow!("TLS of the admin address: {why}"))
}
