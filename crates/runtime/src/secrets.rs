//! What does a secret say that the declaration refers to?

use std::path::Path;

use portcullis_config::declaration::SecretRef;

use crate::private;

/// Reads a secret; surrounding white space does not belong to it.
///
/// # Errors
/// Says which file or variable is missing or empty; never what it holds.
pub fn resolve(secret: &SecretRef, folder: &Path) -> Result<Vec<u8>, String> {
    let text = match secret {
        SecretRef::Env(name) => {
            std::env::var(name).map_err(|_| format!("variable `{name}` is not set"))?
        }
        SecretRef::File(path) => {
            let file = folder.join(path);
            private::check(&file).map_err(|why| format!("file `{path}`: {why}"))?;
            std::fs::read_to_string(file).map_err(|error| format!("file `{path}`: {error}"))?
        }
    };
    let text = text.trim();
    if text.is_empty() { Err("it is empty".to_owned()) } else { Ok(text.as_bytes().to_vec()) }
}
