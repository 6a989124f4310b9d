//! How many series may one metric have? Labels come from the declaration, so the number is finite;
//! with thousands of operations it is still too large for whoever keeps them, so beyond a bound
//! everything further is counted as `other` (law 7).

use std::fmt::Debug;
use std::hash::Hash;
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};

use prometheus_client::metrics::family::{Family, MetricConstructor};

/// Most series of one metric.
pub(crate) const SERIES_MAX: usize = 2000;

/// Labels that have a word for all the rest.
pub(crate) trait Labels: Clone + Eq + Hash + Debug {
    /// The series beyond the bound.
    fn other() -> Self;
}

/// The series of one metric.
#[derive(Debug)]
pub(crate) struct Series<L, M, C = fn() -> M> {
    family: Family<L, M, C>,
    /// How many were made.
    made: AtomicUsize,
}

impl<L: Labels, M: Default> Default for Series<L, M> {
    fn default() -> Self {
        Self::new(M::default)
    }
}

impl<L: Labels, M> Series<L, M> {
    pub(crate) fn new(constructor: fn() -> M) -> Self {
        Self { family: Family::new_with_constructor(constructor), made: AtomicUsize::new(0) }
    }
}

impl<L: Labels, M, C: MetricConstructor<M>> Series<L, M, C> {
    /// The series of these labels, or the one of all the rest.
    pub(crate) fn of(&self, labels: &L) -> impl Deref<Target = M> + '_ {
        if let Some(known) = self.family.get(labels) {
            return known;
        }
        if self.made.fetch_add(1, Ordering::Relaxed) < SERIES_MAX {
            return self.family.get_or_create(labels);
        }
        // the count of made series does not go on for ever
        self.made.store(SERIES_MAX, Ordering::Relaxed);
        self.family.get_or_create(&L::other())
    }

    /// Forgets one.
    pub(crate) fn remove(&self, labels: &L) {
        if self.family.remove(labels) {
            // its place may be another's
            let fewer = |made: usize| Some(made.saturating_sub(1));
            let _made = self.made.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer);
        }
    }

    /// Forgets all of them; for what is told anew at every reading.
    pub(crate) fn clear(&self) {
        self.family.clear();
        self.made.store(0, Ordering::Relaxed);
    }
}

impl<L: Clone, M, C: Clone> Series<L, M, C> {
    /// To be registered.
    pub(crate) fn family(&self) -> Family<L, M, C> {
        self.family.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::{Labels, SERIES_MAX, Series};
    use prometheus_client::encoding::text::encode;
    use prometheus_client::metrics::counter::Counter;
    use prometheus_client::registry::Registry;

    impl Labels for Vec<(String, String)> {
        fn other() -> Self {
            vec![("route".to_owned(), "other".to_owned())]
        }
    }

    #[test]
    fn a_million_routes_are_two_thousand_series() {
        let series: Series<Vec<(String, String)>, Counter> = Series::default();
        let labels = |number: u32| vec![("route".to_owned(), format!("/r{number}"))];
        for number in 0..1_000_000 {
            series.of(&labels(number)).inc();
        }
        let mut registry = Registry::default();
        registry.register("requests", "x", series.family());
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        assert_eq!(text.lines().filter(|line| !line.starts_with('#')).count(), SERIES_MAX + 1);
        assert_eq!(series.of(&labels(7)).get(), 1);
        let counted: u64 = series.of(&Labels::other()).get();
        assert_eq!(counted, 1_000_000 - u64::try_from(SERIES_MAX).unwrap());
    }
}
