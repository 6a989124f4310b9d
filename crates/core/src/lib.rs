//! The chain: one pure decision over facts, from receive to record.
