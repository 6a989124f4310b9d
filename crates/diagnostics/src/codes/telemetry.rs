//! What do PC0160 to PC0164 mean? Traces that are believed, and data for operators that would go
//! astray.

super::page::table! {
    "PC0160" Error: "baggage of a trace that is not continued"
        means "The boundary names keys of `baggage` to carry on, and does not continue the traces of its callers."
        matters "What a caller puts into a trace that is not believed would be believed behind the boundary: services read baggage as if one of them had written it."
        mend "Set `context: continue` where the callers are trusted, or remove `baggage`."
        "portcullis.yaml"
        wrong "    audit: required\n    trace: {baggage: [tier]}"
        right "    audit: required";
    "PC0161" Error: "a collector that cannot be reached safely"
        means "The endpoint of the collector is neither `https://` nor `http://` to a loopback address, or it has user information, a query or a fragment."
        matters "Exports say who asked for what, and carry the headers by which the collector knows this process."
        mend "Use `https://host:port`; where the collector runs on the same machine, `http://127.0.0.1:4318` is good."
        "portcullis.yaml"
        wrong "policies: policies\ntelemetry: {otlp: {endpoint: \"http://collector.shop.example:4318\"}}"
        right "policies: policies";
    "PC0162" Error: "a header that an export cannot have"
        means "The name is not lower case letters, digits and `-`, or it is a header that the exporter writes itself."
        matters "The export would be read in another way than it is written, or not at all."
        mend "Use the header that the collector asks for, such as `authorization` or `x-api-key`."
        "portcullis.yaml"
        wrong "policies: policies\ntelemetry: {otlp: {endpoint: \"https://collector.shop.example\", headers: {content-type: {env: TOKEN}}}}"
        right "policies: policies";
    "PC0163" Warning: "metrics that anybody can read"
        means "The address for metrics is not a loopback address."
        matters "Metrics name boundaries and operations and say what is refused and why; this address asks nobody who they are. The admin socket does not have that question: only its owner can open it."
        mend "Use a loopback address, or one in a network that only Prometheus reaches."
        "portcullis.yaml"
        wrong "policies: policies\ntelemetry: {prometheus: {address: \"0.0.0.0:9464\"}}"
        right "policies: policies";
    "PC0164" Error: "a collector that is sent nothing"
        means "The list `signals` is empty, or names one of them twice."
        matters "A collector that is sent nothing tells nobody anything."
        mend "Name at least one of `traces`, `metrics`, `logs`, each once; or remove `otlp`."
        "portcullis.yaml"
        wrong "policies: policies\ntelemetry: {otlp: {endpoint: \"https://collector.shop.example\", signals: []}}"
        right "policies: policies";
}
