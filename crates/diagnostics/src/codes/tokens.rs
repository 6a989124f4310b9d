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
    "PC0194" Error: "a platform none of whose programs is named in full"
        means "A provider of `workload` names no repository, project, service account, application or role, or one with a wildcard or without its owner."
        matters "Everybody who uses the platform gets tokens of the same issuer, for any audience they ask for: who is not named in full is anybody."
        mend "List each program by the whole name that the platform gives it."
        "portcullis.yaml"
        wrong "  platform:\n    workload: {from: {github_actions: {repositories: [\"shop/*\"], refs: [refs/heads/main]}}, audiences: [\"https://api.shop.example\"]}\n  shop-idp:"
        right "  shop-idp:";
    "PC0195" Error: "an audience that a platform uses itself"
        means "An audience of a provider of `workload` is one for which the platform makes tokens anyhow, such as that of the Kubernetes API server, the owner's page of GitHub, or the cloud's own API."
        matters "A token that was meant for the platform could be shown here, and one that is shown here could be used against the platform."
        mend "Use an audience of your own, such as the URL of the API, and have programs ask for tokens for it."
        "portcullis.yaml"
        wrong "  platform:\n    workload: {from: {kubernetes: {issuer: \"https://cluster.shop.example\", service_accounts: [shop/billing]}}, audiences: [\"https://kubernetes.default.svc\"]}\n  shop-idp:"
        right "  shop-idp:";
    "PC0196" Warning: "jobs whose code others decide"
        means "Jobs of any branch, of refs that are not protected, or of pull requests may come."
        matters "Whoever may push a branch, or open a pull request, decides what such a job does."
        mend "List `refs` or `environments` that are protected, and leave pull requests out."
        "portcullis.yaml"
        wrong "  platform:\n    workload: {from: {github_actions: {repositories: [shop/deploy]}}, audiences: [\"https://api.shop.example\"]}\n  shop-idp:"
        right "  shop-idp:";
    "PC0197" Error: "an issuer for many directories"
        means "The directory of a provider for Azure is `common`, `organizations`, `consumers` or a name, and not the id of one directory."
        matters "An issuer for many directories lets programs of any organisation in."
        mend "Give the id of your own directory, a UUID."
        "portcullis.yaml"
        wrong "  platform:\n    workload: {from: {azure: {directory: common, applications: [6e74172b-be56-4843-9ff4-e66a39bb12e3]}}, audiences: [\"https://api.shop.example\"]}\n  shop-idp:"
        right "  shop-idp:";
}
