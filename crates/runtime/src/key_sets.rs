//! Which keys does an issuer publish now? JWK sets by file, URL or the issuer's metadata, fresh for a while, stale for a
//! bounded while longer, then unavailable (law 8).
//!
//! One fetch per provider at a time; a key id that the set lacks causes at most one refresh per
//! [`REFRESH_MIN`], so that unknown ids cost nothing (E11). A failed fetch keeps the last good
//! set until its bound; one bad key in a set is skipped and the others stay (E12).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ipnet::IpNet;
use portcullis_config::Declaration;
use portcullis_config::declaration::{JwtProvider, KeySource, Provider};
use portcullis_core::facts::Keys;
use portcullis_identity::jwk::KeySet;
use portcullis_model::{ProviderId, Timestamp};
use portcullis_transport::fetch::{self, FetchRules};
use tokio::time::timeout;

use crate::discovery::Discovery;

/// Shortest time between two fetches of one set.
pub const REFRESH_MIN: Duration = Duration::from_secs(5);

/// Largest set, in bytes.
pub const SET_BYTES_MAX: usize = 256 * 1024;

/// Longest time for a fetch; requests that need the set wait for it.
pub const FETCH_DEADLINE: Duration = Duration::from_secs(3);

/// How long a set from a file counts as fresh; files are cheap to read again.
const FILE_FRESH_FOR: Duration = Duration::from_secs(5);

/// How long a set from a file is served when the file cannot be read any more.
const FILE_STALE_UNTIL: Duration = Duration::from_secs(300);

/// The key sets of all providers.
#[derive(Debug)]
pub struct KeySets {
    sources: BTreeMap<ProviderId, Arc<Source>>,
    generation: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Source {
    provider: ProviderId,
    place: Place,
    fresh_for: Duration,
    stale_until: Duration,
    state: Mutex<State>,
    /// Held while fetching: whoever waited looks again before fetching itself.
    fetching: tokio::sync::Mutex<()>,
    generation: Arc<AtomicU64>,
}

#[derive(Debug, PartialEq, Eq)]
enum Place {
    Discovery(Discovery, FetchRules),
    File(PathBuf),
    Url { url: String, rules: FetchRules },
}

#[derive(Debug, Default)]
struct State {
    set: Option<(Arc<KeySet>, Timestamp)>,
    bytes: Vec<u8>,
    tried: Option<Timestamp>,
}

impl KeySets {
    /// The sources of a declaration; nothing is fetched yet.
    #[must_use]
    pub fn new(declaration: &Declaration, folder: &Path) -> Self {
        let none = Self { sources: BTreeMap::new(), generation: Arc::default() };
        none.renewed(declaration, folder)
    }

    /// The sources of another declaration; what is known from an unchanged source stays.
    #[must_use]
    pub fn renewed(&self, declaration: &Declaration, folder: &Path) -> Self {
        let generation = Arc::clone(&self.generation);
        let mut sources = BTreeMap::new();
        for (id, provider) in &declaration.providers {
            let Provider::Jwt(provider) = provider else { continue };
            let (place, fresh_for, stale_until) = place(provider, folder);
            let source = Source {
                provider: id.clone(),
                place,
                fresh_for,
                stale_until,
                state: Mutex::default(),
                fetching: tokio::sync::Mutex::default(),
                generation: Arc::clone(&generation),
            };
            let known = self.sources.get(id).filter(|known| known.is_as(&source));
            sources.insert(id.clone(), known.map_or_else(|| Arc::new(source), Arc::clone));
        }
        Self { sources, generation }
    }

    /// How long ago each set that is known was fetched.
    #[must_use]
    pub fn ages(&self, now: Timestamp) -> Vec<(ProviderId, Duration)> {
        let age = |source: &Source| {
            let state = source.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.set.as_ref().map(|(_, as_of)| now.since(*as_of))
        };
        let ages = self.sources.iter().map(|(id, source)| Some((id.clone(), age(source)?)));
        ages.flatten().collect()
    }

    /// Changes whenever a set did.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The keys of a provider; `missing` names a key that the last known set lacks.
    pub async fn keys(&self, id: &ProviderId, missing: Option<&str>, now: Timestamp) -> Keys {
        let Some(source) = self.sources.get(id) else { return Keys::Unavailable };
        match source.known(now) {
            Some((keys, fresh)) if missing.is_none() => {
                // a set that may still be served is served; one task fetches the next
                if !fresh && source.may_try(now) {
                    let source = Arc::clone(source);
                    tokio::spawn(async move { source.refresh(now).await });
                }
                keys
            }
            Some(_) | None => {
                source.refresh(now).await;
                source.known(now).map_or(Keys::Unavailable, |(keys, _)| keys)
            }
        }
    }
}

impl Source {
    fn is_as(&self, other: &Self) -> bool {
        self.place == other.place
            && self.fresh_for == other.fresh_for
            && self.stale_until == other.stale_until
    }

