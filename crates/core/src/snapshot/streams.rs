//! Can these operations be streams? Each is one of the contract, with the method that its kind has,
//! over an upstream that speaks what the kind needs.

use portcullis_config::Declaration;
use portcullis_config::declaration::{Api, Stream, StreamKind, UpstreamProtocol};
use portcullis_diagnostics::Finding;
use portcullis_model::Method;
use portcullis_spec::ApiModel;

/// What is wrong with the streams of an API.
pub(super) fn check(declaration: &Declaration, api: &Api, model: &ApiModel) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, stream) in &api.streams {
        let Some(operation) = model.operations.iter().find(|one| one.id.as_str() == name) else {
            let known = model.operations.iter().map(|one| one.id.as_str());
            let fix = match portcullis_diagnostics::closest(name, known) {
                Some(close) => format!("did you mean `{close}`?"),
                None => "use the `operationId` of an operation of the contract".to_owned(),
            };
            findings.push(
                Finding::error("PC0170", format!("the contract has no operation `{name}`"))
                    .at(stream.span.clone(), "this stream")
                    .why("a rule for what cannot be reached has no effect")
                    .fix(fix),
            );
            continue;
        };
        findings.extend(wrong_method(name, stream, operation.method));
        let upstream = declaration.upstreams.get(&api.upstream);
        findings.extend(upstream.and_then(|one| wrong_protocol(name, stream, one.protocol)));
    }
    findings
}

fn wrong_method(name: &str, stream: &Stream, method: Method) -> Option<Finding> {
    let (needed, kind) = match stream.kind {
        StreamKind::Events => return None,
        StreamKind::Grpc => (Method::Post, "gRPC"),
        StreamKind::Websocket => (Method::Get, "WebSocket"),
    };
    (method != needed).then(|| {
        Finding::error("PC0171", format!("`{name}` is {method}, and {kind} is {needed}"))
            .at(stream.span.clone(), "this stream")
            .why("no request could ever open it")
            .fix("choose the operation that opens the stream, or another kind")
    })
}

fn wrong_protocol(name: &str, stream: &Stream, protocol: UpstreamProtocol) -> Option<Finding> {
    let why_not = match (stream.kind, protocol) {
        (StreamKind::Grpc, UpstreamProtocol::Http1) => "gRPC needs HTTP/2",
        (StreamKind::Websocket, UpstreamProtocol::Http2) => "WebSocket needs HTTP/1.1",
        (StreamKind::Events, _)
        | (StreamKind::Grpc, UpstreamProtocol::Http2 | UpstreamProtocol::Auto)
        | (StreamKind::Websocket, UpstreamProtocol::Http1 | UpstreamProtocol::Auto) => return None,
    };
    Some(
        Finding::error("PC0172", format!("the upstream of `{name}` cannot carry it: {why_not}"))
            .at(stream.span.clone(), "this stream")
            .why("every request of it would fail")
            .fix("declare `protocol:` of the upstream as the kind needs it"),
    )
}
