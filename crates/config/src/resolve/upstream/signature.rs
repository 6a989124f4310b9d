//! Can requests to an upstream be signed?

use crate::check;
use crate::declaration::{SigningKey, UpstreamSignature};
use crate::document;
use crate::problems::{Problems, Rule};
use crate::resolve::secret::secret;
use crate::resolve::signed::components;

const KEY: Rule = Rule {
    code: "PC0185",
    why: "what signs must be known, or nothing is signed",
    fix: "give either `key`, a `PRIVATE KEY` in PEM (Ed25519, or ECDSA on P-256), or `secret`",
};

pub(super) fn signature(
    name: &str,
    written: &document::Upstream,
    problems: &mut Problems<'_>,
) -> Option<UpstreamSignature> {
    let written = written.signature.as_ref()?;
    let at = |key| ["upstreams", name, "signature", key];
    check::filled(&written.keyid, &at("keyid"), problems);
    components(&written.components, &at("components"), problems);
    let key = match (&written.key, &written.secret) {
        (Some(key), None) => SigningKey::Private(secret(key)),
        (None, Some(shared)) => SigningKey::Shared(secret(shared)),
        (Some(_), Some(_)) | (None, None) => {
            let message = "there is not exactly one of `key` and `secret`";
            problems.error(KEY, &["upstreams", name, "signature"], message);
            return None;
        }
    };
    Some(UpstreamSignature {
        keyid: written.keyid.clone(),
        key,
        components: written.components.clone(),
    })
}
