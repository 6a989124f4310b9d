//! Which certificates vouch for a caller, and can they ever come in?

use portcullis_model::WorkloadNames;
use portcullis_model::spiffe::is_trust_domain;
use portcullis_model::workload::is_dns_name;

use crate::check;
use crate::declaration::{CertificateProvider, Grant};
use crate::document::{self, Document};
use crate::problems::{Problems, Rule};

const IDLE: Rule = Rule {
    code: "PC0139",
    why: "what can never be shown, or never be accepted, has no effect",
    fix: "ask for certificates in `tls.client` of a listener in the zone that the boundary leads from; give callers with another credential a listener that requires none",
};
const SEVERAL: Rule = Rule {
    code: "PC0117",
    why: "which provider vouches for a caller would be chance",
    fix: "let each boundary accept at most one provider of certificates",
};

pub(super) fn provider(
    name: &str,
    written: &document::Certificates,
    problems: &mut Problems<'_>,
) -> CertificateProvider {
    let subject = match &written.subject {
        document::CertificateSubject::Spiffe(spiffe) => {
            let trust_domain = spiffe.trust_domain.clone();
            if !is_trust_domain(&trust_domain) {
                let path = ["providers", name, "certificates", "subject", "spiffe", "trust_domain"];
                let message = format!("`{trust_domain}` is not a trust domain");
                problems.error(check::VALUE, &path, message);
            }
            WorkloadNames::Spiffe { trust_domain }
        }
        document::CertificateSubject::Dns(dns) => {
            let path = ["providers", name, "certificates", "subject", "dns", "domains"];
            let domains = check::set(&dns.domains, &path, problems);
            for domain in domains.iter().filter(|domain| !is_dns_name(domain)) {
                let message = format!("`{domain}` is not a domain in lower case");
                problems.error(check::VALUE, &path, message);
            }
            WorkloadNames::Dns { domains }
        }
    };
    for name_of in written.grants.keys() {
        if !subject.may_be(name_of) {
            let message = format!("no certificate of this provider has the subject `{name_of}`");
            problems.error(
                check::VALUE,
                &["providers", name, "certificates", "grants", name_of],
                message,
            );
        }
    }
    let grants = written.grants.iter().map(|(subject, written)| {
        let grant = Grant {
            tenant: written.tenant.clone(),
            scopes: written.scopes.iter().cloned().collect(),
            roles: written.roles.iter().cloned().collect(),
        };
        (subject.clone(), grant)
    });
    CertificateProvider { grants: grants.collect(), subject }
}

/// Law 6: a provider of certificates that no listener asks for, and providers that no client of a
/// listener can choose because it must show a certificate.
pub(super) fn usable(document: &Document, problems: &mut Problems<'_>) {
    if problems.is_doubtful("provider") || problems.is_doubtful("zone") {
        return;
    }
    for (name, boundary) in &document.boundaries {
        let accepted = &boundary.identity.providers;
        let (certificates, others): (Vec<_>, Vec<_>) = accepted.iter().partition(|provider| {
            matches!(document.providers.get(*provider), Some(document::Provider::Certificates(_)))
        });
        let path = ["boundaries", name.as_str(), "identity", "providers"];
        let [provider, rest @ ..] = certificates.as_slice() else { continue };
        if !rest.is_empty() {
            let message = format!("boundary `{name}` accepts several providers of certificates");
            problems.error(SEVERAL, &path, message);
        }
        let clients: Vec<_> = document
            .listeners
            .values()
            .filter(|listener| listener.zone == boundary.from)
            .map(|listener| listener.tls.as_ref().and_then(|tls| tls.client.as_ref()))
            .collect();
        if clients.iter().all(Option::is_none) {
            let zone = &boundary.from;
            let message =
                format!("no listener in zone `{zone}` asks for what `{provider}` vouches by");
            problems.error(IDLE, &path, message);
        } else if clients.iter().all(|client| client.is_some_and(|client| client.required))
            && let Some(other) = others.first()
        {
            let message = format!(
                "`{other}` can never vouch: every client must show a certificate, which is its one credential"
            );
            problems.error(IDLE, &path, message);
        }
    }
}
