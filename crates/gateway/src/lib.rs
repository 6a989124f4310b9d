//! The door that carries requests.
