//! Does the process grow? Memory, file descriptors and threads of the process that serves, sampled over
//! its life; of the longest life, a line fitted through, and the first quarter beside the last.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use serde::Serialize;

/// The first of a life is left out: caches fill, pools open.
const WARM_SECONDS: f64 = 30.0;

/// A life shorter than this says nothing of growth, in samples after that.
const SAMPLES_MIN: usize = 40;

/// Growth that is taken for a leak: by more than this share, and by more than so much.
const GROWTH_SHARE: f64 = 0.25;
const GROWTH_KIB: f64 = 24.0 * 1024.0;
const GROWTH_DESCRIPTORS: f64 = 60.0;

/// The process that serves now.
#[derive(Debug, Default)]
pub(super) struct Serving(AtomicU32);

impl Serving {
    /// This process serves from now on.
    pub(super) fn set(&self, pid: u32) {
        self.0.store(pid, Ordering::Release);
    }

    /// Which process serves.
    pub(super) fn pid(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }
}

/// One look at a process.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Sample {
    /// Seconds since the run began.
    pub(super) at: f64,
    /// The process.
    pub(super) pid: u32,
    /// Resident memory.
    pub(super) rss_kib: u32,
    /// Open file descriptors.
    pub(super) descriptors: u32,
    /// Threads.
    pub(super) threads: u32,
}

impl Sample {
    /// Looks at a process; `None` when it is gone.
    pub(super) fn of(pid: u32, begun: Instant) -> Option<Self> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim_start_matches(':').split_whitespace().next()?.parse().ok()
        };
        let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count();
        Some(Self {
            at: begun.elapsed().as_secs_f64(),
            pid,
            rss_kib: number("VmRSS")?,
            descriptors: u32::try_from(descriptors).ok()?,
            threads: number("Threads")?,
        })
    }
}

/// How one quantity went over a life.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Course {
    /// Slope of the fitted line, a minute.
    pub(super) slope_per_minute: f64,
    /// Mean of the first quarter.
    pub(super) first_quarter: f64,
    /// Mean of the last.
    pub(super) last_quarter: f64,
    /// Largest.
    pub(super) most: f64,
}

/// The longest life of a process.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Life {
    /// How long it was looked at, after it was warm.
    pub(super) seconds: f64,
    /// Processes in all.
    pub(super) processes: usize,
    /// Memory in KiB.
    pub(super) rss_kib: Course,
    /// File descriptors.
    pub(super) descriptors: Course,
    /// Threads.
    pub(super) threads: Course,
    /// Whether it was long enough to speak of growth, and grew.
    pub(super) grew: Vec<&'static str>,
}

/// What the samples of all lives come to.
pub(super) fn longest(samples: &[Sample]) -> Life {
    let mut lives: Vec<Vec<Sample>> = Vec::new();
    for sample in samples {
        match lives.last_mut().filter(|life| life.last().is_some_and(|one| one.pid == sample.pid)) {
            Some(life) => life.push(*sample),
            None => lives.push(vec![*sample]),
        }
    }
    let processes = lives.len();
    let Some(life) = lives.into_iter().max_by_key(Vec::len) else { return Life::default() };
    let born = life.first().map_or(0.0, |one| one.at);
    let warm: Vec<Sample> = life.into_iter().filter(|one| one.at - born > WARM_SECONDS).collect();
    let of = |quantity: fn(&Sample) -> u32| {
        let points: Vec<(f64, f64)> =
            warm.iter().map(|one| (one.at, f64::from(quantity(one)))).collect();
        course(&points)
    };
    let (rss_kib, descriptors) = (of(|one| one.rss_kib), of(|one| one.descriptors));
    let threads = of(|one| one.threads);
    let mut grew = Vec::new();
    if warm.len() >= SAMPLES_MIN {
        let by = rss_kib.last_quarter - rss_kib.first_quarter;
        if by > GROWTH_KIB && by > rss_kib.first_quarter * GROWTH_SHARE {
            grew.push("memory");
        }
        if descriptors.last_quarter - descriptors.first_quarter > GROWTH_DESCRIPTORS {
            grew.push("file descriptors");
        }
        if threads.last_quarter > threads.first_quarter + 2.0 {
            grew.push("threads");
        }
    }
    let seconds = warm.last().map_or(0.0, |last| last.at - born - WARM_SECONDS);
    Life { seconds, processes, rss_kib, descriptors, threads, grew }
}

/// Least squares, and means of the quarters.
fn course(points: &[(f64, f64)]) -> Course {
    let mean = |part: &[(f64, f64)], of: fn(&(f64, f64)) -> f64| {
        part.iter().map(of).sum::<f64>() / f64::from(u32::try_from(part.len().max(1)).unwrap_or(1))
    };
    let quarter = points.len() / 4;
    let first = points.get(..quarter.max(1)).unwrap_or_default();
    let last = points.get(points.len().saturating_sub(quarter.max(1))..).unwrap_or_default();
    let (x, y) = (mean(points, |one| one.0), mean(points, |one| one.1));
    let above: f64 = points.iter().map(|one| (one.0 - x) * (one.1 - y)).sum();
    let below: f64 = points.iter().map(|one| (one.0 - x).powi(2)).sum();
    Course {
        slope_per_minute: if below > 0.0 { above / below * 60.0 } else { 0.0 },
        first_quarter: mean(first, |one| one.1),
        last_quarter: mean(last, |one| one.1),
        most: points.iter().map(|one| one.1).fold(0.0, f64::max),
    }
}

#[cfg(test)]
mod tests {
    use super::{Sample, longest};

    fn samples(pid: u32, count: u32, grows: u32) -> Vec<Sample> {
        let one = |at: u32| Sample {
            at: f64::from(at),
            pid,
            rss_kib: 50_000 + at * grows,
            descriptors: 30,
            threads: 9,
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn growth_is_seen_in_the_longest_life() {
        let steady = longest(&[samples(1, 20, 900), samples(2, 200, 0)].concat());
        assert!(steady.grew.is_empty() && steady.processes == 2, "{steady:?}");
        let growing = longest(&samples(1, 200, 300));
        assert_eq!(growing.grew, ["memory"]);
        assert!((growing.rss_kib.slope_per_minute - 18_000.0).abs() < 1.0, "{growing:?}");
        assert!(longest(&[]).grew.is_empty());
    }
}
