use super::{BURST, FrameBounds, FrameGuard, PREFACE};
use portcullis_model::Reason;
use proptest::prelude::*;
use std::time::Duration;

fn guard() -> FrameGuard {
    let mut guard = FrameGuard::new(FrameBounds { head_bytes_max: 16_384 });
    guard.advance(PREFACE, Duration::ZERO).unwrap();
    guard
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// How many of these frames pass before the guard refuses, and why it does.
fn until_refused(guard: &mut FrameGuard, frame: &[u8], age: Duration) -> (u64, Reason) {
    for passed in 0..1_000_000 {
        if let Err(violation) = guard.advance(frame, age) {
            return (passed, violation.reason);
        }
    }
    panic!("a flood is never refused");
}

#[test]
fn b01_b03_b04_b05_floods_end_within_a_bounded_number_of_frames() {
    let cases = [
        ("resets", frame(3, 0, 1, &[0, 0, 0, 8])),
        ("window updates of nothing", frame(8, 0, 1, &[0; 4])),
        ("empty data", frame(0, 0, 1, b"")),
        ("settings", frame(4, 0, 0, b"")),
        ("pings", frame(6, 0, 0, &[0; 8])),
        ("priorities", frame(2, 0, 1, &[0; 5])),
        ("unknown frames", frame(0x77, 0, 1, b"")),
    ];
    for (name, frame) in cases {
        let (passed, reason) = until_refused(&mut guard(), &frame, Duration::ZERO);
        assert_eq!((passed, reason), (BURST, Reason::FrameFlood), "{name}");
    }
}

#[test]
fn b02_a_header_block_has_an_end() {
    let mut endless = guard();
    endless.advance(&frame(1, 0, 1, b"x"), Duration::ZERO).unwrap();
    let (passed, reason) = until_refused(&mut endless, &frame(9, 0, 1, b"x"), Duration::ZERO);
    assert_eq!((passed, reason), (7, Reason::HeadTooLarge));
    let mut large = guard();
    large.advance(&frame(1, 0, 1, &[0; 16_384]), Duration::ZERO).unwrap();
    assert!(large.in_head());
    assert!(large.advance(&frame(9, 4, 1, b"x"), Duration::ZERO).is_err());
    let mut nested = guard();
    nested.advance(&frame(1, 0, 1, b"x"), Duration::ZERO).unwrap();
    assert!(nested.advance(&frame(1, 4, 3, b"x"), Duration::ZERO).is_err());
    assert!(guard().advance(&frame(9, 4, 1, b"x"), Duration::ZERO).is_err());
    assert!(guard().advance(&frame(5, 4, 1, b"x"), Duration::ZERO).is_err());
}

#[test]
fn a_busy_client_may_say_more_and_a_quiet_one_may_ping_for_ever() {
    let mut busy = guard();
    for _ in 0..10_000 {
        busy.advance(&frame(1, 5, 1, b"x"), Duration::ZERO).unwrap();
        busy.advance(&frame(8, 0, 1, &[0, 0, 1, 0]), Duration::ZERO).unwrap();
        busy.advance(&frame(8, 0, 0, &[0, 0, 1, 0]), Duration::ZERO).unwrap();
        busy.answered();
    }
    let mut taker = guard();
    for _ in 0..10_000 {
        taker.sent(16_384);
        taker.advance(&frame(8, 0, 1, &[0, 0, 64, 0]), Duration::ZERO).unwrap();
        taker.advance(&frame(8, 0, 0, &[0, 0, 64, 0]), Duration::ZERO).unwrap();
    }
    let mut quiet = guard();
    for second in 0..10_000 {
        quiet.advance(&frame(6, 0, 0, &[0; 8]), Duration::from_secs(second)).unwrap();
    }
}

#[test]
fn what_is_no_http_2_is_refused_at_its_first_byte_that_differs() {
    let mut other = FrameGuard::new(FrameBounds { head_bytes_max: 100 });
    assert!(other.advance(b"PRI * HTTP/1", Duration::ZERO).is_err());
    assert!(guard().advance(&[1, 0, 0, 0, 0, 0, 0, 0, 1], Duration::ZERO).is_err());
}

proptest! {
    #[test]
    fn the_verdict_does_not_depend_on_how_bytes_are_cut(
        frames in prop::collection::vec((0_u8..12, any::<u8>(), 0_usize..40), 0..40),
        noise in prop::collection::vec(any::<u8>(), 0..30),
        cuts in prop::collection::vec(1_usize..50, 1..100),
    ) {
        let mut bytes: Vec<u8> = PREFACE.to_vec();
        for (kind, flags, length) in frames {
            bytes.extend(frame(kind, flags, 1, &vec![0; length]));
        }
        bytes.extend(noise);
        let fresh = || FrameGuard::new(FrameBounds { head_bytes_max: 100 });
        let whole = fresh().advance(&bytes, Duration::ZERO);
        let mut cut = fresh();
        let mut rest = bytes.as_slice();
        let mut verdict = Ok(());
        for length in cuts.iter().cycle() {
            if rest.is_empty() || verdict.is_err() {
                break;
            }
            let (now, later) = rest.split_at((*length).min(rest.len()));
            verdict = cut.advance(now, Duration::ZERO);
            rest = later;
        }
        prop_assert_eq!(whole.map_err(|one| one.reason), verdict.map_err(|one| one.reason));
    }
}
