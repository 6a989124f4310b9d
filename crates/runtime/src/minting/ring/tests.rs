#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use portcullis_model::Timestamp;
use serde_json::Value;

use super::{Keys, RING, Ring};

const HOUR: Duration = Duration::from_secs(3600);
const NOW: Timestamp = Timestamp::from_secs(1_000_000);

fn kids(keys: &Keys) -> Vec<String> {
    let set: Value = serde_json::from_slice(&keys.public()).unwrap();
    let keys = set["keys"].as_array().unwrap();
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn open(folder: &Path, now: Timestamp) -> Ring {
    Ring::open(&folder.join("keys"), HOUR, now).unwrap()
}

#[test]
fn a_key_is_published_for_a_period_before_and_after_it_signs() {
    let folder = tempfile::tempdir().unwrap();
    let ring = open(folder.path(), NOW);
    let first = ring.at(NOW).unwrap();
    assert_eq!(kids(&first).len(), 2);
    assert_eq!(first.kid(), kids(&first)[0]);
    let mut earlier = first;
    for turn in 1..5 {
        let now = NOW.plus(HOUR.saturating_mul(turn));
        let before = now.minus(Duration::from_secs(1));
        assert_eq!(ring.at(before).unwrap().kid(), earlier.kid());
        let keys = ring.at(now).unwrap();
        // it signs with the key that was published all the while, and the last one stays published
        assert_eq!(keys.kid(), kids(&earlier)[1]);
        assert!(kids(&keys).contains(&earlier.kid().to_owned()));
        assert_eq!(kids(&keys).len(), 3);
        let public = std::fs::read(folder.path().join("keys/jwks.json")).unwrap();
        assert_eq!(public, keys.public());
        earlier = keys;
    }
}

#[test]
fn it_is_kept_for_its_owner_alone_and_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path(), NOW).at(NOW).unwrap();
    let file = folder.path().join("keys").join(RING);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(&folder.path().join("keys"))), (0o600, 0o700));
    let again = open(folder.path(), NOW.plus(Duration::from_secs(5)));
    assert_eq!(again.at(NOW).unwrap().kid(), first.kid());
    // readable by others: it may be known, so it must not sign
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
    assert!(Ring::open(&folder.path().join("keys"), HOUR, NOW).is_err());
}

#[test]
fn two_processes_turn_it_once() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (open(folder.path(), NOW), open(folder.path(), NOW));
    let later = NOW.plus(HOUR);
    let turned = one.at(later).unwrap();
    assert_eq!(other.at(later).unwrap().kid(), turned.kid());
    assert_eq!(kids(&other.at(later).unwrap()), kids(&turned));
}

#[test]
fn what_cannot_be_turned_signs_for_one_more_period_and_no_longer() {
    let folder = tempfile::tempdir().unwrap();
    let ring = open(folder.path(), NOW);
    let first = ring.at(NOW).unwrap();
    std::fs::write(folder.path().join("keys").join(RING), "{").unwrap();
    assert_eq!(ring.at(NOW.plus(HOUR)).unwrap().kid(), first.kid());
    assert!(ring.at(NOW.plus(HOUR.saturating_mul(2))).is_none());
}
