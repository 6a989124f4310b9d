//! Which keys and secrets may sign messages, and what must they cover? Providers of signatures and
//! webhooks, compiled; secrets stay outside.

use std::collections::BTreeMap;

use portcullis_config::Declaration;
use portcullis_config::declaration::{Grant, Provider, SignatureMaterial, WebhookScheme};
use portcullis_diagnostics::Finding;
use portcullis_identity::holder::Holder;
use portcullis_identity::jwk::VerificationKey;
use portcullis_identity::{signature, webhook};
use portcullis_model::ProviderId;

/// Rules for signatures by provider; says which keys cannot be used.
pub(super) fn signatures(
    declaration: &Declaration,
    findings: &mut Vec<Finding>,
) -> BTreeMap<ProviderId, signature::Rules> {
    let mut rules = BTreeMap::new();
    for (id, provider) in &declaration.providers {
        let Provider::Signatures(provider) = provider else { continue };
        let mut keys = BTreeMap::new();
        for (keyid, key) in &provider.keys {
            let material = match &key.material {
                SignatureMaterial::Secret(_) => signature::Material::Secret,
                SignatureMaterial::Public(pem) => match VerificationKey::from_pem(&pem.value) {
                    Ok((key, algorithm)) => signature::Material::Public(Box::new(key), algorithm),
                    Err(why) => {
                        let message = format!("key `{keyid}` cannot verify signatures: {why}");
                        findings.push(
                            Finding::error("PC0182", message)
                                .at(pem.span.clone(), "here")
                                .why("a signature that nobody can verify vouches for nobody")
                                .fix("give a `PUBLIC KEY` in PEM: Ed25519, ECDSA on P-256 or P-384, or RSA of 2048 bits or more"),
                        );
                        continue;
                    }
                },
            };
            let holder = holder(&key.holder, &key.grant);
            keys.insert(keyid.clone(), signature::Key { material, holder });
        }
        let of_provider = signature::Rules {
            provider: id.clone(),
            keys,
            components: provider.components.clone(),
            tag: provider.tag.clone(),
            age_max: provider.age_max,
            clock_skew: provider.clock_skew,
            nonces: provider.nonces,
        };
        rules.insert(id.clone(), of_provider);
    }
    rules
}

/// Rules for webhooks by provider.
pub(super) fn webhooks(declaration: &Declaration) -> BTreeMap<ProviderId, webhook::Rules> {
    let mut rules = BTreeMap::new();
    for (id, provider) in &declaration.providers {
        let Provider::Webhook(provider) = provider else { continue };
        let of_provider = webhook::Rules {
            provider: id.clone(),
            scheme: scheme(provider.scheme),
            holder: holder(&provider.holder, &provider.grant),
            tolerance: provider.tolerance,
        };
        rules.insert(id.clone(), of_provider);
    }
    rules
}

/// A scheme as it was declared.
#[must_use]
pub const fn scheme(declared: WebhookScheme) -> webhook::Scheme {
    match declared {
        WebhookScheme::Github => webhook::Scheme::Github,
        WebhookScheme::Slack => webhook::Scheme::Slack,
        WebhookScheme::Standard => webhook::Scheme::Standard,
        WebhookScheme::Stripe => webhook::Scheme::Stripe,
    }
}

fn holder(subject: &str, grant: &Grant) -> Holder {
    Holder {
        subject: subject.to_owned(),
        tenant: grant.tenant.clone(),
        scopes: grant.scopes.clone(),
        roles: grant.roles.clone(),
    }
}
