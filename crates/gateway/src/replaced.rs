//! Who drops what no longer decides? What was replaced is kept here until nobody else holds it, and
//! dropped by whoever sweeps.
//!
//! A snapshot of a large estate is a million allocations. If the last request that uses one dropped
//! it, every other request of that worker would wait for it; so the door holds what it replaced, and
//! the thread that reloads, which carries no request, lets go of it last.

use std::sync::{Arc, Mutex, PoisonError};

/// What was replaced and may still be in use. As long as each request, each of these is held by the
/// requests that began with it; none is kept beyond the next sweep after the last of them.
#[derive(Debug)]
pub(crate) struct Replaced<T> {
    kept: Mutex<Vec<Arc<T>>>,
}

impl<T> Default for Replaced<T> {
    fn default() -> Self {
        Self { kept: Mutex::new(Vec::new()) }
    }
}

impl<T> Replaced<T> {
    /// Keeps one.
    pub(crate) fn keep(&self, one: Arc<T>) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(one);
    }

    /// Drops, on this thread, those that nobody else holds and of which `is_free` says that nobody holds
    /// a part. How many are still kept.
    pub(crate) fn sweep(&self, is_free: impl Fn(&T) -> bool) -> usize {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // nobody can take hold of one anew: only those that hold it could hand it on
        let is_idle = |one: &mut Arc<T>| Arc::strong_count(one) == 1 && is_free(one);
        let idle: Vec<Arc<T>> = kept.extract_if(.., is_idle).collect();
        let left = kept.len();
        // whoever replaces meanwhile does not wait for the drop
        drop(kept);
        drop(idle);
        left
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};
    use std::sync::{Arc, Barrier};
    use std::thread::{self, ThreadId};

    use super::Replaced;

    /// Says which thread dropped it.
    struct Snapshot(Sender<ThreadId>);

    impl Drop for Snapshot {
        fn drop(&mut self) {
            self.0.send(thread::current().id()).unwrap();
        }
    }

    #[test]
    fn who_sweeps_drops_and_not_who_used_it_last() {
        let (says, dropped) = channel();
        let replaced = Replaced::default();
        let first = Arc::new(Snapshot(says));
        let (began, end) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
        let worker = {
            let (held, began, end) = (Arc::clone(&first), Arc::clone(&began), Arc::clone(&end));
            thread::spawn(move || {
                began.wait();
                end.wait();
                drop(held);
            })
        };
        replaced.keep(first);
        began.wait();
        assert_eq!(replaced.sweep(|_| true), 1);
        assert!(dropped.try_recv().is_err(), "a request still uses it");
        end.wait();
        worker.join().unwrap();
        assert!(dropped.try_recv().is_err(), "the worker dropped it");
        assert_eq!(replaced.sweep(|_| false), 1);
        assert!(dropped.try_recv().is_err(), "a part of it is held");
        assert_eq!(replaced.sweep(|_| true), 0);
        assert_eq!(dropped.try_recv().unwrap(), thread::current().id());
    }

    #[test]
    fn one_that_is_held_keeps_no_other() {
        let replaced = Replaced::default();
        let held = Arc::new(1);
        replaced.keep(Arc::clone(&held));
        replaced.keep(Arc::new(2));
        replaced.keep(Arc::new(3));
        assert_eq!(replaced.sweep(|_| true), 1);
        assert_eq!(replaced.sweep(|_| true), 1);
        drop(held);
        assert_eq!(replaced.sweep(|_| true), 0);
    }
}
