//! What must hold for any bytes at all? One function for each reader of untrusted bytes: it reads
//! them and asserts what the reader promises (round trips, idempotence, bounds), not only that
//! nothing panics. `fuzz/` wraps them for libFuzzer; `tests/fuzz_smoke.rs` runs them on seeds.

pub mod http;
pub mod identity;
pub mod parts;
pub mod proofs;
pub mod records;
pub mod texts;
pub mod traces;

/// A reader's promise, on any bytes.
pub type Target = fn(&[u8]);

/// Every target by its name; `fuzz/fuzz_targets` and `fuzz/seeds` have the same names.
pub const TARGETS: &[(&str, Target)] = &[
    ("answer", parts::answer),
    ("api_key", identity::api_key),
    ("certificate", identity::certificate),
    ("chunks", http::chunks),
    ("contract", texts::contract),
    ("cookies", parts::cookies),
    ("credential", identity::credential),
    ("declaration", texts::declaration),
    ("form_fields", parts::form_fields),
    ("head", http::head),
    ("host", http::host),
    ("json", texts::json),
    ("jwk_set", identity::jwk_set),
    ("jwt", identity::jwt),
    ("key_file", identity::key_file),
    ("message", http::message),
    ("overlay", texts::overlay),
    ("path", http::path),
    ("proofs", proofs::proofs),
    ("proxied", parts::proxied),
    ("query", http::query),
    ("record", records::record),
    ("record_file", records::record_file),
    ("structured", proofs::structured),
    ("trace_context", traces::trace_context),
];
