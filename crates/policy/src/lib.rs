//! May this principal do this? Cedar: generated schema, strict validation, decision, explanation.
