//! Are the secrets there and private, and can every issuer's keys be had?

use std::future::Future;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use portcullis_config::Declaration;
use portcullis_config::declaration::{ApiKeyProvider, JwtProvider, KeySource, Provider, SecretRef};
use portcullis_core::facts::TokenStatus;
use portcullis_diagnostics::Finding;
use portcullis_identity::api_key::{Keyring, Pepper};
use portcullis_identity::introspection::OpaqueToken;
use portcullis_identity::jwk::KeySet;
use portcullis_model::ProviderId;
use portcullis_runtime::clock::now;
use portcullis_runtime::discovery::Discovery;
use portcullis_runtime::introspection::Introspection;
use portcullis_runtime::{key_sets, private, stores};
use portcullis_transport::fetch::{self, FetchRules};

use super::clock;
use super::visit::Visit;

/// To write as the group, or anything as everybody else. The group may read: mounted secrets are handed
/// to a process by its group.
const OTHERS: u32 = 0o027;

/// Most that our clock and an issuer's may differ: its `Date` counts whole seconds.
const DIFFERENCE_MAX: Duration = Duration::from_secs(5);

fn secret(message: String) -> Finding {
    Finding::error("PC0513", message)
        .why("without its secret a provider accepts nobody; a secret that others read is none")
        .fix("make the file with `portcullis key new`, owned by the gateway's user with mode 0600")
}

fn key_set(message: String) -> Finding {
    Finding::error("PC0514", message)
        .why("without its keys no token of an issuer can be verified, and every caller of it is refused")
        .fix("check the path or URL of `keys`, and that this machine reaches it")
}

pub(super) fn examine(visit: &mut Visit<'_>) {
    for (id, provider) in &visit.declaration().providers {
        let what = format!("provider {id}");
        match provider {
            Provider::ApiKeys(keys) => {
                let result = api_keys(id.as_str(), keys, visit.folder);
                visit.take(&what, result.map_err(secret));
            }
            // their files are read, and their validity judged, with the estate
            Provider::Certificates(_) => visit.fine(what, "its authorities are read"),
            Provider::Signatures(_) | Provider::Webhook(_) => {
                let result = stores::secrets(provider, visit.folder);
                let result = result.map(|_| "its keys and secrets can be used".to_owned());
                visit.take(&what, result.map_err(secret));
            }
            Provider::Jwt(jwt) => issuer(&what, id.as_str(), jwt, visit),
            Provider::Introspection(_) => {
                let result = answers(id, visit.declaration(), visit.folder);
                visit.take(&what, result.map_err(key_set));
            }
        }
    }
    let path = visit.path(&visit.declaration().records.seal_key);
    let result = seal_key(&path);
    visit.take("seal key", result.map_err(secret));
}

fn api_keys(id: &str, keys: &ApiKeyProvider, folder: &Path) -> Result<String, String> {
    if let SecretRef::File(path) = &keys.pepper {
        owned(&folder.join(path)).map_err(|why| format!("pepper of `{id}`: {why}"))?;
    }
    let pepper = stores::resolve(&keys.pepper, folder);
    pepper
        .and_then(|bytes| Pepper::new(&bytes).map_err(|error| error.to_string()))
        .map_err(|why| format!("pepper of `{id}`: {why}"))?;
    let store = folder.join(&keys.store);
    if !store.exists() {
        return Ok("its pepper is private; there is no key yet".to_owned());
    }
    let broken = |why: String| format!("keys of `{id}`: `{}`: {why}", store.display());
    private::check(&store).map_err(broken)?;
    let bytes = std::fs::read(&store).map_err(|error| broken(error.to_string()))?;
    let ring = Keyring::parse(&bytes).map_err(broken)?;
    Ok(format!("its pepper is private; {} keys", ring.all().len()))
}

fn seal_key(path: &Path) -> Result<String, String> {
    if !path.exists() {
        return Ok("will be made at the first start".to_owned());
    }
    let broken = |why: String| format!("seal key `{}`: {why}", path.display());
    owned(path).map_err(broken)?;
    match std::fs::read(path) {
        Ok(bytes) if bytes.len() == 32 => Ok("is there and private".to_owned()),
        Ok(bytes) => Err(broken(format!("it has {} bytes and not 32", bytes.len()))),
        Err(error) => Err(broken(error.to_string())),
    }
}

