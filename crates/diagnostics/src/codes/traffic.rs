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
    "PC0157" Error: "a list of addresses without effect"
        means "A list `addresses` names nothing, names every address (a network of length 0), allows what it denies, or has `countries` without a file to look them up in."
        matters "A list that keeps nobody out, or lets nobody in, was meant otherwise."
        mend "Name the networks or countries that are meant, or remove the list."
        "portcullis.yaml"
        wrong "zone: partners, addresses: {allow: [0.0.0.0/0]}}"
        right "zone: partners}";
}
