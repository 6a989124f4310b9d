//! What stands in the files that listeners speak TLS with? Certificates, keys, roots and revocation
//! lists, read and judged; everything that is wrong is said with the place that names the file.

mod reading;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use portcullis_config::Declaration;
use portcullis_config::declaration::{
    ClientTrust, Declared, Protocol, SecretRef, Tls, TlsCertificate,
};
use portcullis_diagnostics::{Finding, Span};
use portcullis_identity::certificate::{Facts, Strength, Trust, expiry_of_list};
use portcullis_model::{ListenerId, Timestamp};
use portcullis_transport::tls::{CertificateDer, Client, Identity, Material, Unusable};

use crate::acme::Kept;

use self::reading::{Bad, certificates, key, lists, text};

/// That a certificate will expire is said this long before.
const SOON: Duration = Duration::from_secs(7 * 86_400);

/// What listeners speak TLS with. Listeners that do not are not named; where a finding is an error,
/// its listener is missing.
#[must_use]
pub fn read(
    declaration: &Declaration,
    folder: &Path,
    now: Timestamp,
) -> (BTreeMap<ListenerId, Material>, Vec<Finding>) {
    let mut reader = Reader { folder, now, findings: Vec::new() };
    let mut materials = BTreeMap::new();
    for (id, listener) in &declaration.listeners {
        let Some(tls) = listener.tls.as_ref().filter(is_named) else { continue };
        if let Some(material) = reader.material(tls, &listener.protocols) {
            materials.insert(id.clone(), material);
        }
    }
    (materials, reader.findings)
}

/// What the address for operators speaks TLS with; nothing where none is declared, or where a finding
/// is an error.
#[must_use]
pub fn remote(
    declaration: &Declaration,
    folder: &Path,
    now: Timestamp,
) -> (Option<Material>, Vec<Finding>) {
    let mut reader = Reader { folder, now, findings: Vec::new() };
    let tls = declaration.admin.remote.as_ref().map(|remote| &remote.tls).filter(is_named);
    let material = tls.and_then(|tls| reader.material(tls, &[Protocol::Http1]));
    (material, reader.findings)
}

/// A path that was not understood is empty, and said.
fn is_named(tls: &&Tls) -> bool {
    tls.certificates.iter().all(|one| !one.certificate.value.is_empty())
        && tls.client.as_ref().is_none_or(|client| !client.roots.value.is_empty())
}

/// Names of protocols for the handshake (RFC 7301, RFC 9113 section 3.2), the preferred one first.
fn offered(protocols: &[Protocol]) -> Vec<&'static [u8]> {
    let name = |protocol: &Protocol| match protocol {
        Protocol::Http1 => b"http/1.1".as_slice(),
        Protocol::Http2 => b"h2".as_slice(),
    };
    // they stand in the order of their age
    protocols.iter().rev().map(name).collect()
}

struct Reader<'a> {
    folder: &'a Path,
    now: Timestamp,
    findings: Vec<Finding>,
}

