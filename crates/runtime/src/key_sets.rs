//! Which keys does an issuer publish now? JWK sets by file (by URL they are unavailable, and so
//! refuse, as long as there is no client that cannot be led astray), fresh for a while, stale for a
//! bounded while longer, then unavailable (law 8).
//!
//! One fetch per provider at a time; a key id that the set lacks causes at most one refresh per
//! [`REFRESH_MIN`], so that unknown ids cost nothing (E11). A failed fetch keeps the last good
//! set until its bound; one bad key in a set is skipped and the others stay (E12).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use portcullis_config::Declaration;
use portcullis_config::declaration::{KeySource, Provider};
use portcullis_core::facts::Keys;
use portcullis_identity::jwk::KeySet;
use portcullis_model::{ProviderId, Timestamp};
use tokio::sync::Mutex;

/// Shortest time between two fetches of one set.
pub const REFRESH_MIN: Duration = Duration::from_secs(5);

/// Largest set, in bytes.
const SET_BYTES_MAX: usize = 256 * 1024;

/// How long a set from a file counts as fresh; files are cheap to read again.
const FILE_FRESH_FOR: Duration = Duration::from_secs(5);

/// How long a set from a file is served when the file cannot be read any more.
const FILE_STALE_UNTIL: Duration = Duration::from_secs(300);

/// The key sets of all providers.
#[derive(Debug)]
pub struct KeySets {
    sources: BTreeMap<ProviderId, Source>,
}

#[derive(Debug)]
struct Source {
    place: Place,
    fresh_for: Duration,
    stale_until: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
enum Place {
    File(PathBuf),
    Url,
}

#[derive(Debug, Default)]
struct State {
    set: Option<(Arc<KeySet>, Timestamp)>,
    tried: Option<Timestamp>,
}

impl KeySets {
    /// The sources of a declaration; nothing is fetched yet.
    #[must_use]
    pub fn new(declaration: &Declaration, folder: &Path) -> Self {
        let mut sources = BTreeMap::new();
        for (id, provider) in &declaration.providers {
            let Provider::Jwt(provider) = provider else { continue };
            let (place, fresh_for, stale_until) = match &provider.keys {
                KeySource::File { path } => {
                    (Place::File(folder.join(path)), FILE_FRESH_FOR, FILE_STALE_UNTIL)
                }
                KeySource::Url { fresh_for, stale_until, .. } => {
                    (Place::Url, *fresh_for, *stale_until)
                }
            };
            let state = Mutex::new(State::default());
            sources.insert(id.clone(), Source { place, fresh_for, stale_until, state });
        }
        Self { sources }
    }

    /// The keys of a provider.
    pub async fn keys(&self, id: &ProviderId, missing: Option<&str>, now: Timestamp) -> Keys {
        let Some(source) = self.sources.get(id) else { return Keys::Unavailable };
        // the lock makes fetches single-flight: whoever waited finds the set fresh
        let mut state = source.state.lock().await;
        let age = state.set.as_ref().map(|(_, as_of)| now.since(*as_of));
        let wanted = missing.is_some() || age.is_none_or(|age| age >= source.fresh_for);
        let allowed = state.tried.is_none_or(|tried| now.since(tried) >= REFRESH_MIN);
        if wanted && allowed {
            state.tried = Some(now);
            match source.place.fetch().await {
                Ok(set) => state.set = Some((Arc::new(set), now)),
                Err(error) => tracing::warn!(provider = %id, %error, "keys cannot be fetched"),
            }
        }
        match &state.set {
            Some((set, as_of)) if now.since(*as_of) < source.stale_until => {
                Keys::Known { set: Arc::clone(set), as_of: *as_of }
            }
            Some(_) | None => Keys::Unavailable,
        }
    }
}

impl Place {
    async fn fetch(&self) -> Result<KeySet, String> {
        let bytes = match self {
            Self::File(path) => {
                let length = tokio::fs::metadata(path).await.map_err(|e| e.to_string())?.len();
                if length > u64::try_from(SET_BYTES_MAX).unwrap_or(u64::MAX) {
                    return Err(format!("larger than {SET_BYTES_MAX} bytes"));
                }
                tokio::fs::read(path).await.map_err(|error| error.to_string())?
            }
            Self::Url => return Err("there is no client for keys by URL".to_owned()),
        };
        let (set, skipped) = KeySet::parse(&bytes).map_err(|error| error.to_string())?;
        for key in skipped {
            tracing::warn!(?key, "a key was skipped");
        }
        Ok(set)
    }
}
