//! Who can answer which fact? All stores of a process, made from a declaration.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use portcullis_config::Declaration;
use portcullis_config::declaration::{Provider, SecretRef, SignatureMaterial};
use portcullis_core::facts::{ApiKeyFact, Country, Keys};
use portcullis_identity::api_key::Pepper;
use portcullis_identity::secrets::Secrets;
use portcullis_model::{ProviderId, Timestamp};
use portcullis_telemetry::levels::Levels;

use crate::api_keys::ApiKeys;
use crate::countries::Countries;
use crate::key_sets::KeySets;
use crate::limits::Limits;
use crate::private;
use crate::proofs::Proofs;
use crate::records::Records;
use crate::tokens::Tokens;

/// All stores of a process.
#[derive(Debug)]
pub struct Stores {
    /// Counters.
    pub limits: Limits,
    /// Verified tokens.
    pub tokens: Arc<Tokens>,
    /// Proofs that were seen, and nonces.
    pub proofs: Arc<Proofs>,
    /// The record writer.
    pub records: Arc<Records>,
    api_keys: BTreeMap<ProviderId, ApiKeys>,
    secrets: BTreeMap<ProviderId, Arc<Secrets>>,
    key_sets: KeySets,
    countries: Option<Countries>,
}

/// Why the stores cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("secret of provider `{provider}` cannot be used: {why}")]
pub struct SecretError {
    provider: ProviderId,
    why: String,
}

impl Stores {
    /// Opens the stores of an estate in a folder.
    ///
    /// # Errors
    /// When a secret that the declaration refers to cannot be resolved: a secret that fails to
    /// resolve must never authenticate as anything (E26).
    pub fn open(
        declaration: &Declaration,
        folder: &Path,
        records: Records,
        seed: u64,
    ) -> Result<Self, SecretError> {
        Ok(Self {
            limits: Limits::new(declaration, seed),
            tokens: Arc::default(),
            proofs: Arc::new(Proofs::new(declaration.guards.proofs_max)),
            records: Arc::new(records),
            api_keys: open_api_keys(declaration, folder)?,
            secrets: open_secrets(declaration, folder)?,
            key_sets: KeySets::new(declaration, folder),
            countries: open_countries(declaration, folder),
        })
    }

    /// The stores of another declaration of the same estate: counters, verified tokens, the record
    /// writer and the keys of unchanged issuers stay.
    ///
    /// # Errors
    /// As [`Stores::open`].
    pub fn renewed(&self, declaration: &Declaration, folder: &Path) -> Result<Self, SecretError> {
        self.proofs.hold(declaration.guards.proofs_max);
        Ok(Self {
            limits: self.limits.renewed(declaration),
            tokens: Arc::clone(&self.tokens),
            proofs: Arc::clone(&self.proofs),
            records: Arc::clone(&self.records),
            api_keys: open_api_keys(declaration, folder)?,
            secrets: open_secrets(declaration, folder)?,
            key_sets: self.key_sets.renewed(declaration, folder),
            countries: open_countries(declaration, folder),
        })
    }

    /// The country of an address.
    #[must_use]
    pub fn country(&self, address: IpAddr, now: Timestamp) -> Country {
        let found = self.countries.as_ref().map(|countries| countries.find(address, now));
        found.unwrap_or(Country::Unavailable)
    }

    /// A stored API key; `None` where the provider has no store.
    #[must_use]
    pub fn api_key(&self, provider: &ProviderId, id: &str) -> Option<ApiKeyFact> {
        self.api_keys.get(provider).map(|keys| keys.find(id))
    }

    /// The secrets of a provider; none where it has none.
    #[must_use]
    pub fn secrets(&self, provider: &ProviderId) -> Arc<Secrets> {
        self.secrets.get(provider).cloned().unwrap_or_default()
    }

    /// An issuer's keys; `missing` names a key that the last known set lacks.
    pub async fn signing_keys(
        &self,
        provider: &ProviderId,
        missing: Option<&str>,
        now: Timestamp,
    ) -> Keys {
        self.key_sets.keys(provider, missing, now).await
    }