impl Reader<'_> {
    fn material(&mut self, tls: &Tls, protocols: &[Protocol]) -> Option<Material> {
        let identities: Vec<Option<Identity>> =
            tls.certificates.iter().map(|one| self.identity(one)).collect();
        self.names(tls, &identities);
        let client = tls.client.as_ref().map(|client| self.client(client));
        let client = match client {
            Some(client) => Some(client?),
            None => None,
        };
        let mut identities = identities.into_iter().collect::<Option<Vec<_>>>()?;
        // none was issued yet, or what was kept is of no use any more: a new one will be ordered
        identities
            .extend(tls.acme.as_ref().and_then(|acme| Kept::read(self.folder, acme)?.identity()));
        Some(Material {
            identities,
            only_13: tls.only_13,
            suites: tls.suites.clone(),
            protocols: offered(protocols),
            challenged: tls.acme.as_ref().is_some_and(|acme| acme.http_address.is_none()),
            client,
        })
    }

    fn identity(&mut self, declared: &TlsCertificate) -> Option<Identity> {
        let file = &declared.certificate;
        let chain = text(self.folder, &file.value).and_then(|text| certificates(&text));
        let key = key(self.folder, &declared.key.value);
        let chain = chain.map_err(|bad| self.bad(&file.value, &file.span, bad)).ok();
        let key = key.map_err(|bad| {
            let name = match &declared.key.value {
                SecretRef::Env(name) | SecretRef::File(name) => name.clone(),
            };
            self.bad(&name, &declared.key.span, bad);
        });
        let (chain, key) = (chain?, key.ok()?);
        let strong = chain.iter().all(|one| self.is_strong(file, one));
        let identity = match Identity::new(chain, &key, declared.default) {
            Ok(identity) => identity,
            Err(unusable) => {
                self.unusable(declared, &unusable);
                return None;
            }
        };
        let valid = self.is_valid(file, identity.facts(), true);
        (strong && valid).then_some(identity)
    }

    fn client(&mut self, declared: &ClientTrust) -> Option<Client> {
        let file = &declared.roots;
        let roots = text(self.folder, &file.value).and_then(|text| certificates(&text));
        let roots = roots.map_err(|bad| self.bad(&file.value, &file.span, bad)).ok();
        let mut all = Vec::new();
        for file in &declared.crls {
            match text(self.folder, &file.value).and_then(|text| lists(&text)) {
                Ok(read) => {
                    for list in &read {
                        self.is_current(file, list);
                    }
                    all.extend(read);
                }
                Err(bad) => self.bad(&file.value, &file.span, bad),
            }
        }
        let roots = roots?;
        for root in &roots {
            if let Ok(facts) = Facts::read(root) {
                self.is_valid(file, &facts, false);
            }
            self.is_strong(file, root);
        }
        match Trust::new(&roots, &all) {
            Ok(trust) => Some(Client { trust: Arc::new(trust), required: declared.required }),
            Err(why) => {
                self.bad(&file.value, &file.span, Bad::Form(why));
                None
            }
        }
    }

    /// Whether a certificate is valid now. For a root it is said and no more: it is trusted for its
    /// key, and whoever it vouches for is judged.
    fn is_valid(&mut self, file: &Declared<String>, facts: &Facts, own: bool) -> bool {
        let name = &file.value;
        let (message, is_error) = if self.now > facts.not_after {
            (format!("a certificate of `{name}` has expired"), own)
        } else if self.now < facts.not_before {
            (format!("a certificate of `{name}` is not valid yet"), own)
        } else if self.now.plus(SOON) > facts.not_after && own {
            (format!("a certificate of `{name}` expires within seven days"), false)
        } else {
            return true;
        };
        let finding = if is_error {
            Finding::error("PC0133", message)
        } else {
            Finding::warning("PC0133", message)
        };
        self.say(
            finding,
            &file.span,
            "clients refuse it, or nobody can be verified by it",
            "renew it, and keep the clock of the machine right",
        );
        !is_error
    }

    fn is_current(&mut self, file: &Declared<String>, list: &[u8]) {
        let why = match expiry_of_list(list) {
            Ok(expiry) if self.now < expiry => return,
            Ok(_) => "the time of its next update has passed".to_owned(),
            Err(why) => why,
        };
        self.say(
            Finding::error("PC0134", format!("`{}`: {why}", file.value)),
            &file.span,
            "whether a certificate was revoked since is not known, so all of that authority are refused",
            "fetch the list anew, and have that done before each next update",
        );
    }

    fn is_strong(&mut self, file: &Declared<String>, certificate: &CertificateDer<'_>) -> bool {
        let why = match Facts::strength(certificate) {
            Ok(Strength::Enough) => return true,
            Ok(Strength::Weak(why)) | Err(why) => why,
        };
        self.say(
            Finding::error("PC0135", format!("a certificate of `{}`: {why}", file.value)),
            &file.span,
            "keys and signatures like this can be forged, and current clients refuse them",
            "issue it anew, with ECDSA P-256 or RSA of at least 2048 bits, signed with SHA-256",
        );
        false
    }

    fn names(&mut self, tls: &Tls, identities: &[Option<Identity>]) {
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        for (at, (declared, identity)) in tls.certificates.iter().zip(identities).enumerate() {
            let Some(identity) = identity else { continue };
            let file = &declared.certificate;
            let twice = identity.names().find_map(|name| {
                let other = *known.entry(name.clone()).or_insert(at);
                (other != at).then_some((name, other))
            });
            let (finding, other) = match twice {
                Some((name, other)) => {
                    let message = format!("two certificates have the name `{name}`");
                    (Finding::error("PC0137", message), tls.certificates.get(other))
                }
                None if identity.names().next().is_none() && !identity.is_default() => {
                    let message = format!("the certificate of `{}` has no DNS name", file.value);
                    (Finding::error("PC0137", message), None)
                }
                None => continue,
            };
            self.say(
                finding,
                &file.span,
                "which certificate a client is shown would be chance, or it would never be shown",
                "give each name one certificate, or mark one without a name as `default: true`",
            );
            if let Some(other) = other
                && let Some(last) = self.findings.pop()
            {
                self.findings.push(last.related(other.certificate.span.clone(), "the other one"));
            }
        }
    }

    fn unusable(&mut self, declared: &TlsCertificate, unusable: &Unusable) {
        let (file, key) = (&declared.certificate, &declared.key);
        match unusable {
            Unusable::Certificate(why) => {
                self.bad(&file.value, &file.span, Bad::Form(why.clone()));
            }
            Unusable::Key(why) => self.bad("the key", &key.span, Bad::Form(why.clone())),
            Unusable::Mismatch => {
                let message = format!("this is not the key of `{}`", file.value);
                self.say(
                    Finding::error("PC0132", message),
                    &key.span,
                    "every handshake would fail",
                    "put the listener's own certificate first in its file, and give its key",
                );
            }
        }
    }

    fn bad(&mut self, name: &str, span: &Span, bad: Bad) {
        let (code, why, matters, mend) = match bad {
            Bad::Missing(why) => (
                "PC0130",
                why,
                "a listener that should speak TLS would have to speak without it, or not at all",
                "check the path, relative to the folder of the declaration",
            ),
            Bad::Form(why) => (
                "PC0131",
                why,
                "what cannot be read cannot be verified or shown to a client",
                "write PEM: `CERTIFICATE`, `PRIVATE KEY` (PKCS#8, not encrypted) or `X509 CRL`",
            ),
            Bad::Open(why) => (
                "PC0136",
                why,
                "whoever reads the key can pose as this listener",
                "`chmod 600` the file, and give it to the user that the gateway runs as",
            ),
        };
        self.say(Finding::error(code, format!("`{name}`: {why}")), span, matters, mend);
    }

    fn say(&mut self, finding: Finding, span: &Span, why: &str, fix: &str) {
        self.findings.push(finding.at(span.clone(), "named here").why(why).fix(fix));
    }
}
