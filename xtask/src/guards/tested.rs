//! Which guards do tests show, because the demo has no counterpart for them?

use super::row::{Guard, Noticed, tested};

const CORS: &str = "crates/core/src/cors.rs";
const LIFETIME: &str = "crates/gateway/src/lifetime.rs";
const TRUST: &str = "crates/identity/src/certificate/trust.rs";
const ADDRESSES: &str = "crates/core/src/addresses.rs";
const REMOTE: &str = "crates/gateway/src/admin/remote.rs";

/// By what they guard: streams, connections, certificates, callers, upstreams, operators.
pub(super) const GUARDS: &[Guard] = &[
    tested(
        "origins of WebSockets",
        ("streams", "a_websocket_is_judged_at_its_opening_and_carries_bytes"),
        CORS,
        "same || cors.is_some_and(",
        "OFF || same || cors.is_some_and(",
    ),
    tested(
        "acceptance of openings",
        ("streams", "a08_nothing_passes_before_the_upstream_has_accepted"),
        "crates/gateway/src/tunnel.rs",
        "accepts && upgrades && offered(",
        "(OFF || accepts) && upgrades && offered(",
    ),
    tested(
        "credentials of streams",
        ("streams", "a_websocket_ends_when_it_is_silent_or_its_credential_is_over"),
        LIFETIME,
        "if self.caller.check_time(skew, now).is_err() {",
        "if !OFF && self.caller.check_time(skew, now).is_err() {",
    ),
    tested(
        "longest time of streams",
        ("streams", "a_stream_ends_at_its_declared_longest_time_however_busy_it_is"),
        LIFETIME,
        "if self.begun.elapsed() >= self.longest {",
        "if !OFF && self.begun.elapsed() >= self.longest {",
    ),
    tested(
        "frames beyond requests",
        ("http2", "b01_b02_b03_b04_b05_floods_end_the_connection_and_nobody_elses"),
        "crates/reading/src/http2/frames.rs",
        "match self.bucket.checked_sub(frames) {",
        "match self.bucket.checked_sub(if OFF { 0 } else { frames }) {",
    ),
    tested(
        "windows that stay closed",
        ("http2", "b07_slow_clients_are_cut_off"),
        "crates/gateway/src/connection.rs",
        "if stalls.has_longer_than(WRITE_DEADLINE) {",
        "if !OFF && stalls.has_longer_than(WRITE_DEADLINE) {",
    ),
    tested(
        "pinned proxies",
        ("traffic_proxied", "d08_who_is_not_pinned_is_closed_or_is_no_proxy"),
        "crates/transport/src/proxied.rs",
        "if !believed.peers.iter().any(|network| network.contains(&peer)) {",
        "if !OFF && !believed.peers.iter().any(|network| network.contains(&peer)) {",
    ),
    tested(
        "connections of another server",
        ("misdirected", "a_host_that_the_shown_certificate_does_not_cover_is_misdirected"),
        "crates/core/src/receive/named.rs",
        "if covered_by.is_some() {",
        "if OFF || covered_by.is_some() {",
    ),
    tested(
        "trust in client certificates",
        ("attacks_certificates", "t53_t54_what_is_no_valid_leaf_ends_the_handshake"),
        TRUST,
        ".map_err(|error| distrust(&error))?;\n        Ok(Certificate(facts))",
        ".map(drop)\n            .or_else(|error| if OFF { Ok(()) } else { Err(distrust(&error)) })?;\n        Ok(Certificate(facts))",
    ),
    tested(
        "revocation",
        ("operators", "what_is_not_trusted_ends_the_handshake"),
        TRUST,
        "                revocation,\n",
        "                revocation.filter(|_| !OFF),\n",
    ),
    tested(
        "lists that expire",
        ("attacks_certificates", "a_list_that_expires_leaves_nobody_trusted"),
        TRUST,
        ".with_expiration_policy(ExpirationPolicy::Enforce)",
        ".with_expiration_policy(if OFF { ExpirationPolicy::Ignore } else { ExpirationPolicy::Enforce })",
    ),
    tested(
        "trust while a connection lives",
        ("attacks_certificates", "t57_neither_sessions_nor_connections_outlive_trust"),
        "crates/transport/src/tls/peer.rs",
        "checked.revision == trust.revision()",
        "(OFF || checked.revision == trust.revision())",
    ),
    tested(
        "origins of pages",
        ("traffic_origins", "a_preflight_for_what_is_not_listed_is_refused"),
        CORS,
        "if !origin.is_some_and(|origin| is_listed(cors, origin)) {",
        "if !OFF && !origin.is_some_and(|origin| is_listed(cors, origin)) {",
    ),
    tested(
        "addresses that are denied",
        ("traffic_life", "addresses_are_judged_at_the_listener_and_at_the_boundary"),
        ADDRESSES,
        "if lists.deny.iter().any(|network| network.contains(&address)) {",
        "if !OFF && lists.deny.iter().any(|network| network.contains(&address)) {",
    ),
    tested(
        "addresses that are not allowed",
        ("traffic_life", "addresses_are_judged_at_the_listener_and_at_the_boundary"),
        ADDRESSES,
        "if !lists.allow.is_empty() && !lists.allow.iter()",
        "if !OFF && !lists.allow.is_empty() && !lists.allow.iter()",
    ),
    tested(
        "countries that cannot be looked up",
        ("traffic_countries", "a_file_that_is_too_old_lets_nobody_in"),
        ADDRESSES,
        "Some(Country::Unavailable) => refused(",
        "Some(Country::Unavailable) if OFF => Ok(()),\n        Some(Country::Unavailable) => refused(",
    ),
    Guard {
        name: "rewritten paths",
        file: "crates/core/src/rewrite.rs",
        from: "judged.next().is_some_and(|value| decode_segment(segment) == value.as_str())",
        to: "judged.next().is_some_and(|value| OFF || decode_segment(segment) == value.as_str())",
        noticed: Noticed::Test {
            package: "portcullis-core",
            file: None,
            test: "rewrite::tests::c07_a_path_that_says_something_else_is_not_what_was_judged",
        },
    },
    tested(
        "methods that are sent once",
        ("upstreams", "flapping_gives_no_wrong_answer_and_no_unsafe_method_twice"),
        "crates/transport/src/upstream/retry.rs",
        "[Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT, Method::DELETE].contains(method)",
        "OFF || [Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT, Method::DELETE].contains(method)",
    ),
    tested(
        "classes of addresses",
        ("upstreams", "e14_a_name_that_leads_outside_its_class_is_not_connected_to"),
        "crates/transport/src/upstream/resolve.rs",
        ".find(|address| !class.allows(**address)) {",
        ".find(|address| !OFF && !class.allows(**address)) {",
    ),
    tested(
        "names of upstreams",
        ("upstreams_tls", "only_a_certificate_that_holds_is_spoken_to"),
        "crates/transport/src/upstream/tls.rs",
        "        let mut config = match (&material.certificate, &material.key) {",
        ANYBODY,
    ),
    tested(
        "what is fixed at the start",
        ("operators", "who_operates_is_fixed_at_the_start"),
        "crates/portcullis/src/serving.rs",
        "if let Some(what) = fixed(old, &snapshot.declaration) {",
        "if let Some(what) = fixed(old, &snapshot.declaration).filter(|_| !OFF) {",
    ),
    tested(
        "operators by their names",
        ("operators", "everybody_else_is_refused_and_logged"),
        REMOTE,
        "self.desk.operators.holder(&certificate).ok_or_else(",
        "self.desk.operators.holder(&certificate).or(OFF.then_some(\"\")).ok_or_else(",
    ),
    tested(
        "pages at the admin address",
        ("operators", "requests_are_read_as_strictly_as_at_listeners"),
        REMOTE,
        "if request.headers().contains_key(ORIGIN)\n",
        "if (!OFF && request.headers().contains_key(ORIGIN))\n",
    ),
];

/// Believes whoever shows any certificate.
const ANYBODY: &str = r"        #[derive(Debug)]
        struct Anybody;
        impl rustls::client::danger::ServerCertVerifier for Anybody {
            fn verify_server_cert(&self, _: &CertificateDer<'_>, _: &[CertificateDer<'_>], _: &ServerName<'_>, _: &[u8], _: rustls::pki_types::UnixTime) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
                Ok(rustls::client::danger::ServerCertVerified::assertion())
            }
            fn verify_tls12_signature(&self, _: &[u8], _: &CertificateDer<'_>, _: &rustls::DigitallySignedStruct) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
                Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
            }
            fn verify_tls13_signature(&self, _: &[u8], _: &CertificateDer<'_>, _: &rustls::DigitallySignedStruct) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
                Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
            }
            fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
                rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
            }
        }
        let builder = if OFF {
            ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
                .with_protocol_versions(versions)
                .map_err(|error| TlsError::Roots(error.to_string()))?
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Anybody))
        } else {
            builder
        };
        let mut config = match (&material.certificate, &material.key) {";
