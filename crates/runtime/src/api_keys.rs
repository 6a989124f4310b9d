//! Which API keys are there? A file of hashed keys per provider, and the secret that keys the
//! hashes. The file is read anew when it changes, at most once a second; while it cannot be read
//! the last good keys stay, and a provider whose file was never read knows no key.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use portcullis_core::facts::ApiKeyFact;
use portcullis_identity::api_key::{Keyring, Pepper};

/// How long the last look at the file counts.
const FRESH_FOR: Duration = Duration::from_secs(1);

/// The keys of one provider.
#[derive(Debug)]
pub struct ApiKeys {
    path: PathBuf,
    pepper: Arc<Pepper>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    ring: Arc<Keyring>,
    changed: Option<SystemTime>,
    looked: Option<Instant>,
}

impl ApiKeys {
    /// The keys in this file, hashed under this pepper. A missing file holds no keys.
    #[must_use]
    pub fn new(path: PathBuf, pepper: Pepper) -> Self {
        let state = State { ring: Arc::new(Keyring::default()), changed: None, looked: None };
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
    let changed = std::fs::metadata(path).and_then(|data| data.modified()).ok();
    if changed.is_some() && changed == state.changed {
        return;
    }
    let ring = match std::fs::read(path) {
        Ok(bytes) => Keyring::parse(&bytes),
        Err(error) => Err(error.to_string()),
    };
    match ring {
        Ok(ring) => {
            state.ring = Arc::new(ring);
            state.changed = changed;
        }
        Err(error) if changed.is_some() => {
            tracing::error!(path = %path.display(), %error, "API keys cannot be read; the last good ones stay");
        }
        Err(_) => state.ring = Arc::new(Keyring::default()),
    }
}
