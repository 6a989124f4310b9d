//! Can records be written, and for how long?

use std::path::{Path, PathBuf};

use portcullis_diagnostics::Finding;
use rustix::fs::{Access, access, statvfs};

use super::visit::Visit;

fn finding(message: String) -> Finding {
    Finding::error("PC0515", message)
        .why("where a crossing needs a durable record, nothing crosses without one")
        .fix("let the gateway's user write the folder, or make room: `records.keep_files` and `records.rotate_bytes` bound what it takes")
}

pub(super) fn examine(visit: &mut Visit<'_>) {
    let records = &visit.declaration().records;
    let folder = visit.path(&records.directory);
    let taken = records.rotate_bytes.saturating_mul(u64::from(records.keep_files));
    let result = writable(&folder).and_then(|place| room(&place, &folder, taken));
    visit.take("records", result.map_err(finding));
}

/// The folder, or the nearest one above it, in which it can be made.
fn writable(folder: &Path) -> Result<PathBuf, String> {
    let mut place = folder.to_owned();
    while !place.exists() {
        place = match place.parent() {
            Some(above) if !above.as_os_str().is_empty() => above.to_owned(),
            Some(_) | None => PathBuf::from("."),
        };
    }
    if !place.is_dir() {
        return Err(format!("`{}` is no folder", place.display()));
    }
    match access(&place, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => Ok(place),
        Err(error) => Err(format!("`{}` cannot be written: {error}", place.display())),
    }
}

fn room(place: &Path, folder: &Path, taken: u64) -> Result<String, String> {
    let system = statvfs(place).map_err(|error| format!("`{}`: {error}", place.display()))?;
    let free = system.f_bavail.saturating_mul(system.f_frsize);
    let there: u64 = portcullis_runtime::records::files(folder)
        .into_iter()
        .flatten()
        .filter_map(|file| std::fs::metadata(file).ok())
        .map(|data| data.len())
        .sum();
    let more = taken.saturating_sub(there);
    if free < more {
        let folder = folder.display();
        return Err(format!("`{folder}`: records may take {more} bytes more, and {free} are free"));
    }
    Ok(format!("the folder can be written; {there} of {taken} bytes are taken, {free} free"))
}
