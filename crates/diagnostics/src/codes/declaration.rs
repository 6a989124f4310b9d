//! What do PC0100 to PC0107 mean? The form of a declaration: can it be read, and does every key
//! hold what it may hold?

super::page::table! {
    "PC0100" Error: "the declaration cannot be read"
        means "`portcullis.yaml` is not YAML 1.2, uses a merge key, or is larger than 4 MiB."
        matters "Nothing is enforced that is not declared, and half a declaration is none."
        mend "Correct the YAML at the place that is shown. `portcullis init` writes a declaration to begin with."
        "portcullis.yaml"
        wrong "zones: ["
        right "zones:";
    "PC0101" Error: "an unknown key"
        means "The mapping has no key of this name. Where a known one is near, the finding names it."
        matters "A key that is not understood is not enforced, and whoever reads the file would think that it is."
        mend "Write the key that was meant, or remove it. `portcullis schema` prints all keys."
        "portcullis.yaml"
        wrong "upstrems:"
        right "upstreams:";
    "PC0102" Error: "a key stands twice"
        means "One mapping has the same key more than once."
        matters "Some readers take the first value and some the last. Which is meant cannot be known."
        mend "Keep one of the two."
        "portcullis.yaml"
        wrong "estate: shop\nestate: store"
        right "estate: shop";
    "PC0103" Error: "a key is missing"
        means "The mapping lacks a key that it must have."
        matters "The key has no default, because none would be right for everybody."
        mend "Add it."
        "portcullis.yaml"
        wrong "    from: public"
        right "    from: public\n    to: services";
    "PC0104" Error: "the wrong kind of value"
        means "The value has the wrong type, is not one of the words that may stand here, or is a whole number outside its range."
        matters "A value that is not understood is not enforced."
        mend "Write a value that may stand here; `portcullis schema` prints them. A text that looks like a number or a truth value needs quotes."
        "portcullis.yaml"
        wrong "algorithms: [HS256]"
        right "algorithms: [ES256]";
    "PC0105" Error: "exactly one of several keys"
        means "Of some keys exactly one must stand here: a kind of provider, of key source or of secret; `rate` or `concurrent` in a limit. None or several do."
        matters "With several, which one is meant cannot be known; with none, nothing would be done."
        mend "Keep exactly one of them."
        "portcullis.yaml"
        wrong "pepper: {file: state/pepper, env: PEPPER}"
        right "pepper: {file: state/pepper}";
    "PC0106" Error: "a name with other characters"
        means "The name of the estate, or of a zone, listener, provider, upstream, API, limit or boundary, is not up to 63 of `a-z`, `0-9` and `-`, beginning with a letter."
        matters "Names stand in policies, metrics, records and file names, where other characters mean something else."
        mend "Write the name in lower case, with `-` between words."
        "portcullis.yaml"
        wrong "estate: Shop"
        right "estate: shop";
    "PC0107" Error: "a value that cannot be meant"
        means "The value has the right type and the wrong form: an address, host, base path, network, duration, size or header name that is none; a text or list that is empty; an item that stands twice; no listener at all."
        matters "A value that is not understood is not enforced. Hosts and paths are compared as they are written, so they must be written in the one form that requests have: hosts in lower case without port, base paths without a final slash."
        mend "Correct it. Durations are written `500ms`, `30s`, `5m`, `1h`, `7d`; sizes `512B`, `64KiB`, `1MiB`, `1GiB`."
        "portcullis.yaml"
        wrong "base_path: /v1/"
        right "base_path: /v1";
}
