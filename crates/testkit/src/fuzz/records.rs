//! What do the readers of records promise? That a record is read as it was written, that it can be
//! told in words, and that no made-up one passes for what was decided.

use std::sync::LazyLock;

use portcullis_model::Record;
use portcullis_runtime::archive;
use portcullis_runtime::replay::{Replayed, replay};
use portcullis_runtime::seal::SealKey;

use crate::walk::World;

static SHOP: LazyLock<World> = LazyLock::new(World::shop);

static SEAL: LazyLock<SealKey> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    SealKey::load_or_make(&folder.path().join("seal.key")).unwrap()
});

/// One line of a record file.
pub fn record(bytes: &[u8]) {
    let Ok(record) = serde_json::from_slice::<Record>(bytes) else { return };
    let line = serde_json::to_string(&record).unwrap();
    assert!(!line.contains('\n'));
    assert_eq!(serde_json::from_str::<Record>(&line).unwrap(), record, "written and read");
    let words = archive::explain(std::slice::from_ref(&record));
    assert!(words.contains(record.id.as_str()) && words.len() <= 1024 + 8 * bytes.len());
    // facts sealed under another key, or under another revision, prove nothing here
    assert_ne!(replay(&record, &SHOP.snapshot, &SEAL), Replayed::Same);
}

/// A whole file.
pub fn record_file(bytes: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records-0-0.jsonl");
    std::fs::write(&path, bytes).unwrap();
    let mut lines = Vec::new();
    let read = archive::read(&path, |line| lines.push(line.to_owned()));
    assert!(lines.iter().all(|line| !line.contains('\n')));
    // a byte that is no text is read as one replacement character, of three
    assert!(lines.iter().map(String::len).sum::<usize>() <= bytes.len().saturating_mul(3));
    if let (Ok(()), Ok(text)) = (&read, std::str::from_utf8(bytes)) {
        let plain: Vec<&str> = text.split_terminator('\n').map(str::trim_end).collect();
        assert_eq!(lines, plain);
    }
    for line in lines {
        let Ok(record) = serde_json::from_str::<Record>(&line) else { continue };
        let Ok(found) = archive::find(folder.path(), &record.id) else { continue };
        // an id that is written with escapes is not one that was ever given
        let plain = line.contains(record.id.as_str());
        assert!(!plain || found.contains(&record), "a record is not found by its id");
    }
}
