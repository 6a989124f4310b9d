//! Law 1: does the HTTP parser see the requests that the guard framed, byte for byte, and not one
//! more? Generated and mutated streams pass the guard in pieces of every size; a real hyper server
//! reads what it lets through. Everything follows from the seed, which a failure prints.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

mod plain;
mod served;
mod streams;

use plain::{Seen, framed};
use portcullis_reading::http1::Bounds;
use served::served;
use streams::Random;

/// Streams that are tried in one run.
const CASES: u64 = 20_000;

/// Streams that are tried with a cut at every offset.
const CUT_CASES: u64 = 10;

/// Where the seeds begin.
const FIRST_SEED: u64 = 0x0070_6f72_7463_756c;

/// Small, so that generated streams reach them.
const BOUNDS: Bounds = Bounds { head_bytes_max: 1024, headers_max: 12, target_bytes_max: 200 };

/// Whether hyper reads no further after this request, whatever follows.
fn closes(request: &Seen) -> bool {
    let says = |token: &str| {
        let values = request.headers.iter().filter(|(name, _)| name == "connection");
        values
            .flat_map(|(_, value)| value.split(|byte| *byte == b','))
            .any(|one| String::from_utf8_lossy(one).trim().eq_ignore_ascii_case(token))
    };
    says("close") || (request.version == "HTTP/1.0" && !says("keep-alive"))
}

/// Holds the guard against hyper; answers how many requests both saw, and whether one was refused.
async fn agree(seed: u64, stream: &[u8], pieces: &[Vec<u8>]) -> (usize, bool) {
    let framed = framed(stream);
    let (seen, refused) = served(pieces).await;
    let show = || {
        let text = String::from_utf8_lossy(stream);
        format!("seed {seed:#x}: {text:?}\nguard {framed:?}\nhyper {seen:?}")
    };
    let requests = match refused {
        Some(at) => {
            assert_eq!(at + 1, seen.len(), "something follows a refusal, {}", show());
            &seen[..at]
        }
        None => &seen[..],
    };
    assert!(requests.len() <= framed.requests.len(), "one more, {}", show());
    for (one, other) in framed.requests.iter().zip(requests) {
        assert_eq!(one, other, "{}", show());
    }
    if !requests.last().is_some_and(closes) {
        assert_eq!(requests.len(), framed.requests.len(), "one less, {}", show());
        assert_eq!(refused.is_some(), framed.refused, "a refusal is not told, {}", show());
    }
    (requests.len(), refused.is_some())
}

#[tokio::test]
async fn hyper_sees_what_the_guard_framed_and_never_one_more() {
    let (mut requests, mut refusals, mut several, mut chunked) = (0, 0, 0, 0);
    for seed in FIRST_SEED..FIRST_SEED + CASES {
        let mut random = Random::new(seed);
        let stream = random.stream();
        let pieces = random.pieces(&stream);
        let (seen, refused) = agree(seed, &stream, &pieces).await;
        requests += seen;
        refusals += u64::from(refused);
        several += u64::from(seen > 1);
        chunked += u64::from(seen > 0 && stream.windows(8).any(|part| part == b"chunked\r"));
    }
    // streams that are all refused, or all alike, would show nothing
    for (what, count) in [
        ("several", several),
        ("refused", refusals),
        ("chunked", chunked),
        ("seen", requests as u64),
    ] {
        assert!(count > CASES / 10, "{what}: only {count} of {CASES}");
    }
}

#[tokio::test]
async fn where_the_bytes_are_cut_makes_no_difference_to_hyper() {
    for seed in FIRST_SEED..FIRST_SEED + CUT_CASES {
        let stream = Random::new(seed).stream();
        for cut in 0..=stream.len() {
            let pieces = [stream[..cut].to_vec(), stream[cut..].to_vec()];
            agree(seed, &stream, &pieces).await;
        }
    }
}
