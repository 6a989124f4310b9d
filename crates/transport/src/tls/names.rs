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
    exact: HashMap<String, Arc<CertifiedKey>>,
    /// By what stands behind `*.`.
    wildcard: HashMap<String, Arc<CertifiedKey>>,
    default: Option<Arc<CertifiedKey>>,
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
            for name in identity.names() {
                let key = Arc::clone(&identity.key);
                let earlier = match name.strip_prefix("*.") {
                    Some(rest) => names.wildcard.insert(rest.to_owned(), key),
                    None => names.exact.insert(name.clone(), key),
                };
                // one certificate may say a name twice
                if earlier.is_some_and(|earlier| !Arc::ptr_eq(&earlier, &identity.key)) {
                    return Err(NameTwice(Some(name)));
                }
            }
            if identity.is_default() && names.default.replace(Arc::clone(&identity.key)).is_some() {
                return Err(NameTwice(None));
            }
        }
        Ok(names)
    }

    fn find(&self, name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        let by_name = |name: &str| {
            let name = name.to_ascii_lowercase();
            let rest = name.split_once('.').map(|(_, rest)| rest);
            self.exact.get(&name).or_else(|| self.wildcard.get(rest?))
        };
        name.and_then(by_name).or(self.default.as_ref()).map(Arc::clone)
    }
}

impl ResolvesServerCert for Names {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.find(hello.server_name())
    }
}
