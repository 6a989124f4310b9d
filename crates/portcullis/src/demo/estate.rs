//! Where does the demo happen? The files of `examples/shop`, which the binary carries, in a folder of
//! their own with free ports; and everything that stands around the gateway.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use portcullis_runtime::estate::Site;

use super::issuer::Issuer;
use super::upstream::{Says, Upstream, bind};
use crate::verbs::key;

/// The example's files.
const FILES: [(&str, &str); 6] = [
    ("portcullis.yaml", include_str!("../../../../examples/shop/portcullis.yaml")),
    ("contracts/orders.yaml", include_str!("../../../../examples/shop/contracts/orders.yaml")),
    ("contracts/stock.yaml", include_str!("../../../../examples/shop/contracts/stock.yaml")),
    ("policies/baseline.cedar", include_str!("../../../../examples/shop/policies/baseline.cedar")),
    ("policies/orders.cedar", include_str!("../../../../examples/shop/policies/orders.cedar")),
    ("policies/stock.cedar", include_str!("../../../../examples/shop/policies/stock.cedar")),
];

/// Ports of the example: two listeners, the issuer, two upstreams.
const PORTS: [u16; 5] = [8080, 8081, 8090, 8091, 8092];

/// Everything but the gateway.
#[derive(Debug)]
pub(super) struct Scene {
    folder: Option<Folder>,
    /// Makes tokens.
    pub(super) issuer: Issuer,
    /// Both upstreams.
    pub(super) upstream: Upstream,
    /// The partner's keys.
    pub(super) keys: Keys,
    _jwks: Upstream,
}

/// API keys of the partner.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// May read and write stock.
    pub(super) full: String,
    /// May read stock.
    pub(super) reader: String,
    /// Was revoked.
    pub(super) revoked: String,
}

/// A folder that goes with the demo.
#[derive(Debug)]
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("`{}` stays: {error}", self.0.display());
        }
    }
}

impl Scene {
    /// Sets it up in a fresh folder on free ports.
    pub(super) fn set() -> Result<Self> {
        let issuer = Issuer::new()?;
        let mut sockets = Vec::new();
        let mut ports = vec![0, 0];
        for _ in 0..3 {
            let (socket, address) = bind(0)?;
            ports.push(address.port());
            sockets.push(socket);
        }
        let jwks = Upstream::start(sockets.drain(..1).collect(), Says::Document(issuer.jwks()))?;
        let upstream = Upstream::start(sockets, Says::Echo)?;
        let folder = fresh_folder()?;
        write(&folder.0, &ports)?;
        let keys = keys(&Site::plain(&folder.0))?;
        Ok(Self { folder: Some(folder), issuer, upstream, keys, _jwks: jwks })
    }

    /// Only what stands beside the gateway, on the ports of the example.
    pub(super) fn beside() -> Result<Self> {
        let issuer = Issuer::new()?;
        let [_, _, jwks, orders, stock] = PORTS;
        let jwks = Upstream::start(vec![bind(jwks)?.0], Says::Document(issuer.jwks()))?;
        let upstream = Upstream::start(vec![bind(orders)?.0, bind(stock)?.0], Says::Echo)?;
        Ok(Self { folder: None, issuer, upstream, keys: Keys::default(), _jwks: jwks })
    }

    /// The estate's folder.
    pub(super) fn folder(&self) -> &Path {
        self.folder.as_ref().map_or(Path::new("."), |folder| &folder.0)
    }
}

fn fresh_folder() -> Result<Folder> {
    let mut random = [0; 8];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| anyhow::anyhow!("there is no randomness"))?;
    let name = format!("portcullis-demo-{}", portcullis_model::written::hex(&random));
    let path = std::env::temp_dir().join(name);
    std::fs::create_dir(&path).with_context(|| format!("`{}`", path.display()))?;
    Ok(Folder(path))
}

fn write(folder: &Path, ports: &[u16]) -> Result<()> {
    for (name, text) in FILES {
        let mut text = text.to_owned();
        if name == "portcullis.yaml" {
            for (standing, port) in PORTS.iter().zip(ports) {
                text = text.replace(&format!("127.0.0.1:{standing}"), &format!("127.0.0.1:{port}"));
            }
        }
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&path, text).with_context(|| format!("`{}`", path.display()))?;
    }
    Ok(())
}

fn keys(site: &Site) -> Result<Keys> {
    let make = |holder: &str, scopes: &[&str]| {
        key::make(site, &key::New::of("partner-keys", holder, scopes))
    };
    let keys = Keys {
        full: make("supplier", &["stock:read", "stock:write"])?,
        reader: make("auditor", &["stock:read"])?,
        revoked: make("former supplier", &["stock:read", "stock:write"])?,
    };
    let id = keys.revoked.split('_').nth(1).unwrap_or_default();
    key::revoke_in(site, "partner-keys", id)?;
    Ok(keys)
}
