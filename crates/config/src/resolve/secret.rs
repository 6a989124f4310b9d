//! Where does a secret stand?

use crate::declaration::SecretRef;
use crate::document;

/// A secret by reference.
pub(super) fn secret(written: &document::Secret) -> SecretRef {
    match written {
        document::Secret::Env(name) => SecretRef::Env(name.clone()),
        document::Secret::File(path) => SecretRef::File(path.clone()),
    }
}
