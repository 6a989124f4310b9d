//! What was issued, and is it time for another one? Renewed at two thirds of its life, a little earlier
//! by chance, so that a fleet does not ask all at once.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_config::declaration::Acme;
use portcullis_identity::certificate::Facts;
use portcullis_model::Timestamp;
use portcullis_transport::tls::pem::PemObject;
use portcullis_transport::tls::{CertificateDer, Identity, PrivateKeyDer};

use crate::private;

/// Chance takes at most this part of the time until renewal.
const JITTER_PART: u64 = 20;

/// A certificate that was issued.
#[derive(Debug)]
pub struct Kept {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    facts: Facts,
}

impl Kept {
    /// What is kept for a declaration; nothing where there is none that can be used.
    #[must_use]
    pub fn read(folder: &Path, acme: &Acme) -> Option<Self> {
        let path = certificate_path(folder, acme)?;
        private::check_key(&path).ok()?;
        let pem = std::fs::read(path).ok()?;
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().ok()?;
        let key = PrivateKeyDer::from_pem_slice(&pem).ok()?;
        let facts = Facts::read(chain.first()?).ok()?;
        Some(Self { chain, key, facts })
    }

    /// As what a listener shows.
    #[must_use]
    pub fn identity(self) -> Option<Identity> {
        Identity::new(self.chain, &self.key, false).ok()
    }

    /// Whether another one is to be ordered: for other names, or because its time comes. `chance` is
    /// any number that stays the same for this process.
    #[must_use]
    pub fn is_due(&self, acme: &Acme, now: Timestamp, chance: u64) -> bool {
        let mut names = self.facts.dns.clone();
        let mut hosts = acme.hosts.clone();
        names.sort();
        hosts.sort();
        let life = self.facts.not_after.since(self.facts.not_before).as_secs();
        let until = life.saturating_mul(2).checked_div(3).unwrap_or(0);
        let spread = until.checked_div(JITTER_PART).unwrap_or(0).max(1);
        let early = chance.checked_rem(spread).unwrap_or(0);
        let renewal = Duration::from_secs(until.saturating_sub(early));
        names != hosts || now >= self.facts.not_before.plus(renewal)
    }
}

/// Where the certificate of a declaration is kept.
pub(super) fn certificate_path(folder: &Path, acme: &Acme) -> Option<PathBuf> {
    Some(folder.join(&acme.store).join(format!("{}.pem", acme.hosts.first()?)))
}

/// Writes a file for its owner alone: beside, and renamed, so that it is whole or not there.
pub(crate) fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let next = path.with_extension("next");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&next)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&next, path)
}

#[cfg(test)]
mod tests {
    use super::Kept;
    use portcullis_config::declaration::Acme;
    use portcullis_identity::certificate::Facts;
    use portcullis_model::Timestamp;
    use portcullis_transport::tls::PrivateKeyDer;

    #[test]
    fn it_is_renewed_at_two_thirds_of_its_life_and_for_other_names() {
        let facts = Facts {
            fingerprint: String::new(),
            issuer: String::new(),
            dns: vec!["b".to_owned(), "a".to_owned()],
            uris: Vec::new(),
            not_before: Timestamp::from_secs(1000),
            not_after: Timestamp::from_secs(1000 + 9000),
        };
        let key = PrivateKeyDer::Pkcs8(Vec::new().into());
        let kept = Kept { chain: Vec::new(), key, facts };
        let acme = |hosts: &[&str]| Acme {
            directory: String::new(),
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            contacts: Vec::new(),
            http_address: None,
            roots: None,
            store: String::new(),
            allow_addresses: Vec::new(),
        };
        let due = |hosts: &[&str], at: u64, chance: u64| {
            kept.is_due(&acme(hosts), Timestamp::from_secs(at), chance)
        };
        assert!(!due(&["a", "b"], 6999, 0) && due(&["a", "b"], 7000, 0));
        assert!(!due(&["a", "b"], 6700, 299) && due(&["a", "b"], 6701, 299));
        assert!(due(&["a"], 1000, 0));
    }
}
