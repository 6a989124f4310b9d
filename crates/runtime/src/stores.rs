//! Who can answer which fact? All stores of a process, made from a declaration.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use portcullis_config::Declaration;
use portcullis_config::declaration::{Provider, SignatureMaterial};
use portcullis_core::facts::{ApiKeyFact, Country, Keys, TokenFact, TokenStatus};
use portcullis_identity::api_key::Pepper;
use portcullis_identity::introspection::OpaqueToken;
use portcullis_identity::minted::Order;
use portcullis_identity::secrets::Secrets;
use portcullis_model::{ProviderId, Timestamp};
use portcullis_telemetry::levels::Levels;

use crate::api_keys::ApiKeys;
use crate::countries::Countries;
use crate::introspection::Introspection;
use crate::key_sets::KeySets;
use crate::limits::Limits;
use crate::minting::Mint;
use crate::proofs::Proofs;
use crate::records::Records;
pub use crate::secrets::resolve;
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
    mint: Option<Mint>,
    introspection: Introspection,
    countries: Option<Countries>,
}

/// Why the stores cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// A secret of a provider.
    #[error("secret of provider `{provider}` cannot be used: {why}")]
    Provider {
        /// The provider.
        provider: ProviderId,
        /// What is wrong with it.
        why: String,
    },
    /// The keys of our own tokens.
    #[error("keys of `tokens` in `{folder}` cannot be used: {why}")]
    Tokens {
        /// Their folder.
        folder: String,
        /// What is wrong with them.
        why: String,
    },
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
            mint: open_mint(None, declaration, folder)?,
            introspection: open_introspection(declaration, folder, None)?,
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
            mint: open_mint(self.mint.as_ref(), declaration, folder)?,
            introspection: open_introspection(declaration, folder, Some(&self.introspection))?,
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

    /// A token of ours.
    #[must_use]
    pub fn token(&self, order: &Order, now: Timestamp) -> TokenFact {
        self.mint.as_ref().map_or(TokenFact::Unavailable, |mint| mint.token(order, now))
    }

    /// The public keys of our own tokens.
    #[must_use]
    pub fn public_keys(&self, now: Timestamp) -> Option<Bytes> {
        self.mint.as_ref().and_then(|mint| mint.public_keys(now))
    }

    /// What the issuer says of an opaque token.
    pub async fn token_status(
        &self,
        provider: &ProviderId,
        token: &OpaqueToken,
        revision: &Arc<str>,
        now: Timestamp,
    ) -> TokenStatus {
        self.introspection.status(provider, token, revision, now).await
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

fn open_mint(
    earlier: Option<&Mint>,
    declaration: &Declaration,
    folder: &Path,
) -> Result<Option<Mint>, SecretError> {
    let Some(tokens) = &declaration.tokens else { return Ok(None) };
    let now = crate::clock::now();
    let mint = match earlier {
        Some(mint) => mint.renewed(tokens, folder, now),
        None => Mint::open(tokens, folder, now),
    };
    mint.map(Some).map_err(|error| SecretError::Tokens {
        folder: tokens.keys.clone(),
        why: error.to_string(),
    })
}

/// A file that went away since the estate was checked is not available, which refuses.
fn open_countries(declaration: &Declaration, folder: &Path) -> Option<Countries> {
    Countries::open(declaration, folder).unwrap_or_else(|why| {
        tracing::error!(why, "countries cannot be looked up");
        None
    })
}

fn open_introspection(
    declaration: &Declaration,
    folder: &Path,
    before: Option<&Introspection>,
) -> Result<Introspection, SecretError> {
    let opened = Introspection::open(declaration, folder, before);
    opened.map_err(|(provider, why)| SecretError::Provider { provider, why })
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
            .map_err(|why| SecretError::Provider { provider: id.clone(), why })?;
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
        let opened = opened.map_err(|why| SecretError::Provider { provider: id.clone(), why })?;
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
        Provider::ApiKeys(_)
        | Provider::Certificates(_)
        | Provider::Introspection(_)
        | Provider::Jwt(_) => {}
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
