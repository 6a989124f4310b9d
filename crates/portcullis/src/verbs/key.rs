//! `portcullis key`: API keys are made, listed and revoked in the store of their provider. The text
//! of a key is shown once, when it is made; the store holds its keyed hash.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, Subcommand};
use portcullis_config::declaration::{ApiKeyProvider, Provider, SecretRef};
use portcullis_identity::api_key::{Keyring, Pepper, StoredKey, fresh};
use portcullis_runtime::estate::{self, Site};
use portcullis_runtime::{clock, stores};

use crate::verbs::Exit;

/// Bytes of a new pepper.
const PEPPER_BYTES: usize = 32;

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Makes a key and prints it, once.
    New(New),
    /// Lists the keys of a provider.
    List {
        /// The provider.
        #[arg(long)]
        provider: String,
    },
    /// Revokes a key.
    Revoke {
        /// The provider.
        #[arg(long)]
        provider: String,
        /// Its id.
        id: String,
    },
}

/// A key to be made.
#[derive(Debug, Args)]
pub(crate) struct New {
    /// The provider.
    #[arg(long)]
    provider: String,
    /// Who will hold it.
    #[arg(long)]
    holder: String,
    /// The tenant it belongs to.
    #[arg(long)]
    tenant: Option<String>,
    /// A scope that it grants; may be given several times.
    #[arg(long = "scope")]
    scopes: Vec<String>,
    /// Days until it expires.
    #[arg(long, default_value_t = 365)]
    days: u32,
}

impl New {
    /// A key for a year.
    pub(crate) fn of(provider: &str, holder: &str, scopes: &[&str]) -> Self {
        Self {
            provider: provider.to_owned(),
            holder: holder.to_owned(),
            tenant: None,
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            days: 365,
        }
    }
}

/// Does it.
pub(crate) fn run(site: &Site, verb: &Verb) -> Result<Exit> {
    match verb {
        Verb::New(new) => {
            println!("{}", make(site, new)?);
            Ok(Exit::Done)
        }
        Verb::List { provider } => list(&store(site, provider)?.path),
        Verb::Revoke { provider, id } => {
            revoke_in(site, provider, id)?;
            println!("revoked {id}");
            Ok(Exit::Done)
        }
    }
}

struct Store {
    provider: ApiKeyProvider,
    path: PathBuf,
}

fn store(site: &Site, name: &str) -> Result<Store> {
    let found = estate::read(site);
    let estate = found.value.with_context(|| {
        format!("`{}` has no valid estate; see `portcullis check`", site.folder.display())
    })?;
    let providers = &estate.declaration.providers;
    match providers.get(&name.into()) {
        Some(Provider::ApiKeys(provider)) => {
            Ok(Store { path: site.path(&provider.store), provider: provider.clone() })
        }
        Some(Provider::Jwt(_) | Provider::Introspection(_)) => {
            bail!("provider `{name}` has no API keys; its tokens are made by its issuer")
        }
        Some(Provider::Signatures(_) | Provider::Webhook(_)) => {
            bail!("provider `{name}` has no API keys; its callers sign")
        }
        Some(Provider::Certificates(_)) => {
            bail!("provider `{name}` has no API keys; its certificates are made by their authority")
        }
        None => bail!("there is no provider `{name}`"),
    }
}

/// Makes a key and answers its text, which is stored nowhere.
pub(crate) fn make(site: &Site, new: &New) -> Result<String> {
    let store = store(site, &new.provider)?;
    let pepper = pepper(site, &store.provider.pepper)?;
    let mut keys = read(&store.path)?;
    let (text, id, hash) = fresh(&pepper).ok_or_else(|| anyhow!("there is no randomness"))?;
    let now = clock::now();
    let day = Duration::from_secs(86_400);
    keys.push(StoredKey {
        id,
        hash,
        holder: new.holder.clone(),
        tenant: new.tenant.clone(),
        scopes: new.scopes.iter().cloned().collect::<BTreeSet<_>>(),
        created: now,
        expires: Some(now.plus(day.saturating_mul(new.days))),
        revoked: None,
    });
    write(&store.path, keys)?;
    Ok(text)
}

/// The provider's pepper; a file that is missing is made.
fn pepper(site: &Site, secret: &SecretRef) -> Result<Pepper> {
    if let SecretRef::File(path) = secret {
        let path = site.path(path);
        if !path.exists() {
            let mut bytes = [0; PEPPER_BYTES];
            aws_lc_rs::rand::fill(&mut bytes).map_err(|_| anyhow!("there is no randomness"))?;
            private_file(&path, &portcullis_model::written::hex(&bytes), true)?;
        }
    }
    let bytes =
        stores::resolve(secret, &site.folder).map_err(|why| anyhow!("the pepper: {why}"))?;
    Pepper::new(&bytes).map_err(|error| anyhow!("the pepper: {error}"))
}

fn list(path: &Path) -> Result<Exit> {
    for key in read(path)? {
        let when = |time: Option<portcullis_model::Timestamp>| {
            time.map_or("-".to_owned(), |time| time.to_string())
        };
        println!(
            "{}  {}  tenant {}  scopes {}  expires {}  revoked {}",
            key.id,
            key.holder,
            key.tenant.as_deref().unwrap_or("-"),
            key.scopes.iter().map(String::as_str).collect::<Vec<_>>().join(","),
            when(key.expires),
            when(key.revoked),
        );
    }
    Ok(Exit::Done)
}

/// Revokes a key; revoking it again changes nothing.
pub(crate) fn revoke_in(site: &Site, provider: &str, id: &str) -> Result<()> {
    let path = store(site, provider)?.path;
    let mut keys = read(&path)?;
    let Some(key) = keys.iter_mut().find(|key| key.id == id) else {
        bail!("there is no key `{id}`");
    };
    key.revoked.get_or_insert_with(clock::now);
    write(&path, keys)
}

fn read(path: &Path) -> Result<Vec<StoredKey>> {
    match std::fs::read(path) {
        Ok(bytes) => {
            let ring =
                Keyring::parse(&bytes).map_err(|why| anyhow!("`{}`: {why}", path.display()))?;
            Ok(ring.all())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| format!("`{}`", path.display())),
    }
}

/// Replaces the store in one step, so that a gateway never reads half of it.
fn write(path: &Path, keys: Vec<StoredKey>) -> Result<()> {
    let next = path.with_extension("next");
    private_file(&next, &Keyring::render(keys), false)?;
    std::fs::rename(&next, path).with_context(|| format!("`{}`", path.display()))
}

fn private_file(path: &Path, text: &str, must_be_new: bool) -> Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).with_context(|| format!("`{}`", parent.display()))?;
    }
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    if must_be_new {
        options.create_new(true)
    } else {
        options.create(true).truncate(true)
    };
    let mut file = options.open(path).with_context(|| format!("`{}`", path.display()))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .with_context(|| format!("`{}`", path.display()))
}
