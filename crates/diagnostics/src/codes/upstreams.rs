//! What do PC0140 to PC0146 mean? Upstreams: where they stand, and rules on the way to them that
//! could not be kept.

super::page::table! {
    "PC0140" Error: "an upstream without exactly one list of addresses"
        means "The upstream has neither `address` nor `addresses`, or both, or more than 64 addresses, or one of them twice."
        matters "Where requests are carried must be known, and an address that stands twice would take twice its share."
        mend "Give `address`; or give each of several addresses once in `addresses`."
        "portcullis.yaml"
        wrong "orders: {addresses: [], "
        right "orders: {address: \"127.0.0.1:8091\", ";
    "PC0141" Error: "an address that the upstream may not be at"
        means "An address of the upstream is outside its `address_class` or `allow_networks`, or is one at which clouds tell machines about themselves, such as 169.254.169.254; or both `address_class` and `allow_networks` are given."
        matters "What a name leads to is judged before it is connected to, so that nobody who can change an answer of DNS reaches an inner service through the gateway. Every request to such an address would be refused."
        mend "Declare the class or the networks that are meant, one of the two. Metadata addresses are never allowed."
        "portcullis.yaml"
        wrong "orders: {address: \"127.0.0.1:8091\", address_class: public, "
        right "orders: {address: \"127.0.0.1:8091\", ";
    "PC0142" Error: "a rule of an upstream that has no effect"
        means "`dns` without a name to look up; `balance` by key or `outlier` where there is one address, or so few that none can ever be ejected; `try_timeout` or statuses for retries where nothing is sent again."
        matters "What parses and is not enforced is a rule that readers think they have."
        mend "Remove it, or declare what it is meant for."
        "portcullis.yaml"
        wrong "orders: {address: \"127.0.0.1:8091\", balance: by_tenant, "
        right "orders: {address: \"127.0.0.1:8091\", ";
    "PC0143" Error: "times of an upstream that contradict each other"
        means "One try may take as long as all (`try_timeout`, `response_timeout`), the whole response less time than its head (`overall_timeout`), a health check longer than until the next, the first ejection longer than the longest, or an answer of DNS counts for less time than until the next lookup."
        matters "The shorter of the two times would decide, and the other one would say nothing."
        mend "Make the part shorter than the whole."
        "portcullis.yaml"
        wrong "orders: {address: \"127.0.0.1:8091\", try_timeout: 3s, "
        right "orders: {address: \"127.0.0.1:8091\", ";
    "PC0144" Error: "an answer that is not to be asked for again"
        means "`retries.statuses` has another status than 502, 503 and 504."
        matters "Any other answer is the upstream's own: it may have acted on the request."
        mend "Use 502, 503 and 504 only."
        "portcullis.yaml"
        wrong "orders: {address: \"127.0.0.1:8091\", retries: {statuses: [500]}, "
        right "orders: {address: \"127.0.0.1:8091\", ";
    "PC0145" Error: "a certificate or key that cannot be used"
        means "A file of `tls` cannot be read, is not PEM, has no certificate in it, or is a key that everybody may read."
        matters "An upstream that cannot prove who it is, or to which we cannot, is not connected to. A key that everybody may read proves nothing."
        mend "Check the path, relative to the folder of the declaration, and that the file is PEM; take the key from everybody but its owner and group (`chmod 640`)."
        "portcullis.yaml"
        wrong "orders: {address: \"127.0.0.1:8091\", tls: {roots: ca.pem}, "
        right "orders: {address: \"127.0.0.1:8091\", ";
    "PC0146" Error: "a protocol that cannot be agreed on"
        means "`protocol: auto` without `tls`."
        matters "Which HTTP an upstream speaks is agreed within TLS (ALPN); without it there is nothing to agree by."
        mend "Declare `tls`, or choose `http1` or `http2`."
        "portcullis.yaml"
        wrong "orders: {address: \"127.0.0.1:8091\", protocol: auto, "
        right "orders: {address: \"127.0.0.1:8091\", ";
}
