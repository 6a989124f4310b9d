//! A credential becomes a principal, or is refused with its reason.
