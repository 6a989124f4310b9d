//! Where facts come from: the driver, key sets, key stores, the record writer.