/// Whether nobody but the owner may write a file, and nobody beyond the group read it.
fn owned(path: &Path) -> Result<(), String> {
    let mode = std::fs::metadata(path).map_err(|error| format!("`{}`: {error}", path.display()));
    match mode?.permissions().mode() & OTHERS {
        0 => Ok(()),
        open => Err(format!("`{}` is open to others (mode bits {open:03o})", path.display())),
    }
}

fn issuer(what: &str, id: &str, jwt: &JwtProvider, visit: &mut Visit<'_>) {
    let broken = |why: String| key_set(format!("keys of `{id}`: {why}"));
    match &jwt.keys {
        KeySource::File { path } => {
            let bytes =
                std::fs::read(visit.path(path)).map_err(|error| format!("`{path}`: {error}"));
            let result = bytes.and_then(|bytes| usable(&bytes)).map_err(broken);
            visit.take(what, result);
        }
        KeySource::Discovery { document, fresh_for, allow_addresses, .. } => {
            let rules = key_sets::rules(allow_addresses);
            let asked = Discovery::new(&jwt.issuer, *document, *fresh_for, rules.clone());
            match waited(asked.jwks_uri(now())) {
                Ok(url) => published(what, id, &url, &rules, visit),
                Err(why) => visit.take(what, Err(broken(why))),
            }
        }
        KeySource::Url { url, allow_addresses, .. } => {
            published(what, id, url, &key_sets::rules(allow_addresses), visit);
        }
    }
}

/// Keys by URL.
fn published(what: &str, id: &str, url: &str, rules: &FetchRules, visit: &mut Visit<'_>) {
    let fetched = waited(fetch::json_dated(url, rules));
    let date = fetched.as_ref().ok().and_then(|(_, date)| date.as_ref()?.to_str().ok());
    let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
    let result = fetched.and_then(|(bytes, _)| usable(&bytes));
    let broken = |why| key_set(format!("keys of `{id}`: `{url}`: {why}"));
    visit.take(what, result.map_err(broken));
    compare(id, date, visit);
}

/// Whether the issuer of opaque tokens knows us: about a token that there is not, it says so.
fn answers(id: &ProviderId, declaration: &Declaration, folder: &Path) -> Result<String, String> {
    let opened = Introspection::open(declaration, folder, None);
    let issuers = opened.map_err(|(other, why)| format!("provider `{other}`: {why}"))?;
    let token = OpaqueToken::new("portcullis-doctor").map_err(|refused| refused.detail)?;
    let revision = "doctor".into();
    let asked = async { Ok::<_, String>(issuers.status(id, &token, &revision, now()).await) };
    match waited(asked)? {
        TokenStatus::Known { answer, .. } if !answer.is_active() => {
            Ok("its issuer answers".to_owned())
        }
        TokenStatus::Known { .. } => {
            Err(format!("the issuer of `{id}` calls a token active that there is not"))
        }
        TokenStatus::Invalid => {
            Err(format!("the issuer of `{id}` does not answer as RFC 7662 says"))
        }
        TokenStatus::Unavailable => {
            Err(format!("the issuer of `{id}` cannot be asked, or does not know us"))
        }
    }
}

/// Waits for what asks somebody else.
fn waited<T, E: ToString>(asked: impl Future<Output = Result<T, E>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(asked).map_err(|error| error.to_string())
}

fn usable(bytes: &[u8]) -> Result<String, String> {
    let (set, skipped) = KeySet::parse(bytes).map_err(|error| error.to_string())?;
    match (set.len(), skipped.len()) {
        (0, _) => Err("it has no key that can be used".to_owned()),
        (keys, 0) => Ok(format!("{keys} keys")),
        (keys, skipped) => Ok(format!("{keys} keys; {skipped} more that cannot be used")),
    }
}

/// Our clock against that of whoever answered.
fn compare(id: &str, date: Option<SystemTime>, visit: &mut Visit<'_>) {
    let Some(date) = date else { return };
    let now = SystemTime::now();
    let difference = now.duration_since(date).unwrap_or_else(|ahead| ahead.duration());
    if difference > DIFFERENCE_MAX {
        let message =
            format!("our clock and that of the issuer of `{id}` differ by {difference:?}");
        visit.finding(clock::finding(message));
    } else {
        visit.fine(format!("clock of {id}"), format!("within {DIFFERENCE_MAX:?} of ours"));
    }
}
