//! Which API keys are there? A file of hashed keys per provider, and the secret that keys the
//! hashes. The file is read anew when it changes, at most once a second. While it cannot be read, or
//! everybody may write it, the last good keys stay for a bounded time, because a revocation may
//! stand in what cannot be read; then, and before it was ever read, no key is known (law 8).

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use portcullis_core::facts::ApiKeyFact;
use portcullis_identity::api_key::{Keyring, Pepper};

use crate::private;

/// How long the last look at the file counts.
const FRESH_FOR: Duration = Duration::from_secs(1);

/// How long the last good keys stay while the file cannot be read.
const STALE_UNTIL: Duration = Duration::from_secs(300);

/// The keys of one provider.
#[derive(Debug)]
pub struct ApiKeys {
    path: PathBuf,
    pepper: Arc<Pepper>,
    state: Mutex<State>,
}

/// What tells one version of the file from another: time, length, file.
type Version = (SystemTime, u64, u64);

#[derive(Debug)]
struct State {
    ring: Arc<Keyring>,
    changed: Option<Version>,
    good: Option<Instant>,
    looked: Option<Instant>,
}

impl ApiKeys {
    /// The keys in this file, hashed under this pepper. A missing file holds no keys.
    #[must_use]
    pub fn new(path: PathBuf, pepper: Pepper) -> Self {
        let state = State { ring: Arc::default(), changed: None, good: None, looked: None };
        Self { path, pepper: Arc::new(pepper), state: Mutex::new(state) }
    }

    /// The key of this id, if there is one, with what is needed to verify it.
    #[must_use]
    pub fn find(&self, id: &str) -> ApiKeyFact {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.looked.is_none_or(|looked| looked.elapsed() >= FRESH_FOR) {
            state.looked = Some(Instant::now());
            refresh(&self.path, &mut state);
        }
        ApiKeyFact { stored: state.ring.find(id), pepper: Arc::clone(&self.pepper) }
    }
}

fn refresh(path: &Path, state: &mut State) {
    let Ok(data) = std::fs::metadata(path) else {
        // a file that is gone holds no keys
        (state.ring, state.changed) = (Arc::default(), None);
        return;
    };
    let version = data.modified().ok().map(|modified| (modified, data.len(), data.ino()));
    let error = match private::check(path) {
        Ok(()) if version.is_some() && version == state.changed => {
            state.good = Some(Instant::now());
            return;
        }
        Ok(()) => match std::fs::read(path).map_err(|error| error.to_string()) {
            Ok(bytes) => match Keyring::parse(&bytes) {
                Ok(ring) => {
                    state.ring = Arc::new(ring);
                    (state.changed, state.good) = (version, Some(Instant::now()));
                    return;
                }
                Err(error) => error,
            },
            Err(error) => error,
        },
        Err(error) => error,
    };
    state.changed = None;
    if state.good.is_none_or(|good| good.elapsed() >= STALE_UNTIL) {
        state.ring = Arc::default();
        tracing::error!(path = %path.display(), %error, "API keys cannot be read; none is known");
    } else {
        tracing::error!(path = %path.display(), %error, "API keys cannot be read; the last good ones stay for a while");
    }
}

#[cfg(test)]
mod tests {
    use super::{ApiKeys, STALE_UNTIL, State};
    use portcullis_identity::api_key::{Keyring, Pepper, StoredKey, fresh};
    use portcullis_model::Timestamp;
    use std::time::Instant;

    fn age(keys: &ApiKeys, change: impl FnOnce(&mut State)) {
        let mut state = keys.state.lock().unwrap();
        state.looked = None;
        change(&mut state);
    }

    #[test]
    fn keys_of_a_file_that_cannot_be_read_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let (_, id, hash) = fresh(&Pepper::new(&[7; 32]).unwrap()).unwrap();
        let stored = StoredKey {
            id: id.clone(),
            hash,
            holder: "partner".into(),
            tenant: None,
            scopes: [].into(),
            created: Timestamp::from_secs(1),
            expires: None,
            revoked: None,
        };
        let good = Keyring::render(vec![stored]);
        std::fs::write(&path, &good).unwrap();
        let keys = ApiKeys::new(path.clone(), Pepper::new(&[7; 32]).unwrap());
        let known = || keys.find(&id).stored.is_some();
        assert!(known());
        std::fs::write(&path, "{ a revocation that is not JSON").unwrap();
        age(&keys, |_| {});
        assert!(known(), "within the bound");
        age(&keys, |state| state.good = Instant::now().checked_sub(STALE_UNTIL));
        assert!(!known(), "beyond it");
        std::fs::write(&path, &good).unwrap();
        age(&keys, |_| {});
        assert!(known());
        std::fs::remove_file(&path).unwrap();
        age(&keys, |_| {});
        assert!(!known());
    }
}