    /// Says how things stand with the keys and the records.
    pub fn tell(&self, levels: &Levels) {
        levels.limits(self.limits.refusals());
        levels.key_sets(self.key_sets.ages(crate::clock::now()));
        let counts = self.records.counts();
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        levels.audit(self.records.waiting(), read(&counts.written), read(&counts.failed));
    }

    /// Changes whenever an issuer's keys do.
    #[must_use]
    pub fn key_epoch(&self) -> u64 {
        self.key_sets.generation()
    }
}

/// A file that went away since the estate was checked is not available, which refuses.
fn open_countries(declaration: &Declaration, folder: &Path) -> Option<Countries> {
    Countries::open(declaration, folder).unwrap_or_else(|why| {
        tracing::error!(why, "countries cannot be looked up");
        None
    })
}

fn open_api_keys(
    declaration: &Declaration,
    folder: &Path,
) -> Result<BTreeMap<ProviderId, ApiKeys>, SecretError> {
    let mut api_keys = BTreeMap::new();
    for (id, provider) in &declaration.providers {
        let Provider::ApiKeys(keys) = provider else { continue };
        let secret = resolve(&keys.pepper, folder);
        let pepper = secret
            .and_then(|bytes| Pepper::new(&bytes).map_err(|error| error.to_string()))
            .map_err(|why| SecretError { provider: id.clone(), why })?;
        api_keys.insert(id.clone(), ApiKeys::new(folder.join(&keys.store), pepper));
    }
    Ok(api_keys)
}

fn open_secrets(
    declaration: &Declaration,
    folder: &Path,
) -> Result<BTreeMap<ProviderId, Arc<Secrets>>, SecretError> {
    let mut found = BTreeMap::new();
    for (id, provider) in &declaration.providers {
        let opened = secrets(provider, folder);
        let opened = opened.map_err(|why| SecretError { provider: id.clone(), why })?;
        found.insert(id.clone(), Arc::new(opened));
    }
    Ok(found)
}

/// The secrets that a provider shares with those who sign.
///
/// # Errors
/// Says which is missing or cannot be used; never what it holds.
pub fn secrets(provider: &Provider, folder: &Path) -> Result<Secrets, String> {
    let mut secrets = Secrets::default();
    match provider {
        Provider::ApiKeys(_) | Provider::Certificates(_) | Provider::Jwt(_) => {}
        Provider::Signatures(signatures) => {
            for (id, key) in &signatures.keys {
                if let SignatureMaterial::Secret(secret) = &key.material {
                    let added = secrets.add(id, &resolve(secret, folder)?);
                    added.map_err(|why| format!("the secret of `{id}`: {why}"))?;
                }
            }
        }
        Provider::Webhook(webhook) => {
            let scheme = portcullis_core::snapshot::signers::scheme(webhook.scheme);
            for secret in &webhook.secrets {
                let text = resolve(secret, folder)?;
                let text = String::from_utf8(text).map_err(|_| "a secret is not UTF-8")?;
                secrets.add("", &scheme.secret(&text)?)?;
            }
        }
    }
    Ok(secrets)
}

/// Reads a secret; surrounding white space does not belong to it.
///
/// # Errors
/// Says which file or variable is missing or empty; never what it holds.
pub fn resolve(secret: &SecretRef, folder: &Path) -> Result<Vec<u8>, String> {
    let text = match secret {
        SecretRef::Env(name) => {
            std::env::var(name).map_err(|_| format!("variable `{name}` is not set"))?
        }
        SecretRef::File(path) => {
            let file = folder.join(path);
            private::check(&file).map_err(|why| format!("file `{path}`: {why}"))?;
            std::fs::read_to_string(file).map_err(|error| format!("file `{path}`: {error}"))?
        }
    };
    let text = text.trim();
    if text.is_empty() { Err("it is empty".to_owned()) } else { Ok(text.as_bytes().to_vec()) }
}