    /// The set, if it may be served, and whether it is fresh.
    fn known(&self, now: Timestamp) -> Option<(Keys, bool)> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (set, as_of) = state.set.as_ref()?;
        let age = now.since(*as_of);
        let keys = Keys::Known { set: Arc::clone(set), as_of: *as_of };
        (age < self.stale_until).then_some((keys, age < self.fresh_for))
    }

    fn may_try(&self, now: Timestamp) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.tried.is_none_or(|tried| now.since(tried) >= REFRESH_MIN)
    }

    /// Fetches, unless somebody just did.
    async fn refresh(&self, now: Timestamp) {
        let _alone = self.fetching.lock().await;
        if !self.may_try(now) {
            return;
        }
        // noted before, so that requests of meanwhile do not line up to try again
        self.state.lock().unwrap_or_else(PoisonError::into_inner).tried = Some(now);
        let fetched = self.place.fetch(now).await;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match fetched {
            Ok((set, bytes)) => {
                if state.bytes != bytes {
                    self.generation.fetch_add(1, Ordering::AcqRel);
                }
                state.set = Some((Arc::new(set), now));
                state.bytes = bytes;
            }
            Err(error) => {
                tracing::warn!(provider = %self.provider, %error, "keys cannot be fetched");
            }
        }
    }
}

/// Where a provider's keys are, for how long they are fresh, and until when they may be stale.
fn place(provider: &JwtProvider, folder: &Path) -> (Place, Duration, Duration) {
    match &provider.keys {
        KeySource::Discovery { document, fresh_for, stale_until, allow_addresses } => {
            let rules = rules(allow_addresses);
            let issuer = &provider.issuer;
            let discovery = Discovery::new(issuer, *document, *fresh_for, rules.clone());
            (Place::Discovery(discovery, rules), *fresh_for, *stale_until)
        }
        KeySource::File { path } => {
            (Place::File(folder.join(path)), FILE_FRESH_FOR, FILE_STALE_UNTIL)
        }
        KeySource::Url { url, fresh_for, stale_until, allow_addresses } => {
            let place = Place::Url { url: url.clone(), rules: rules(allow_addresses) };
            (place, *fresh_for, *stale_until)
        }
    }
}

/// By which rules keys are fetched.
#[must_use]
pub fn rules(allow_addresses: &[IpNet]) -> FetchRules {
    FetchRules {
        allow_addresses: allow_addresses.to_vec(),
        deadline: FETCH_DEADLINE,
        bytes_max: SET_BYTES_MAX,
    }
}

impl Place {
    async fn fetch(&self, now: Timestamp) -> Result<(KeySet, Vec<u8>), String> {
        // metadata and keys together take no longer than keys alone may
        let fetched = timeout(FETCH_DEADLINE, self.within_deadline(now)).await;
        fetched.unwrap_or_else(|_| Err(format!("it took longer than {FETCH_DEADLINE:?}")))
    }

    async fn within_deadline(&self, now: Timestamp) -> Result<(KeySet, Vec<u8>), String> {
        let bytes = match self {
            Self::Discovery(discovery, rules) => {
                let url = discovery.jwks_uri(now).await?;
                fetch::json(&url, rules)
                    .await
                    .map_err(|error| format!("keys `{url}`: {error}"))?
                    .to_vec()
            }
            Self::File(path) => {
                let length = tokio::fs::metadata(path).await.map_err(|e| e.to_string())?.len();
                if length > u64::try_from(SET_BYTES_MAX).unwrap_or(u64::MAX) {
                    return Err(format!("larger than {SET_BYTES_MAX} bytes"));
                }
                tokio::fs::read(path).await.map_err(|error| error.to_string())?
            }
            Self::Url { url, rules } => {
                fetch::json(url, rules).await.map_err(|error| error.to_string())?.to_vec()
            }
        };
        let (set, skipped) = KeySet::parse(&bytes).map_err(|error| error.to_string())?;
        for key in skipped {
            tracing::warn!(?key, "a key was skipped");
        }
        Ok((set, bytes))
    }
}
