//! Can callers prove what is asked of them, and do they see a listener as it says?

use std::time::Duration;

use crate::check;
use crate::declaration::{Advertised, SenderRule};
use crate::document::{self, Document};
use crate::problems::{Problems, Rule};

const UNPROVABLE: Rule = Rule {
    code: "PC0180",
    why: "whoever finds the key can use it: nothing binds it to its holder, so it would always be refused",
    fix: "accept tokens that are bound to a key or certificate, certificates or signatures there; or let API keys come over a boundary of their own",
};
const NOT_SO: Rule = Rule {
    code: "PC0181",
    why: "proofs name the URI that the client sees; none would ever match",
    fix: "say how clients reach it: `scheme: https` where it speaks TLS itself",
};

pub(super) fn sender(
    document: &Document,
    boundary: &str,
    written: &document::Identity,
    problems: &mut Problems<'_>,
) -> SenderRule {
    let at = |key| ["boundaries", boundary, "identity", "sender", key];
    let rule = &written.sender;
    if rule.required {
        for provider in &written.providers {
            if let Some(document::Provider::ApiKeys(_)) = document.providers.get(provider) {
                let message =
                    format!("API keys of `{provider}` cannot be proved to be the caller's own");
                problems.error(UNPROVABLE, &at("required"), message);
            }
        }
    }
    let second = Duration::from_secs(1);
    SenderRule {
        required: rule.required,
        proof_age_max: check::duration(
            &rule.proof_age_max,
            (second, second.saturating_mul(600)),
            &at("proof_age_max"),
            problems,
        ),
        clock_skew: check::duration(
            &rule.clock_skew,
            (Duration::ZERO, second.saturating_mul(60)),
            &at("clock_skew"),
            problems,
        ),
        nonces: rule.nonces,
    }
}

pub(super) fn advertised(
    name: &str,
    written: &document::Listener,
    problems: &mut Problems<'_>,
) -> Option<Advertised> {
    let seen = written.advertised.as_ref()?;
    let is_https = match seen.scheme {
        document::Scheme::Http => false,
        document::Scheme::Https => true,
    };
    if written.tls.is_some() && !is_https {
        let path = ["listeners", name, "advertised", "scheme"];
        problems.error(NOT_SO, &path, "the listener speaks TLS, and says that it does not");
    }
    Some(Advertised { is_https, port: seen.port })
}
