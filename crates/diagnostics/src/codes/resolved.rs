//! What do PC0110 to PC0122 mean? Names that stand for nothing, things without effect, and values
//! that a declaration could have and should not.

super::page::table! {
    "PC0110" Error: "a name that stands for nothing"
        means "A zone, provider, upstream or limit is named and not declared."
        matters "A name that stands for nothing leaves a rule without effect."
        mend "Correct the name, or declare what it is meant to stand for."
        "portcullis.yaml"
        wrong "limits: [per-partner, at-onec]"
        right "limits: [per-partner, at-once]";
    "PC0111" Error: "a boundary that nothing can cross"
        means "No listener is in the zone that the boundary leads from, or no API in the zone that it leads to."
        matters "No request can ever take this crossing, so its rules protect nothing."
        mend "Declare the listener or API that is missing, correct the zone, or remove the boundary."
        "portcullis.yaml"
        wrong "    from: partners\n    to: partners"
        right "    from: partners\n    to: services";
    "PC0112" Warning: "no boundary leads there"
        means "No boundary leads to the zone of this API, or none leads from the zone of this listener."
        matters "What is not declared does not cross: every request to this API, or through this listener, is refused."
        mend "Declare a boundary, if it is meant to be used; else remove the API or listener."
        "portcullis.yaml"
        wrong "    base_path: /stock/v1\n    zone: public"
        right "    base_path: /stock/v1\n    zone: services";
    "PC0113" Error Warning: "declared and not used"
        means "No boundary accepts this provider or applies this limit, or no API is carried to this upstream. A zone in which nothing is, neither listener nor API, is a warning."
        matters "What nothing refers to has no effect, and readers will think that it has."
        mend "Refer to it, or remove it."
        "portcullis.yaml"
        wrong "limits: [at-once]"
        right "limits: [per-caller, at-once]";
    "PC0114" Error: "two boundaries between the same zones"
        means "Two boundaries lead from the same zone to the same zone."
        matters "One crossing has one set of rules; which of two would apply would be chance."
        mend "Merge the two boundaries."
        "portcullis.yaml"
        wrong "from: partners"
        right "from: public";
    "PC0115" Error: "a boundary that accepts nobody"
        means "The boundary names no provider and does not allow anonymous callers."
        matters "Nobody can ever cross."
        mend "Name `providers`, or set `anonymous: true` for operations whose contract needs no credential."
        "portcullis.yaml"
        wrong "identity: {}"
        right "identity: {providers: [partner-keys]}";
    "PC0116" Error: "trust in what others can forge"
        means "Keys or the metadata of an issuer are to be fetched, or certificates to be ordered, by a URL that is neither `https://` nor `http://` to a loopback address, or that carries user information; or a listener has only one of `trusted_hops` and `trusted_peers`."
        matters "Whoever can change the answer on its way can sign as anybody. Whoever can reach a listener that trusts `X-Forwarded-For` from everywhere can claim any address."
        mend "Use `https://`. Give a listener behind proxies both `trusted_hops` and the networks of these proxies in `trusted_peers`, or neither."
        "portcullis.yaml"
        wrong "url: {url: \"http://id.shop.example/jwks.json\", "
        right "url: {url: \"http://127.0.0.1:8090/jwks.json\", ";
    "PC0117" Error: "two providers for the same credential"
        means "Two providers have the same issuer or endpoint, or read API keys from the same header; or a boundary accepts two providers of certificates."
        matters "Which provider vouches for a caller would be chance."
        mend "Give each provider its own issuer or header, and let each boundary accept at most one provider of certificates.";
    "PC0118" Error: "two listeners at the same address"
        means "Two listeners have the same address and port."
        matters "A caller is in the zone of the listener that it reaches; which zone that is would be chance."
        mend "Give each listener an address of its own. Port 0 takes a free one and may stand several times."
        "portcullis.yaml"
        wrong "partner: {address: \"127.0.0.1:8080\", "
        right "partner: {address: \"127.0.0.1:8081\", ";
    "PC0119" Error: "a value outside its bounds"
        means "A duration or size is smaller or larger than what can be meant, or `stale_until` of a key source is not longer than its `fresh_for`."
        matters "Outside its bounds a value protects nothing or breaks everything. Keys that are refused before they are asked for again would lock everybody out."
        mend "Choose a value within the bounds that the finding names; make `stale_until` longer than `fresh_for`."
        "portcullis.yaml"
        wrong "clock_skew: 1h"
        right "clock_skew: 30s";
    "PC0121" Error: "an attribute that policies could not read"
        means "The name of an attribute is not lower case letters, digits and `_` beginning with a letter; or it is one that principals have anyway (`acr`, `amr`, `auth_time`, `groups`, `kind`, `provider`, `roles`, `scopes`, `subject`, `tenant`, or beginning with `certificate_`); or its type differs between providers."
        matters "Policies read the attribute by its name, with one type for all providers."
        mend "Choose another name, and the same type everywhere."
        "portcullis.yaml"
        wrong "tenant: {claim: plan, type: text}"
        right "plan: {claim: plan, type: text}";
    "PC0122" Error: "a path that leads out of the estate"
        means "The path of a contract or of the policies is absolute, empty, or has `..` in it."
        matters "An estate is one folder, so that what was checked is what is deployed."
        mend "Move the file into the folder of the declaration, and write its path relative to it."
        "portcullis.yaml"
        wrong "contract: ../orders.yaml"
        right "contract: contracts/orders.yaml";
}
