//! Did a known program sign this message (RFC 9421)? One signature under one label, by a declared key,
//! over at least the components that are declared, within its time.
//!
//! The key says which algorithm it is; the message can only agree. Whether the body is the one
//! that was signed is judged where it is read: the signature covers its digest.

mod base;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName};
use portcullis_model::{CredentialKind, ProviderId, Reason, Timestamp};
use portcullis_reading::structured::{Bare, Item, Member, Parameters, dictionary};

use crate::authenticated::{Authenticated, Refused};
use crate::holder::Holder;
use crate::jwk::{Algorithm, VerificationKey};
use crate::secrets::Secrets;

pub use base::{View, base};

/// The header that says what is signed.
pub const SIGNATURE_INPUT: HeaderName = HeaderName::from_static("signature-input");
/// The header that carries the signature.
pub const SIGNATURE: HeaderName = HeaderName::from_static("signature");

/// Longest `nonce` in bytes.
const NONCE_BYTES_MAX: usize = 256;

/// The component that covers the body.
const DIGEST: &str = "content-digest";

/// Components that together say what `@target-uri` does, but for the scheme.
const OF_TARGET: [&str; 3] = ["@authority", "@path", "@query"];

/// What a provider's signatures must be.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The provider.
    pub provider: ProviderId,
    /// Keys by `keyid`.
    pub keys: BTreeMap<String, Key>,
    /// Components that must be covered; `content-digest` of messages with a body.
    pub components: Vec<String>,
    /// The one `tag` that is accepted; without it, any.
    pub tag: Option<String>,
    /// How long a signature counts after `created`.
    pub age_max: Duration,
    /// Tolerated clock difference.
    pub clock_skew: Duration,
    /// Whether there must be a `nonce`.
    pub nonces: bool,
}

/// A declared key.
#[derive(Clone, Debug)]
pub struct Key {
    /// What verifies; a secret is not among the rules.
    pub material: Material,
    /// Who signs with it.
    pub holder: Holder,
}

/// What verifies.
#[derive(Clone, Debug)]
pub enum Material {
    /// A public key with its one algorithm.
    Public(Box<VerificationKey>, Algorithm),
    /// A shared secret.
    Secret,
}

/// What a message says of its signature; nothing of it is verified.
#[derive(Debug)]
pub struct Unverified {
    items: Vec<Item>,
    parameters: Parameters,
    signature: Vec<u8>,
}

/// A message whose signature was verified.
#[derive(Debug)]
pub struct Verified {
    /// Who signed.
    pub caller: Authenticated,
    /// What names it among all messages: no other of this name may pass.
    pub name: [u8; 16],
    /// When it has ended by itself.
    pub until: Timestamp,
    /// Whether the digest of the body is covered.
    pub covers_body: bool,
    /// Whether a message that does not cover one may have no body.
    pub wants_body: bool,
}

/// Reads the one signature of a message.
///
/// # Errors
/// `identify.message_signature_refused`.
pub fn parse(headers: &HeaderMap) -> Result<Unverified, Refused> {
    let (label, input) = only(headers, &SIGNATURE_INPUT)?;
    let (signed, signature) = only(headers, &SIGNATURE)?;
    if label != signed {
        return Err(refused("the labels of `Signature` and `Signature-Input` differ"));
    }
    let Member::List(items, parameters) = input else {
        return Err(refused("`Signature-Input` has no list of components"));
    };
    let Member::Item(Item { bare: Bare::Bytes(text), parameters: none }) = signature else {
        return Err(refused("`Signature` is not bytes"));
    };
    let signature = STANDARD.decode(text).map_err(|_| refused("`Signature` is not base64"))?;
    if !none.is_empty() {
        return Err(refused("`Signature` has parameters"));
    }
    Ok(Unverified { items, parameters, signature })
}

/// The one label of a header that stands once, and what it says.
fn only(headers: &HeaderMap, name: &HeaderName) -> Result<(String, Member), Refused> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(refused(format!("there must be exactly one `{name}`")));
    };
    let text = value.to_str().map_err(|_| refused(format!("`{name}` is not ASCII")))?;
    let members = dictionary(text).map_err(|why| refused(format!("`{name}`: {why}")))?;
    let mut members = members.into_iter();
    match (members.next(), members.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(refused(format!("`{name}` has more than one signature"))),
    }
}

