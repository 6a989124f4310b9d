//! What do PC0180 to PC0189 mean? Proof that a credential, a message or a webhook is its sender's own.

super::page::table! {
    "PC0180" Error: "a proof that no credential of the boundary can give"
        means "`identity.sender.required` is set where the boundary accepts API keys."
        matters "Whoever finds an API key can use it: nothing binds it to its holder, so each would be refused."
        mend "Let API keys come over a boundary of their own, or accept credentials that are bound: tokens with `cnf`, certificates, signatures."
        "portcullis.yaml"
        wrong "identity: {providers: [partner-keys], sender: {required: true}}"
        right "identity: {providers: [partner-keys]}";
    "PC0181" Error: "a listener that clients do not reach as it says"
        means "`advertised.scheme` is `http`, and the listener speaks TLS."
        matters "A DPoP proof and a signature name the URI as the client sees it. None would ever match."
        mend "Say how clients reach it, or leave `advertised` out.";
    "PC0182" Error: "a key of signatures that cannot be used"
        means "A provider of signatures or webhooks has no key or secret; a key has not exactly one of `public_key` and `secret`; or its `public_key` is no `PUBLIC KEY` in PEM of Ed25519, ECDSA on P-256 or P-384, or RSA of at least 2048 bits."
        matters "What it signs could never be verified, or by anybody."
        mend "Give one of the two. `openssl pkey -in key.pem -pubout` prints a public key in PEM."
        "portcullis.yaml"
        wrong "  signers:\n    signatures: {keys: {billing: {holder: billing}}}\n  partner-keys:\n    api_keys:"
        right "  partner-keys:\n    api_keys:";
    "PC0183" Error: "a component that cannot be covered"
        means "`components` of a provider of signatures names something that no request has, or has it twice."
        matters "Every message would be refused, because it cannot cover that."
        mend "Use derived components of requests (`@method`, `@target-uri`, `@authority`, `@scheme`, `@path`, `@query`, `@request-target`) and fields in lower case."
        "portcullis.yaml"
        wrong "  signers:\n    signatures: {components: [date, Digest], keys: {billing: {secret: {file: s}, holder: billing}}}\n  partner-keys:\n    api_keys:"
        right "  partner-keys:\n    api_keys:";
    "PC0184" Warning: "signatures that need not cover what matters"
        means "`components` of a provider of signatures lacks the method, the URI, or the digest of the body."
        matters "Whoever has seen one message can send it with another method, to another place, or with another body."
        mend "Cover `@method`, `@target-uri` and `content-digest`, which is what is asked for by default."
        "portcullis.yaml"
        wrong "  signers:\n    signatures: {components: [date], keys: {billing: {secret: {file: s}, holder: billing}}}\n  partner-keys:\n    api_keys:"
        right "  partner-keys:\n    api_keys:";
    "PC0185" Error: "an upstream to which nothing can be signed"
        means "`signature` of an upstream has not exactly one of `key` and `secret`, or its key is no `PRIVATE KEY` in PEM of Ed25519 or P-256, or everybody may read it, or its secret is shorter than 16 bytes."
        matters "The upstream believes what is signed. A request that cannot be signed is not sent."
        mend "Give one of the two. `openssl genpkey -algorithm ed25519` makes a key."
        "portcullis.yaml"
        wrong "orders: {address: \"127.0.0.1:8091\", signature: {keyid: gateway}, "
        right "orders: {address: \"127.0.0.1:8091\", ";
}
