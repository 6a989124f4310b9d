//! How much JSON is too much? Every bound holds for parsing and for streaming alike.

/// Containers within containers that no declaration can exceed: values are dropped recursively,
/// and 512 levels stay far below any thread's stack.
pub const DEPTH_CEILING: u16 = 512;

/// Object members and array elements in one text, unless said otherwise: bounds the memory of a
/// value to about 100 bytes times this.
pub const MEMBERS_MAX: usize = 65_536;

/// Digits in one number, exponent included, unless said otherwise: twice what any decimal or
/// 256-bit integer format needs, and cheap for exact arithmetic.
pub const NUMBER_DIGITS_MAX: usize = 160;

/// What a JSON text may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Containers within containers; a scalar has depth 0. Values above [`DEPTH_CEILING`] count
    /// as it.
    pub depth_max: u16,
    /// Bytes of the whole text.
    pub bytes_max: usize,
    /// Object members and array elements of the whole text.
    pub members_max: usize,
    /// Bytes of one string or member name, after unescaping.
    pub string_bytes_max: usize,
    /// Digits of one number, exponent included.
    pub number_digits_max: usize,
}

impl Bounds {
    /// Bounds of depth and bytes, with the defaults of this module for the rest; a string may be
    /// as long as the text.
    #[must_use]
    pub const fn new(depth_max: u16, bytes_max: usize) -> Self {
        Self {
            depth_max,
            bytes_max,
            members_max: MEMBERS_MAX,
            string_bytes_max: bytes_max,
            number_digits_max: NUMBER_DIGITS_MAX,
        }
    }

    /// The depth that holds.
    pub(super) fn depth(&self) -> usize {
        usize::from(self.depth_max.min(DEPTH_CEILING))
    }
}
