//! Whose is a file that secrets or keys stand in? What everybody may write, anybody may have written:
//! it vouches for nothing.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Permission of everybody to write.
const EVERYBODY_WRITES: u32 = 0o002;

/// Of everybody to read or write, and of the group to write.
const OTHERS_USE: u32 = 0o026;

/// Refuses a file that everybody may write.
///
/// # Errors
/// When everybody may, or its permissions cannot be read.
pub fn check(file: &Path) -> Result<(), String> {
    if mode(file)? & EVERYBODY_WRITES == 0 {
        Ok(())
    } else {
        Err("everybody may write it".to_owned())
    }
}

/// Refuses a private key that everybody may read, or that others may write. Its group may read it, as
/// where a service that renews keys shares them with their users.
///
/// # Errors
/// When they may, or its permissions cannot be read.
pub fn check_key(file: &Path) -> Result<(), String> {
    match mode(file)? & OTHERS_USE {
        0 => Ok(()),
        _ => Err("others may read or write it".to_owned()),
    }
}

fn mode(file: &Path) -> Result<u32, String> {
    let data = std::fs::metadata(file).map_err(|error| error.to_string())?;
    Ok(data.permissions().mode())
}
