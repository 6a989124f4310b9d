//! Can these keys and secrets vouch for anybody, and does a signature cover what it should?

use std::collections::BTreeMap;
use std::time::Duration;

use crate::check;
use crate::declaration::{
    Declared, Grant, SignatureKey, SignatureMaterial, SignatureProvider, WebhookProvider,
    WebhookScheme,
};
use crate::document::{self, Document};
use crate::problems::{Problems, Rule};
use crate::resolve::secret::secret;

const UNUSABLE: Rule = Rule {
    code: "PC0182",
    why: "a signature that nobody can verify vouches for nobody",
    fix: "give each key either `public_key`, a `PUBLIC KEY` in PEM (Ed25519, ECDSA on P-256 or P-384, RSA), or `secret`",
};
const COMPONENT: Rule = Rule {
    code: "PC0183",
    why: "what cannot be covered would refuse every message",
    fix: "use `@method`, `@target-uri`, `@authority`, `@scheme`, `@path`, `@query`, `@request-target`, or a field in lower case such as `content-digest`, each once",
};
const WEAK: Rule = Rule {
    code: "PC0184",
    why: "what is not covered can be changed by whoever has seen one message: it can be sent elsewhere, or with another body",
    fix: "cover `@method`, `@target-uri` and `content-digest`",
};
const SEVERAL: Rule = Rule {
    code: "PC0117",
    why: "which provider vouches for a caller would be chance",
    fix: "let each boundary accept at most one provider of signatures, and one of webhooks of each scheme",
};

const DERIVED: [&str; 7] =
    ["@authority", "@method", "@path", "@query", "@request-target", "@scheme", "@target-uri"];

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

pub(super) fn signatures(
    name: &str,
    written: &document::Signatures,
    problems: &mut Problems<'_>,
) -> SignatureProvider {
    let at = |key| ["providers", name, "signatures", key];
    components(&written.components, &at("components"), problems);
    if let Some(tag) = &written.tag {
        check::filled(tag, &at("tag"), problems);
    }
    if written.keys.is_empty() {
        problems.error(UNUSABLE, &at("keys"), "there is no key");
    }
    let mut keys = BTreeMap::new();
    for (id, key) in &written.keys {
        let path = ["providers", name, "signatures", "keys", id];
        if id.is_empty() || id.len() > 256 || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
            problems.error(check::VALUE, &path, format!("`{id}` cannot be a `keyid`"));
        }
        check::filled(&key.holder, &[path[0], path[1], path[2], path[3], id, "holder"], problems);
        let material = match (&key.public_key, &key.secret) {
            (Some(pem), None) => {
                let place = [path[0], path[1], path[2], path[3], id, "public_key"];
                let span = problems.span(&place);
                SignatureMaterial::Public(Declared { value: pem.clone(), span })
            }
            (None, Some(written)) => SignatureMaterial::Secret(secret(written)),
            (Some(_), Some(_)) | (None, None) => {
                let message =
                    format!("key `{id}` has not exactly one of `public_key` and `secret`");
                problems.error(UNUSABLE, &path, message);
                continue;
            }
        };
        let grant = grant(key.tenant.as_ref(), &key.scopes, &key.roles);
        keys.insert(id.clone(), SignatureKey { material, holder: key.holder.clone(), grant });
    }
    SignatureProvider {
        keys,
        components: written.components.clone(),
        tag: written.tag.clone(),
        age_max: check::duration(&written.age_max, (SECOND, HOUR), &at("age_max"), problems),
        clock_skew: check::duration(
            &written.clock_skew,
            (Duration::ZERO, SECOND.saturating_mul(300)),
            &at("clock_skew"),
            problems,
        ),
        nonces: written.nonces,
    }
}

pub(super) fn components(written: &[String], path: &[&str], problems: &mut Problems<'_>) {
    let field = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    for (index, name) in written.iter().enumerate() {
        let known = DERIVED.contains(&name.as_str())
            || (!name.is_empty() && name.bytes().all(field) && !name.starts_with("signature"));
        if !known || written.iter().take(index).any(|earlier| earlier == name) {
            problems.error(COMPONENT, path, format!("`{name}` cannot be covered, or stands twice"));
        }
    }
    let covers = |names: &[&str]| names.iter().all(|name| written.iter().any(|one| one == name));
    let target = covers(&["@target-uri"]) || covers(&["@authority", "@path", "@query"]);
    for (good, what) in [
        (covers(&["@method"]), "the method"),
        (target, "the URI"),
        (covers(&["content-digest"]), "the body"),
    ] {
        if !good {
            problems.warning(WEAK, path, format!("signatures need not cover {what}"));
        }
    }
}

pub(super) fn webhook(
    name: &str,
    written: &document::Webhook,
    problems: &mut Problems<'_>,
) -> WebhookProvider {
    let at = |key| ["providers", name, "webhook", key];
    check::filled(&written.holder, &at("holder"), problems);
    if written.secrets.is_empty() {
        problems.error(UNUSABLE, &at("secrets"), "there is no secret");
    }
    WebhookProvider {
        scheme: match written.scheme {
            document::WebhookScheme::Github => WebhookScheme::Github,
            document::WebhookScheme::Slack => WebhookScheme::Slack,
            document::WebhookScheme::Standard => WebhookScheme::Standard,
            document::WebhookScheme::Stripe => WebhookScheme::Stripe,
        },
        secrets: written.secrets.iter().map(secret).collect(),
        holder: written.holder.clone(),
        grant: grant(written.tenant.as_ref(), &written.scopes, &written.roles),
        tolerance: check::duration(&written.tolerance, (SECOND, HOUR), &at("tolerance"), problems),
    }
}

fn grant(tenant: Option<&String>, scopes: &[String], roles: &[String]) -> Grant {
    Grant {
        tenant: tenant.cloned(),
        scopes: scopes.iter().cloned().collect(),
        roles: roles.iter().cloned().collect(),
    }
}

/// One message shows one signature and one code; one provider must be the one that is meant.
pub(super) fn usable(document: &Document, problems: &mut Problems<'_>) {
    for (name, boundary) in &document.boundaries {
        let mut kinds: Vec<Option<document::WebhookScheme>> = Vec::new();
        for provider in &boundary.identity.providers {
            let kind = match document.providers.get(provider) {
                Some(document::Provider::Signatures(_)) => None,
                Some(document::Provider::Webhook(webhook)) => Some(webhook.scheme),
                Some(
                    document::Provider::Jwt(_)
                    | document::Provider::Introspection(_)
                    | document::Provider::Workload(_)
                    | document::Provider::ApiKeys(_)
                    | document::Provider::Certificates(_),
                )
                | None => continue,
            };
            if kinds.contains(&kind) {
                let path = ["boundaries", name.as_str(), "identity", "providers"];
                let message = format!("`{provider}` and another provider vouch by the same header");
                problems.error(SEVERAL, &path, message);
            }
            kinds.push(kind);
        }
    }
}
