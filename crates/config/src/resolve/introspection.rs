//! Can opaque tokens be asked about as it is declared, and by whom of a boundary?

use std::collections::BTreeSet;
use std::time::Duration;

use crate::check;
use crate::declaration::{
    ClientAuth, ClientCertificate, IntrospectionProvider, JwtPrincipal, SecretRef, SigningAlgorithm,
};
use crate::document::{self, Document, RelaxedAnswer};
use crate::problems::{Problems, Rule};
use crate::resolve::{claims, keys};

const UNSAFE_URL: Rule = Rule {
    code: "PC0116",
    why: "whoever can change the answer on its way can vouch for anybody, and whoever can read it has the token",
    fix: "use `https://`; `http://` only to a loopback address",
};
const SEVERAL: Rule = Rule {
    code: "PC0124",
    why: "an opaque token does not say whose it is; which issuer is asked, and sees the token, would be chance",
    fix: "let each boundary accept at most one provider of the kind `introspection`",
};
const WEAK: Rule = Rule {
    code: "PC0126",
    why: "what the issuer does not say, or said long ago, is believed all the same",
    fix: "have the issuer answer with `iss` and `sub`, and ask it again within a minute",
};
const NO_TLS: Rule = Rule {
    code: "PC0107",
    why: "a certificate is shown within TLS, and there is none",
    fix: "use an `https://` endpoint, or another way to prove who we are",
};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

pub(super) fn provider(
    name: &str,
    written: &document::Introspection,
    problems: &mut Problems<'_>,
) -> IntrospectionProvider {
    let at = |key| ["providers", name, "introspection", key];
    check::filled(&written.issuer, &at("issuer"), problems);
    check::filled(
        &written.client.id,
        &["providers", name, "introspection", "client", "id"],
        problems,
    );
    if !keys::is_safe_url(&written.endpoint) || written.endpoint.contains(['?', '#']) {
        let message = format!("`{}` cannot be asked safely", written.endpoint);
        problems.error(UNSAFE_URL, &at("endpoint"), message);
    }
    if let Some(roots) = &written.roots {
        check::inside(roots, &at("roots"), problems);
    }
    for claim in &written.relaxed {
        let message = format!("answers about tokens of `{name}` may lack `{}`", word(*claim));
        problems.warning(WEAK, &at("relaxed"), message);
    }
    let mut time = |text: &str, bounds, key| check::duration(text, bounds, &at(key), problems);
    let fresh_for =
        time(&written.fresh_for, (Duration::ZERO, MINUTE.saturating_mul(10)), "fresh_for");
    let negative_for = time(&written.negative_for, (Duration::ZERO, MINUTE), "negative_for");
    let tenth = Duration::from_millis(100);
    let deadline = time(&written.deadline, (tenth, SECOND.saturating_mul(10)), "deadline");
    let skew_max = MINUTE.saturating_mul(5);
    let clock_skew = time(&written.clock_skew, (Duration::ZERO, skew_max), "clock_skew");
    if fresh_for > MINUTE {
        let message = format!("answers count for `{}`", written.fresh_for);
        problems.warning(WEAK, &at("fresh_for"), message);
    }
    IntrospectionProvider {
        issuer: written.issuer.clone(),
        endpoint: written.endpoint.clone(),
        audiences: check::set(&written.audiences, &at("audiences"), problems),
        single_audience: written.single_audience,
        client_id: written.client.id.clone(),
        auth: auth(name, written, problems),
        relaxed: written.relaxed.iter().map(|one| word(*one).to_owned()).collect::<BTreeSet<_>>(),
        fresh_for,
        negative_for,
        deadline,
        concurrent_max: written.concurrent,
        roots: written.roots.clone(),
        allow_addresses: check::networks(
            &written.allow_addresses,
            &at("allow_addresses"),
            problems,
        ),
        clock_skew,
        principal: match written.principal {
            document::PrincipalKind::User => JwtPrincipal::User,
            document::PrincipalKind::Workload => JwtPrincipal::Workload,
        },
        claims: claims::resolved([name, "introspection"], &written.claims, problems),
    }
}

fn auth(name: &str, written: &document::Introspection, problems: &mut Problems<'_>) -> ClientAuth {
    match &written.client.auth {
        document::ClientAuth::Secret(written) => ClientAuth::Secret(secret(written)),
        document::ClientAuth::PrivateKeyJwt(key) => ClientAuth::PrivateKeyJwt {
            key: secret(&key.key),
            algorithm: match key.algorithm {
                document::SigningAlgorithm::ES256 => SigningAlgorithm::Es256,
                document::SigningAlgorithm::EdDSA => SigningAlgorithm::EdDsa,
            },
            kid: key.kid.clone(),
            audience: key.audience.clone().unwrap_or_else(|| written.issuer.clone()),
        },
        document::ClientAuth::Certificate(client) => {
            let path = ["providers", name, "introspection", "client", "auth", "certificate"];
            if !written.endpoint.starts_with("https://") {
                problems.error(NO_TLS, &path, "a certificate needs TLS");
            }
            let certificate = client.certificate.clone();
            check::inside(&certificate, &path, problems);
            ClientAuth::Certificate(ClientCertificate { certificate, key: secret(&client.key) })
        }
    }
}

/// Law 6: at most one provider of opaque tokens for each boundary.
pub(super) fn usable(document: &Document, problems: &mut Problems<'_>) {
    for (name, boundary) in &document.boundaries {
        let opaque = boundary.identity.providers.iter().filter(|provider| {
            matches!(document.providers.get(*provider), Some(document::Provider::Introspection(_)))
        });
        if opaque.count() > 1 {
            let message = format!("boundary `{name}` accepts several providers of opaque tokens");
            let path = ["boundaries", name.as_str(), "identity", "providers"];
            problems.error(SEVERAL, &path, message);
        }
    }
}

fn secret(written: &document::Secret) -> SecretRef {
    match written {
        document::Secret::Env(name) => SecretRef::Env(name.clone()),
        document::Secret::File(path) => SecretRef::File(path.clone()),
    }
}

const fn word(claim: RelaxedAnswer) -> &'static str {
    match claim {
        RelaxedAnswer::Iss => "iss",
        RelaxedAnswer::Sub => "sub",
    }
}
