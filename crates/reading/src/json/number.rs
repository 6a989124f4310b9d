//! Is this a number that every reader reads alike? (RFC 8259 section 6.)
//!
//! Besides the grammar, the decimal magnitude is held within binary64: the most significant digit
//! stands for 10^-307 to 10^307. What is accepted is then finite and normal for readers that use
//! binary64, and small enough for exact arithmetic.

use super::error::JsonErrorKind;

/// Largest power of ten of the most significant digit, either way: the greatest for which every
/// value is a finite, normal binary64.
const MAGNITUDE_MAX: i64 = 307;

/// Exponents are counted up to this and no further, far beyond what any number of digits that
/// passes could bring back into range.
const EXPONENT_SATURATES: i64 = 1 << 40;

/// What a byte did to a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It belongs to the number.
    Taken,
    /// The number ended before it.
    Ended,
    /// The number cannot go on like this.
    Refused(JsonErrorKind),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Start,
    Minus,
    Zero,
    Whole,
    Point,
    Fraction,
    E,
    ExponentSign,
    Exponent,
}

/// Reads one number byte by byte.
#[derive(Clone, Copy, Debug)]
pub(super) struct NumberScan {
    part: Part,
    digits: usize,
    /// Power of ten of the most significant digit, without exponent; none while all are zero.
    leading: Option<i64>,
    fraction_digits: i64,
    exponent: i64,
    exponent_negative: bool,
}

impl NumberScan {
    /// Before the first byte.
    pub(super) const fn new() -> Self {
        Self {
            part: Part::Start,
            digits: 0,
            leading: None,
            fraction_digits: 0,
            exponent: 0,
            exponent_negative: false,
        }
    }

    /// Takes the next byte. `digits_max` bounds the digits, exponent included.
    #[inline]
    pub(super) fn step(&mut self, byte: u8, digits_max: usize) -> Step {
        if byte.is_ascii_digit() {
            return self.digit(byte, digits_max);
        }
        let next = match (self.part, byte) {
            (Part::Start, b'-') => Part::Minus,
            (Part::Zero | Part::Whole, b'.') => Part::Point,
            (Part::Zero | Part::Whole | Part::Fraction, b'e' | b'E') => Part::E,
            (Part::E, b'+') => Part::ExponentSign,
            (Part::E, b'-') => {
                self.exponent_negative = true;
                Part::ExponentSign
            }
            (Part::Zero | Part::Whole | Part::Fraction | Part::Exponent, _) => return Step::Ended,
            (Part::Start | Part::Minus | Part::Point | Part::E | Part::ExponentSign, _) => {
                return Step::Refused(JsonErrorKind::InvalidNumber);
            }
        };
        self.part = next;
        Step::Taken
    }

    /// The number ends here: is it whole, and within range?
    pub(super) fn finish(&self) -> Result<(), JsonErrorKind> {
        match self.part {
            Part::Start | Part::Minus | Part::Point | Part::E | Part::ExponentSign => {
                return Err(JsonErrorKind::InvalidNumber);
            }
            Part::Zero | Part::Whole | Part::Fraction | Part::Exponent => {}
        }
        let exponent = if self.exponent_negative { -self.exponent } else { self.exponent };
        // Zero has no magnitude; its exponent is bounded all the same.
        let magnitude = self.leading.unwrap_or(0) + exponent;
        if magnitude.abs() > MAGNITUDE_MAX {
            return Err(JsonErrorKind::NumberOutOfRange);
        }
        Ok(())
    }

    #[inline]
    fn digit(&mut self, byte: u8, digits_max: usize) -> Step {
        self.digits += 1;
        if self.digits > digits_max {
            return Step::Refused(JsonErrorKind::NumberTooLong);
        }
        match self.part {
            Part::Start | Part::Minus if byte == b'0' => self.part = Part::Zero,
            Part::Start | Part::Minus => {
                self.leading = Some(0);
                self.part = Part::Whole;
            }
            Part::Zero => return Step::Refused(JsonErrorKind::InvalidNumber),
            Part::Whole => self.leading = self.leading.map(|power| power + 1),
            Part::Point | Part::Fraction => {
                self.fraction_digits += 1;
                if self.leading.is_none() && byte != b'0' {
                    self.leading = Some(-self.fraction_digits);
                }
                self.part = Part::Fraction;
            }
            Part::E | Part::ExponentSign | Part::Exponent => {
                let grown = self.exponent * 10 + i64::from(byte - b'0');
                self.exponent = grown.min(EXPONENT_SATURATES);
                self.part = Part::Exponent;
            }
        }
        Step::Taken
    }
}
