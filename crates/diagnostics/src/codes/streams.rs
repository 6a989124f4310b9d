//! What do PC0170 to PC0172 mean? Operations whose messages go on after they were judged.

super::page::table! {
    "PC0170" Error: "a stream that is no operation"
        means "`streams` of an API names an operation that its contract does not have."
        matters "A rule for what cannot be reached has no effect."
        mend "Use the `operationId` of an operation of the contract."
        "portcullis.yaml"
        wrong "    owner: team-orders\n    streams: {watchOrders: {kind: events}}"
        right "    owner: team-orders";
    "PC0171" Error: "a stream whose operation has another method"
        means "A WebSocket is opened by GET, a gRPC call by POST."
        matters "No request could ever open it."
        mend "Choose the operation that opens the stream, or another kind."
        "portcullis.yaml"
        wrong "    owner: team-orders\n    streams: {createOrder: {kind: websocket}}"
        right "    owner: team-orders";
    "PC0172" Error: "a stream that its upstream cannot carry"
        means "gRPC needs an upstream that speaks HTTP/2; a WebSocket needs one that speaks HTTP/1.1."
        matters "Every request of it would fail."
        mend "Declare `protocol:` of the upstream as the kind needs it."
        "portcullis.yaml"
        wrong "    owner: team-orders\n    streams: {createOrder: {kind: grpc}}"
        right "    owner: team-orders";
}
