//! What do PC0150 to PC0159 mean? Who may come from where, what is served until when, where requests
//! are carried, and what answers say.

super::page::table! {
    "PC0150" Error Warning: "a life that contradicts itself"
        means "An API is `deprecated` without `deprecated_since`; it is `active` and has `deprecated_since`, `sunset` or `link`; its sunset is not after its deprecation; or it is `retired` and maintained. A deprecated API without `sunset` is a warning."
        matters "Callers plan by the `Deprecation` and `Sunset` headers. Dates that contradict each other, or that nobody is told, help nobody."
        mend "Give `deprecated` its `deprecated_since` and a later `sunset`, and `active` none of them."
        "portcullis.yaml"
        wrong "    owner: team-supply\n    lifecycle: deprecated"
        right "    owner: team-supply";
    "PC0151" Error: "a header that may not be changed or chosen by"
        means "`request_headers` or `answers` changes a header that frames a message, ends at this hop, shows or tells who is asking, was checked, or has a key of its own; or a route looks at one."
        matters "The boundary decides by this header, or frames messages with it, or owns it. What was judged would not be what is forwarded."
        mend "Remove it from the list. `cache`, `content_security_policy`, `cors` and `lifecycle` have keys of their own."
        "portcullis.yaml"
        wrong "    owner: team-supply\n    request_headers: {set: {x-user-id: shop}}"
        right "    owner: team-supply";
    "PC0152" Error: "a route that nothing takes"
        means "A route has no condition, or the name of another; it names an operation that the contract does not list, or operations and methods that no operation has together; or earlier routes take all its requests."
        matters "A route that nothing takes, or everything, was meant otherwise, and readers will think that it has an effect."
        mend "Name operations, methods or a header that tell its requests apart, and put narrower routes first."
        "portcullis.yaml"
        wrong "    owner: team-supply\n    routes: [{name: reads, operations: [getItems], upstream: orders}]"
        right "    owner: team-supply";
    "PC0153" Error: "a prefix that is not in front"
        means "A path of an operation does not begin with the prefix that is to be stripped or replaced; or the prefix is not whole segments of letters, digits and `-._~`; or nothing would change."
        matters "A rewriting that does not apply to some requests would carry them to a path that nobody thought of."
        mend "Name a prefix that all these operations have, or a route for those that do."
        "portcullis.yaml"
        wrong "    owner: team-supply\n    rewrite: {strip_prefix: /stock/v2}"
        right "    owner: team-supply";
    "PC0154" Error: "two operations at one path of an upstream"
        means "A path is rewritten so that requests of one operation can come to a path, under the same method, at which the same upstream serves another operation."
        matters "The upstream would take for one of them what was judged as the other: policy, contract and limits would be those of the wrong operation."
        mend "Choose prefixes under which their paths stay apart, or carry them to different upstreams.";
    "PC0155" Error: "every origin, with credentials"
        means "`cors` lets pages of every origin (`*`) call the API with what the browser keeps for it."
        matters "Any page that a user opens could act and read as that user."
        mend "List the origins, or set `credentials: false`."
        "portcullis.yaml"
        wrong "    owner: team-orders\n    cors: {origins: [\"*\"], credentials: true}"
        right "    owner: team-orders";
    "PC0156" Error: "an origin that is none"
        means "An entry of `cors.origins` is not an origin as browsers write it: `https` or `http`, a lower-case host, a port only where it is not the usual one, and nothing behind. `null` is none, `https://*.example` is a whole top-level domain, and `*` stands alone."
        matters "A browser never sends it, or what sends it can be anybody."
        mend "Write `https://app.shop.example`, or `https://*.shop.example` for every host below."
        "portcullis.yaml"
        wrong "    owner: team-orders\n    cors: {origins: [\"null\"]}"
        right "    owner: team-orders";
    "PC0157" Error: "a list of addresses without effect"
        means "A list `addresses` names nothing, names every address (a network of length 0), allows what it denies, or has `countries` without a file to look them up in."
        matters "A list that keeps nobody out, or lets nobody in, was meant otherwise."
        mend "Name the networks or countries that are meant, or remove the list."
        "portcullis.yaml"
        wrong "zone: partners, addresses: {allow: [0.0.0.0/0]}}"
        right "zone: partners}";
    "PC0158" Error: "everybody is believed"
        means "A network in `proxy_protocol.peers` or `trusted_peers` has a prefix shorter than 7 bits, such as `0.0.0.0/0`."
        matters "Whoever is believed to speak for others can claim any address: lists of addresses, limits and records would be theirs to choose."
        mend "Name the networks of the proxies in front, and nothing else."
        "portcullis.yaml"
        wrong "zone: partners, proxy_protocol: {peers: [0.0.0.0/0]}}"
        right "zone: partners}";
    "PC0159" Error: "TLS is promised where there is none"
        means "`answers.hsts` stands on a boundary, and no listener of the zone that it leads from has `tls`."
        matters "Browsers heed `Strict-Transport-Security` over TLS only, so it would protect nobody."
        mend "Declare `tls` on the listener, or leave the header to the proxy that speaks TLS."
        "portcullis.yaml"
        wrong "    limits: [per-caller, at-once]\n    answers: {hsts: {max_age: 365d}}"
        right "    limits: [per-caller, at-once]";
}
