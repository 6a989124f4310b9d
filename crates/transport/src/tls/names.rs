//! Which certificate is a client shown? The one that has the name it asks for (RFC 6066 section 3),
//! exactly or by a wildcard for one label; else the declared default; else none, and the handshake
//! ends.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::identity::Identity;

/// Certificates by name.
pub(super) struct Names {
    exact: HashMap<String, Shown>,
    /// By what stands behind `*.`.
    wildcard: HashMap<String, Shown>,
    default: Option<Shown>,
}

/// A certificate with the names that it has.
#[derive(Clone)]
struct Shown {
    key: Arc<CertifiedKey>,
    names: Arc<[String]>,
}

/// The server that a client asked for in its handshake, and whom it was shown.
#[derive(Clone, Debug)]
pub struct Named {
    /// The name that it asked for, in lower case.
    pub asked: String,
    /// DNS names of the certificate that it was shown, in lower case; `*.` stands for one label.
    pub certificate: Arc<[String]>,
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Names({:?}, {:?})", self.exact.keys(), self.wildcard.keys())
    }
}

/// A name that two certificates have; nothing for two defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameTwice(pub Option<String>);

impl fmt::Display for NameTwice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(name) => write!(f, "two certificates have the name `{name}`"),
            None => f.write_str("two certificates are the default"),
        }
    }
}

impl Names {
    /// Certificates by name.
    pub(super) fn new(identities: &[Identity]) -> Result<Self, NameTwice> {
        let mut names = Self { exact: HashMap::new(), wildcard: HashMap::new(), default: None };
        for identity in identities {
            let own: Arc<[String]> = identity.names().collect();
            let shown = Shown { key: Arc::clone(&identity.key), names: Arc::clone(&own) };
            for name in own.iter() {
                let earlier = match name.strip_prefix("*.") {
                    Some(rest) => names.wildcard.insert(rest.to_owned(), shown.clone()),
                    None => names.exact.insert(name.clone(), shown.clone()),
                };
                // one certificate may say a name twice
                if earlier.is_some_and(|earlier| !Arc::ptr_eq(&earlier.key, &identity.key)) {
                    return Err(NameTwice(Some(name.clone())));
                }
            }
            if identity.is_default() && names.default.replace(shown).is_some() {
                return Err(NameTwice(None));
            }
        }
        Ok(names)
    }

    /// What a client is told that asks for this name; nothing where it is shown nothing.
    pub(super) fn named(&self, asked: &str) -> Option<Named> {
        let certificate = Arc::clone(&self.find(Some(asked))?.names);
        Some(Named { asked: asked.to_ascii_lowercase(), certificate })
    }

    fn find(&self, name: Option<&str>) -> Option<&Shown> {
        let by_name = |name: &str| {
            let name = name.to_ascii_lowercase();
            let rest = name.split_once('.').map(|(_, rest)| rest);
            self.exact.get(&name).or_else(|| self.wildcard.get(rest?))
        };
        name.and_then(by_name).or(self.default.as_ref())
    }
}

impl ResolvesServerCert for Names {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.find(hello.server_name()).map(|shown| Arc::clone(&shown.key))
    }
}
