//! What does chance decide? A sequence that follows from its seed alone (splitmix64), so that a run can
//! be made again.

/// A sequence.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// The sequence of a seed, apart from those of other names.
    pub(super) const fn new(seed: u64, name: u64) -> Self {
        Self(seed ^ name.wrapping_mul(0xd134_2543_de82_ef95))
    }

    /// The next number below a bound.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) % bound.max(1)
    }

    /// One of some.
    pub(super) fn one<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        let at = self.below(u64::try_from(of.len()).unwrap_or(1));
        of.get(usize::try_from(at).unwrap_or_default())
    }

    /// The same in another order.
    pub(super) fn shuffled<T: Copy>(&mut self, of: &[T]) -> Vec<T> {
        let mut rest = of.to_vec();
        let mut order = Vec::new();
        while !rest.is_empty() {
            let at = self.below(u64::try_from(rest.len()).unwrap_or(1));
            order.push(rest.swap_remove(usize::try_from(at).unwrap_or_default()));
        }
        order
    }
}
