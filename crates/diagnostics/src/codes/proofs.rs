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
}
