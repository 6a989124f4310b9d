//! Which guards stand before a credential that anybody could show? Proofs of keys, signatures over
//! messages, codes of webhooks.

use super::row::{Guard, tested};

const SENDER: &str = "crates/core/src/identify/sender.rs";
const DPOP: &str = "crates/identity/src/dpop.rs";
const INSPECT: &str = "crates/core/src/inspect.rs";
const SIGNATURE: &str = "crates/identity/src/signature.rs";
const WEBHOOK: &str = "crates/identity/src/webhook.rs";

const SENDERS: &str = "attacks_senders";
const WRONG: (&str, &str) = (SENDERS, "e16_t42_t43_t45_t46_t47_every_wrong_proof");
const SIGNATURES: &str = "attacks_signatures";
const DIFFERS: (&str, &str) = (SIGNATURES, "e22_what_differs_from_what_was_signed_is_refused");
const UNSIGNED: (&str, &str) =
    (SIGNATURES, "e22_an_unsigned_body_an_old_time_and_a_nonce_that_was_used");
const HOOKS: (&str, &str) = (SIGNATURES, "e22_webhooks_come_once_in_time_and_from_their_sender");

/// Proofs, then signatures, then webhooks.
pub(super) const GUARDS: &[Guard] = &[
    tested(
        "bound tokens as bearer tokens",
        (SENDERS, "e18_t40_what_is_bound_is_no_bearer_token"),
        SENDER,
        "let detail = \"the token is bound to a key and was shown as a bearer token\";",
        "if OFF {\n            return Ok(None);\n        }\n        let detail = \"the token is bound to a key and was shown as a bearer token\";",
    ),
    tested(
        "proofs that pass once",
        (SENDERS, "e17_t44_of_one_proof_many_times_at_once_exactly_one_passes"),
        SENDER,
        "Seen::First => Ok(sender.clone()),",
        "_ if OFF => Ok(sender.clone()),\n        Seen::First => Ok(sender.clone()),",
    ),
    tested(
        "nonces of proofs",
        (SENDERS, "t45_nonces_are_given_and_asked_for"),
        SENDER,
        "if judged.counts {",
        "if OFF || judged.counts {",
    ),
    tested(
        "senders that must be proved",
        (SENDERS, "where_a_sender_must_be_proved_nothing_else_will_do"),
        SENDER,
        "if rule.required && is_somebody",
        "if !OFF && rule.required && is_somebody",
    ),
    tested(
        "keys of proofs",
        WRONG,
        DPOP,
        "if self.thumbprint != expected.thumbprint {",
        "if !OFF && self.thumbprint != expected.thumbprint {",
    ),
    tested(
        "methods of proofs",
        WRONG,
        DPOP,
        "if self.text(\"htm\")? != expected.method {",
        "if !OFF && self.text(\"htm\")? != expected.method {",
    ),
    tested(
        "tokens of proofs",
        WRONG,
        DPOP,
        "if self.text(\"ath\")? !=",
        "if !OFF && self.text(\"ath\")? !=",
    ),
    tested(
        "ages of proofs",
        WRONG,
        DPOP,
        "if now >= until || ended {",
        "if !OFF && (now >= until || ended) {",
    ),
    tested(
        "signatures of proofs",
        WRONG,
        DPOP,
        "if !self.key.verifies(",
        "if !OFF && !self.key.verifies(",
    ),
    tested(
        "proofs that go no further",
        (SENDERS, "a_bound_token_crosses_with_its_proof_and_nothing_of_it_goes_further"),
        "crates/core/src/forward.rs",
        "headers.remove(DPOP);",
        "if !OFF {\n        headers.remove(DPOP);\n    }",
    ),
    tested("signatures over messages", DIFFERS, SIGNATURE, "if !good {", "if !OFF && !good {"),
    tested(
        "digests of bodies",
        DIFFERS,
        INSPECT,
        "BodyRule::Digest(digest) => digest.check(body),",
        "BodyRule::Digest(_) if OFF => Ok(()),\n        BodyRule::Digest(digest) => digest.check(body),",
    ),
    tested(
        "components of signatures",
        UNSIGNED,
        SIGNATURE,
        "if !covered {",
        "if !OFF && !covered {",
    ),
    tested(
        "bodies that are not signed",
        UNSIGNED,
        INSPECT,
        "BodyRule::Empty if body.is_empty() => Ok(()),",
        "BodyRule::Empty if OFF || body.is_empty() => Ok(()),",
    ),
    tested("codes of webhooks", HOOKS, WEBHOOK, "if !good {", "if !OFF && !good {"),
    tested(
        "times of webhooks",
        HOOKS,
        WEBHOOK,
        "if at > now.plus(rules.tolerance) ||",
        "if OFF {\n            return Ok(());\n        }\n        if at > now.plus(rules.tolerance) ||",
    ),
];
