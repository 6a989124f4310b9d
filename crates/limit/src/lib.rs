//! How much, how often? Rates and concurrency in fixed memory, given a time.
