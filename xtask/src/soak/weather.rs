//! Which faults may a request have met? Each fault is a window of time; a request has met those whose
//! window, with what they leave behind, touches its own.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Windows that ended this long ago are forgotten: no request takes longer.
const MEMORY: Duration = Duration::from_secs(180);

/// What is done to the estate while requests come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    UpstreamDown,
    UpstreamSlow,
    UpstreamReset,
    UpstreamHalf,
    UpstreamFraming,
    IssuerDown,
    KeysRotated,
    Reloaded,
    ReloadRefused,
    Certificates,
    Takeover,
    Kill,
    RecordsFull,
}

/// All of them, in the order of the report.
pub(super) const ALL: [Fault; 13] = [
    Fault::UpstreamDown,
    Fault::UpstreamSlow,
    Fault::UpstreamReset,
    Fault::UpstreamHalf,
    Fault::UpstreamFraming,
    Fault::IssuerDown,
    Fault::KeysRotated,
    Fault::Reloaded,
    Fault::ReloadRefused,
    Fault::Certificates,
    Fault::Takeover,
    Fault::Kill,
    Fault::RecordsFull,
];

/// Faults of which an answer of the upstream suffers.
const UPSTREAM: [Fault; 5] = [
    Fault::UpstreamDown,
    Fault::UpstreamSlow,
    Fault::UpstreamReset,
    Fault::UpstreamHalf,
    Fault::UpstreamFraming,
];

impl Fault {
    /// Its name in the report.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::UpstreamDown => "upstream down",
            Self::UpstreamSlow => "upstream slow",
            Self::UpstreamReset => "upstream resets",
            Self::UpstreamHalf => "upstream breaks off",
            Self::UpstreamFraming => "upstream with wrong framing",
            Self::IssuerDown => "issuer down",
            Self::KeysRotated => "keys rotated",
            Self::Reloaded => "reload",
            Self::ReloadRefused => "reload refused",
            Self::Certificates => "certificates exchanged",
            Self::Takeover => "process taken over",
            Self::Kill => "kill -9 and restart",
            Self::RecordsFull => "no room for records",
        }
    }

    /// How long it may still be felt after its end: addresses found unhealthy, keys not asked for
    /// again yet, an old process that still answers.
    const fn aftermath(self) -> Duration {
        Duration::from_secs(match self {
            Self::UpstreamDown
            | Self::UpstreamSlow
            | Self::UpstreamReset
            | Self::UpstreamHalf
            | Self::UpstreamFraming => 8,
            Self::IssuerDown => 10,
            Self::KeysRotated | Self::Reloaded | Self::ReloadRefused | Self::Certificates => 1,
            Self::Takeover => 16,
            Self::Kill => 3,
            Self::RecordsFull => 5,
        })
    }

    const fn bit(self) -> u32 {
        1 << (self as u32)
    }
}

/// A set of faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Under(u32);

impl Under {
    /// Whether a fault is among them.
    pub(super) const fn has(self, fault: Fault) -> bool {
        self.0 & fault.bit() != 0
    }

    /// Whether an answer of the upstream may have suffered.
    pub(super) fn upstream(self) -> bool {
        UPSTREAM.iter().any(|fault| self.has(*fault))
    }
}

#[derive(Clone, Copy, Debug)]
struct Window {
    fault: Fault,
    from: Instant,
    to: Option<Instant>,
}

/// All windows.
#[derive(Debug, Default)]
pub(super) struct Weather(Mutex<Vec<Window>>);

impl Weather {
    /// A fault begins.
    pub(super) fn begin(&self, fault: Fault) {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let old = |window: &Window| window.to.is_some_and(|to| to.elapsed() > MEMORY);
        windows.retain(|window| !old(window));
        windows.push(Window { fault, from: Instant::now(), to: None });
    }

    /// A fault ends.
    pub(super) fn end(&self, fault: Fault) {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for window in windows.iter_mut().filter(|window| window.fault == fault) {
            window.to = window.to.or_else(|| Some(Instant::now()));
        }
    }

    /// What may have been met between two moments.
    pub(super) fn under(&self, from: Instant, to: Instant) -> Under {
        let windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let met = windows.iter().filter(|window| {
            window.from <= to && window.to.is_none_or(|end| end + window.fault.aftermath() >= from)
        });
        Under(met.fold(0, |bits, window| bits | window.fault.bit()))
    }

    /// Whether a fault had lasted this long before `from`, and lasted until now.
    pub(super) fn lasted(&self, fault: Fault, long: Duration, from: Instant) -> bool {
        let windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        windows
            .iter()
            .any(|window| window.fault == fault && window.to.is_none() && window.from + long < from)
    }
}

#[cfg(test)]
mod tests {
    use super::{ALL, Fault, Weather};
    use std::collections::BTreeSet;
    use std::time::{Duration, Instant};

    #[test]
    fn a_request_has_met_what_it_touched() {
        let weather = Weather::default();
        let before = Instant::now();
        std::thread::sleep(Duration::from_millis(5));
        weather.begin(Fault::Kill);
        assert!(!weather.under(before, before).has(Fault::Kill));
        assert!(weather.under(before, Instant::now()).has(Fault::Kill));
        assert!(weather.lasted(Fault::Kill, Duration::ZERO, Instant::now()));
        weather.end(Fault::Kill);
        let now = Instant::now();
        assert!(weather.under(now, now).has(Fault::Kill) && !weather.under(now, now).upstream());
        let later = now + Duration::from_secs(10);
        assert!(!weather.under(later, later).has(Fault::Kill));
        assert!(!weather.lasted(Fault::Kill, Duration::ZERO, later));
    }

    #[test]
    fn each_fault_has_its_bit_and_name() {
        let bits: BTreeSet<u32> = ALL.iter().map(|fault| fault.bit()).collect();
        let names: BTreeSet<&str> = ALL.iter().map(|fault| fault.name()).collect();
        assert_eq!((bits.len(), names.len()), (ALL.len(), ALL.len()));
    }
}
