//! Whose is a file that secrets or keys stand in? What everybody may write, anybody may have written:
//! it vouches for nothing.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Permission of everybody to write.
const EVERYBODY_WRITES: u32 = 0o002;

/// Permissions of everybody to read, write or execute.
const EVERYBODY: u32 = 0o007;

/// Refuses a file that everybody may write.
///
/// # Errors
/// When everybody may, or its permissions cannot be read.
pub fn check(file: &Path) -> Result<(), String> {
    let mode = std::fs::metadata(file).map_err(|error| error.to_string())?.permissions().mode();
    if mode & EVERYBODY_WRITES == 0 { Ok(()) } else { Err("everybody may write it".to_owned()) }
}

/// Refuses a file of a private key that everybody may read or write.
///
/// # Errors
/// When everybody may, or its permissions cannot be read.
pub fn check_key(file: &Path) -> Result<(), String> {
    let mode = std::fs::metadata(file).map_err(|error| error.to_string())?.permissions().mode();
    if mode & EVERYBODY == 0 { Ok(()) } else { Err("everybody may read it".to_owned()) }
}
