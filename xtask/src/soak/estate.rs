//! What is soaked? The example shop with TLS, workloads with certificates, an API key, streams, two
//! addresses of one upstream, keys that are soon stale, and records in small files.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use portcullis_testkit::Mesh;

use super::random::Random;
use super::upstream::{Notes, Server};

/// The name that the listener with TLS is asked by.
pub(super) const HOST: &str = "api.shop.example";

/// Keys of the issuer are believed for this long after it was last heard.
pub(super) const STALE_AFTER: Duration = Duration::from_secs(6);

/// What the shop's contract is given besides.
const OPERATIONS: &str = "
  /chat:
    get:
      operationId: chat
      security: [{token: []}]
      responses: {\"101\": {description: a conversation}}
  /feed:
    get:
      operationId: feed
      security: [{token: []}]
      responses: {\"200\": {description: events}}
";

const TALK: &str = "@id(\"users-talk\")\npermit (principal, action in [Orders::Action::\"chat\", Orders::Action::\"feed\"], resource);\n";

const STREAMS: &str = "    owner: team-orders\n    streams: {chat: {kind: websocket, idle_timeout: 10s, longest: 5m}, feed: {kind: events, idle_timeout: 10s, longest: 5m}}";

/// Where listeners are: the same over restarts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addresses {
    /// TLS.
    pub(super) web: SocketAddr,
    /// The same zone without TLS, HTTP/1.1 and HTTP/2.
    pub(super) plain: SocketAddr,
    /// Partners with API keys.
    pub(super) partner: SocketAddr,
}

/// The estate and what stands behind it.
#[derive(Debug)]
pub(super) struct Estate {
    /// The shop with its certificates.
    pub(super) mesh: Mesh,
    /// Where it listens.
    pub(super) addresses: Addresses,
    /// Starts the gateway; what it may write can be bounded while it runs.
    pub(super) launcher: PathBuf,
    /// Two addresses of orders, and one of stock.
    pub(super) servers: [Server; 3],
    /// An API key.
    pub(super) key: String,
}

impl Estate {
    /// Opens it; `folder` is for the launcher.
    pub(super) fn open(
        binary: &Path,
        folder: &Path,
        random: &mut Random,
        notes: &Arc<Notes>,
    ) -> Result<Self> {
        let launcher = folder.join("gateway.sh");
        // a bound on files is an error of the write, not a signal
        let script = format!("#!/bin/sh\ntrap '' XFSZ\nexec {} \"$@\"\n", binary.display());
        std::fs::write(&launcher, script)?;
        std::fs::set_permissions(&launcher, PermissionsExt::from_mode(0o755))?;
        let servers = [Server::start(notes)?, Server::start(notes)?, Server::start(notes)?];
        let addresses =
            Addresses { web: free(random)?, plain: free(random)?, partner: free(random)? };
        let changes = changes(&addresses, &servers);
        let changes: Vec<(&str, &str)> =
            changes.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
        let launched = launcher.to_str().context("a folder whose name is no text")?;
        let mut mesh = Mesh::open(launched, "", &changes);
        talk(&mut mesh)?;
        let key = mesh.shop.key(&["stock:read", "stock:write"]);
        ensure!(!key.is_empty(), "no API key was made");
        Ok(Self { mesh, addresses, launcher, servers, key })
    }

    /// Its folder.
    pub(super) fn folder(&self) -> &Path {
        self.mesh.shop.folder()
    }
}

fn changes(addresses: &Addresses, servers: &[Server; 3]) -> Vec<(String, String)> {
    let [first, second, stock] = servers;
    let orders = format!(
        "orders: {{addresses: [\"{}\", \"{}\"], balance: least_request, ",
        first.address, second.address
    );
    let listeners = format!(
        "partner: {{address: \"{}\", zone: partners}}\n  plain: {{address: \"{}\", zone: public}}",
        addresses.partner, addresses.plain
    );
    let guards = "guards: {address_rate: 1000000, failure_rate: 1000000, connections_per_address_max: 4000}\nrecords: {rotate_bytes: 8MiB, keep_files: 24}\npolicies: policies";
    [
        ("amount: 60, window: 1m, burst: 20", "amount: 4000000, window: 1m, burst: 4000000"),
        ("amount: 30, window: 1m, burst: 5", "amount: 4000000, window: 1m, burst: 4000000"),
        ("concurrent: 32", "concurrent: 1000"),
        ("policies: policies", guards),
        ("fresh_for: 5m, stale_until: 1h", "fresh_for: 2s, stale_until: 6s"),
        ("orders: {address: \"127.0.0.1:8091\", ", &orders),
        ("127.0.0.1:8092", &stock.address.to_string()),
        ("127.0.0.1:8080", &addresses.web.to_string()),
        ("partner: {address: \"127.0.0.1:8081\", zone: partners}", &listeners),
    ]
    .map(|(from, to)| (from.to_owned(), to.to_owned()))
    .to_vec()
}

/// Adds the streams, as an operator does: files, the baseline anew, reload.
fn talk(mesh: &mut Mesh) -> Result<()> {
    mesh.shop.rewrite("contracts/orders.yaml", "\npaths:\n", &format!("\npaths:{OPERATIONS}"));
    mesh.shop.rewrite("portcullis.yaml", "    owner: team-orders", STREAMS);
    std::fs::write(mesh.shop.folder().join("policies/streams.cedar"), TALK)?;
    let _said = mesh.shop.verb(&["policy", "baseline"]);
    mesh.reload();
    Ok(())
}

/// An address that nobody listens on, below those that connections take.
fn free(random: &mut Random) -> Result<SocketAddr> {
    for _ in 0..200 {
        let port = u16::try_from(20_000 + random.below(10_000))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    anyhow::bail!("no address is free")
}
