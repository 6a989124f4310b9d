//! What do PC0190 to PC0199 mean? Tokens that the boundary issues itself, and credentials of workloads.

super::page::table! {
    "PC0190" Error: "a token that nobody signs"
        means "An upstream is declared to be sent a token of the boundary's own (`token`), and there is no `tokens` section."
        matters "Who issues the token, and with which key, must be known before the first request needs one; without it, every request to the upstream would be refused."
        mend "Declare `tokens: {issuer: …}`."
        "portcullis.yaml"
        wrong "orders: {token: {audience: \"https://orders.internal\"}, address: \"127.0.0.1:8091\", "
        right "orders: {address: \"127.0.0.1:8091\", ";
    "PC0191" Error: "an address of the boundary's own that is also an operation"
        means "A path that the boundary answers itself, such as that of its public keys, leads to an operation of a contract under some host, or two of them are the same."
        matters "What is meant by a request would depend on its host, and the operation could never be reached at this listener."
        mend "Choose a path that no contract has, such as `/.well-known/jwks.json`."
        "portcullis.yaml"
        wrong "policies: policies\ntokens: {issuer: \"https://gate.shop.example\", publish: {listener: web, path: /v1/products}}"
        right "policies: policies";
    "PC0192" Warning: "a token that is sent in the clear"
        means "An upstream on another machine is sent a token of the boundary's own, and is not spoken to over TLS; or tokens are exchanged at a listener without TLS that other machines reach."
        matters "Whoever reads along can use the token at this upstream until it expires."
        mend "Declare `tls` of the upstream, or of the listener."
        "portcullis.yaml"
        wrong "orders: {token: {audience: \"https://orders.internal\"}, address: \"orders.internal:8091\", "
        right "orders: {address: \"127.0.0.1:8091\", ";
    "PC0193" Error: "a client that could not exchange tokens"
        means "A client of `tokens.exchange` is vouched for by a provider of API keys, may exchange tokens of a provider that has none, is declared twice under two names, or there is no client at all."
        matters "Who exchanges a token must be known without doubt, and a token can be exchanged only where it can be verified."
        mend "Name a provider of certificates or signed tokens in `provider`, providers of signed tokens in `subjects`, and each client once."
        "portcullis.yaml"
        wrong "policies: policies\ntokens: {issuer: \"https://gate.shop.example\", exchange: {listener: web, path: /oauth/token, clients: {}}}"
        right "policies: policies";
}