impl Unverified {
    /// Verifies it; what costs most comes last.
    ///
    /// # Errors
    /// `identify.message_signature_refused`, with the first rule that it breaks.
    pub fn verify(
        &self,
        rules: &Rules,
        secrets: &Secrets,
        view: &View<'_>,
        now: Timestamp,
    ) -> Result<Verified, Refused> {
        let keyid = self.text("keyid")?.ok_or_else(|| refused("there is no `keyid`"))?;
        let key = rules.keys.get(keyid).ok_or_else(|| refused("its `keyid` is not declared"))?;
        if self.text("alg")?.is_some_and(|named| named != key.material.algorithm()) {
            return Err(refused("`alg` is not the key's"));
        }
        if rules.tag.as_deref().is_some_and(|tag| self.text("tag").ok().flatten() != Some(tag)) {
            return Err(refused("`tag` is not the declared one"));
        }
        self.check_components(rules)?;
        let (created, until) = self.check_time(rules, now)?;
        let nonce = self.text("nonce")?;
        match nonce {
            Some(nonce) if nonce.is_empty() || nonce.len() > NONCE_BYTES_MAX => {
                return Err(refused("`nonce` is empty or exceeds its bound"));
            }
            None if rules.nonces => return Err(refused("there is no `nonce`")),
            Some(_) | None => {}
        }
        let base = base(&self.items, &self.parameters, view).map_err(refused)?;
        let good = match &key.material {
            Material::Public(key, algorithm) => {
                key.verifies(*algorithm, base.as_bytes(), &self.signature)
            }
            Material::Secret => secrets.verifies(keyid, &[base.as_bytes()], &self.signature),
        };
        if !good {
            return Err(refused("it does not verify"));
        }
        let (kind, provider) = (CredentialKind::Signature, &rules.provider);
        Ok(Verified {
            caller: key.holder.authenticated(provider, kind, keyid, Some(created)),
            // of two signatures over the same bytes, neither is another message
            name: name(provider, keyid, nonce.unwrap_or(&base), nonce.is_some()),
            until,
            covers_body: self.covers(DIGEST),
            wants_body: rules.components.iter().any(|name| name == DIGEST),
        })
    }

    /// Whether it is to be verified by a secret.
    #[must_use]
    pub fn asks_secret(&self, rules: &Rules) -> bool {
        let keyid = self.text("keyid").ok().flatten();
        let key = keyid.and_then(|keyid| rules.keys.get(keyid));
        key.is_some_and(|key| matches!(key.material, Material::Secret))
    }

    fn check_components(&self, rules: &Rules) -> Result<(), Refused> {
        for required in &rules.components {
            let whole = OF_TARGET.contains(&required.as_str())
                || ["@scheme", "@request-target"].contains(&required.as_str());
            let covered = self.covers(required)
                || (required == "@target-uri" && OF_TARGET.iter().all(|part| self.covers(part)))
                || (whole && self.covers("@target-uri"))
                || required == DIGEST;
            if !covered {
                return Err(refused(format!("`{required}` is not covered")));
            }
        }
        Ok(())
    }

    fn covers(&self, name: &str) -> bool {
        let is = |item: &Item| matches!(&item.bare, Bare::Text(text) if text == name);
        self.items.iter().any(is)
    }

    fn check_time(&self, rules: &Rules, now: Timestamp) -> Result<(Timestamp, Timestamp), Refused> {
        let created = self.time("created")?.ok_or_else(|| refused("there is no `created`"))?;
        if created > now.plus(rules.clock_skew) {
            return Err(refused("`created` lies ahead"));
        }
        let until = created.plus(rules.age_max).plus(rules.clock_skew);
        let ended = self.time("expires")?.is_some_and(|end| now >= end.plus(rules.clock_skew));
        if now >= until || ended {
            return Err(refused("it is too old, or `expires` has passed"));
        }
        Ok((created, until))
    }

    fn parameter(&self, name: &str) -> Option<&Bare> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    fn text(&self, name: &str) -> Result<Option<&str>, Refused> {
        match self.parameter(name) {
            None => Ok(None),
            Some(Bare::Text(text)) => Ok(Some(text)),
            Some(_) => Err(refused(format!("`{name}` is no text"))),
        }
    }

    fn time(&self, name: &str) -> Result<Option<Timestamp>, Refused> {
        match self.parameter(name) {
            None => Ok(None),
            Some(Bare::Integer(secs)) => {
                let secs = u64::try_from(*secs).map_err(|_| refused(format!("`{name}`")))?;
                Ok(Some(Timestamp::from_secs(secs)))
            }
            Some(_) => Err(refused(format!("`{name}` is no time"))),
        }
    }
}

impl Material {
    /// The name of its algorithm (RFC 9421 section 6.2.2).
    #[must_use]
    pub const fn algorithm(&self) -> &'static str {
        match self {
            Self::Secret => "hmac-sha256",
            Self::Public(_, algorithm) => match algorithm {
                Algorithm::Es256 => "ecdsa-p256-sha256",
                Algorithm::Es384 => "ecdsa-p384-sha384",
                Algorithm::EdDsa => "ed25519",
                Algorithm::Ps512 => "rsa-pss-sha512",
                // no declared key is of these
                Algorithm::Es512
                | Algorithm::Ps256
                | Algorithm::Ps384
                | Algorithm::Rs256
                | Algorithm::Rs384
                | Algorithm::Rs512 => "",
            },
        }
    }
}

fn name(provider: &ProviderId, keyid: &str, what: &str, is_nonce: bool) -> [u8; 16] {
    let mut context = digest::Context::new(&digest::SHA256);
    let kind = if is_nonce { "signature nonce" } else { "signature base" };
    for part in [kind, provider.as_str(), keyid, what] {
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(part.as_bytes());
    }
    let mut name = [0; 16];
    for (to, from) in name.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    name
}

fn refused(detail: impl Into<String>) -> Refused {
    Refused::new(Reason::MessageSignatureRefused, detail)
}

#[cfg(test)]
mod tests;
