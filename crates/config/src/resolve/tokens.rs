//! Which tokens does the boundary issue itself, and can whoever gets one rely on it?

use std::time::Duration;

use super::exchange;
use super::keys::is_safe_url;
use super::own_address::{IN_THE_CLEAR, own_address};
use crate::check;
use crate::declaration::{TokenHeader, Tokens, UpstreamToken};
use crate::document::{self, Document};
use crate::problems::{Problems, Rule};

const UNSIGNED: Rule = Rule {
    code: "PC0190",
    why: "who issues the token, and with which key, must be known before the first request needs one",
    fix: "declare `tokens: {issuer: …}`",
};
const IDLE: Rule = Rule {
    code: "PC0113",
    why: "what nothing refers to has no effect, and readers will think that it has",
    fix: "declare `token` of an upstream, or remove it",
};
const OTHERS: Rule = Rule {
    code: "PC0117",
    why: "a token of one could be taken for a token of the other",
    fix: "give the boundary an issuer of its own; its own tokens are verified with `keys: {file: {path: …/jwks.json}}` below `tokens.keys`",
};

const HOUR: Duration = Duration::from_secs(3600);
const ROTATION: (Duration, Duration) = (HOUR, HOUR.saturating_mul(24 * 90));

/// Tokens of ours are short-lived: at least so long that a queue and a retry fit in, at most so long
/// that a stolen one is soon worth nothing.
const LIFETIME: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(60));

/// Name of the file of public keys in the folder of keys.
const PUBLIC: &str = "jwks.json";

pub(super) fn tokens(document: &Document, problems: &mut Problems<'_>) -> Option<Tokens> {
    let written = document.tokens.as_ref()?;
    let sent = document.upstreams.values().any(|upstream| upstream.token.is_some());
    if !sent && written.exchange.is_none() {
        problems.error(IDLE, &["tokens"], "no upstream is sent a token, and nobody exchanges one");
    }
    issuer(document, &written.issuer, &written.keys, problems);
    check::inside(&written.keys, &["tokens", "keys"], problems);
    let path = ["tokens", "rotate_every"];
    Some(Tokens {
        issuer: written.issuer.clone(),
        keys: written.keys.clone(),
        rotate_every: check::duration(&written.rotate_every, ROTATION, &path, problems),
        publish: written.publish.as_ref().map(|one| {
            let (listener, path) = (one.listener.as_str(), one.path.as_str());
            own_address(document, (listener, path), &["tokens", "publish"], problems)
        }),
        exchange: written
            .exchange
            .as_ref()
            .map(|exchange| exchange::exchange(document, exchange, problems)),
    })
}

/// An issuer is one for all who verify: an URL, and no other provider's.
fn issuer(document: &Document, issuer: &str, keys: &str, problems: &mut Problems<'_>) {
    let at = ["tokens", "issuer"];
    if !is_safe_url(issuer) || issuer.contains(['?', '#']) {
        let message = format!("`{issuer}` is not an `https` URL without query and fragment");
        problems.error(check::VALUE, &at, message);
    }
    for (name, provider) in &document.providers {
        let document::Provider::Jwt(jwt) = provider else { continue };
        let public = format!("{keys}/{PUBLIC}");
        let own = matches!(&jwt.keys, document::KeySource::File(file) if file.path == public);
        if jwt.issuer == issuer && !own {
            let message = format!("provider `{name}` has the issuer of the boundary's own tokens");
            problems.error(OTHERS, &["providers", name, "jwt", "issuer"], message);
        }
    }
}

/// The token of an upstream.
pub(super) fn of_upstream(
    name: &str,
    written: &document::Upstream,
    signed: bool,
    local: bool,
    problems: &mut Problems<'_>,
) -> Option<UpstreamToken> {
    let token = written.token.as_ref()?;
    let at = |key| ["upstreams", name, "token", key];
    if !signed {
        let message = format!("upstream `{name}` is sent a token that nobody signs");
        problems.error(UNSIGNED, &["upstreams", name, "token"], message);
    }
    if written.tls.is_none() && !local {
        let message = format!("the token of upstream `{name}` is sent in the clear");
        problems.warning(IN_THE_CLEAR, &["upstreams", name, "token"], message);
    }
    check::filled(&token.audience, &at("audience"), problems);
    if let Some(may_act) = &token.may_act
        && !may_act.split_once('|').is_some_and(|(one, other)| !one.is_empty() && !other.is_empty())
    {
        let message = format!("`{may_act}` is not a caller such as `mesh|spiffe://…`");
        problems.error(check::VALUE, &at("may_act"), message);
    }
    Some(UpstreamToken {
        audience: token.audience.clone(),
        lifetime: check::duration(&token.lifetime, LIFETIME, &at("lifetime"), problems),
        header: match token.header {
            document::TokenHeader::Authorization => TokenHeader::Authorization,
            document::TokenHeader::XPortcullisToken => TokenHeader::Own,
        },
        may_act: token.may_act.clone(),
    })
}
