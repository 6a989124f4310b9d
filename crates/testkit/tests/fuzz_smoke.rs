//! Do the fuzz targets hold on their seeds and on a few thousand mutations of them? Everything
//! follows from the numbers here; a failure prints the input.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use portcullis_testkit::fuzz::{TARGETS, Target};

/// Mutations of each target.
const MUTATIONS: u64 = 3_000;

/// Where the seeds of the mutations begin; another number tries others.
const FIRST: u64 = 1;

/// A slow target is cut short here, after at least a tenth of its mutations.
const TIME_MAX: Duration = Duration::from_secs(4);

/// Put into inputs: what means something to one of the readers.
const WORDS: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\0",
    b"%2F",
    b"%",
    b"..",
    b"/",
    b";",
    b"?",
    b"#",
    b":",
    b",",
    b"\"",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\\u0000",
    b"\\ud800",
    b"1e400",
    b"-0",
    b"null",
    b"true",
    b"0",
    b"ffffffff",
    b"_",
    b".",
    b"=",
    b"&",
    b"*x",
    b"&a [*a]",
    b"|",
    b"- ",
    b"  ",
    b"\t",
    b"\xc3\xa9",
    b"\xff",
    b"Bearer ",
    b"content-length: 0\r\n",
    b"transfer-encoding: chunked\r\n",
    b"$ref",
    b"eyJ",
    b"<<: ",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = folder().join("seeds").join(name);
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// A small generator (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^= word >> 31;
        usize::try_from(word % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }

    fn mutated(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut input = seeds[self.below(seeds.len())].clone();
        for _ in 0..=self.below(3) {
            let at = self.below(input.len() + 1);
            let to = (at + self.below(12)).min(input.len());
            match self.below(8) {
                0 => input.truncate(at),
                1 => drop(input.splice(at..to, [])),
                2 if at < input.len() => input[at] ^= 1 << self.below(8),
                3 => {
                    let again = input[at..to].to_vec();
                    drop(input.splice(at..at, again));
                }
                4 => {
                    let other = &seeds[self.below(seeds.len())];
                    let from = self.below(other.len() + 1);
                    input.truncate(at);
                    input.extend_from_slice(&other[from..]);
                }
                5 => drop(input.splice(at..to, WORDS[self.below(WORDS.len())].iter().copied())),
                _ => drop(input.splice(at..at, WORDS[self.below(WORDS.len())].iter().copied())),
            }
        }
        input
    }
}

fn holds(name: &str, target: Target, what: &str, input: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(input))) {
        let bytes: String = input.escape_ascii().to_string();
        std::io::Write::write_all(
            &mut std::io::stderr(),
            format!("target `{name}`, {what}: b\"{bytes}\"\n").as_bytes(),
        )
        .unwrap();
        resume_unwind(panic);
    }
}

fn smoke(names: &[&str]) {
    for (name, target) in TARGETS.iter().filter(|(name, _)| names.contains(name)) {
        let seeds = seeds(name);
        assert!(seeds.len() > 1, "`{name}` has too few seeds");
        for (at, seed) in seeds.iter().enumerate() {
            holds(name, *target, &format!("seed file {at}"), seed);
        }
        let begun = Instant::now();
        for number in FIRST..FIRST + MUTATIONS {
            if begun.elapsed() > TIME_MAX && number > MUTATIONS / 10 {
                break;
            }
            let input = Random(number).mutated(&seeds);
            holds(name, *target, &format!("mutation {number}"), &input);
        }
    }
}

const HTTP: &[&str] = &[
    "answer",
    "chunks",
    "cookies",
    "form_fields",
    "head",
    "host",
    "message",
    "path",
    "proxied",
    "query",
    "trace_context",
];
const IDENTITY: &[&str] =
    &["api_key", "certificate", "credential", "jwk_set", "jwt", "key_file", "proofs", "structured"];
const TEXTS: &[&str] = &["contract", "declaration", "json", "overlay", "record", "record_file"];

#[test]
fn readers_of_http() {
    smoke(HTTP);
}

#[test]
fn readers_of_credentials_and_keys() {
    smoke(IDENTITY);
}

#[test]
fn readers_of_texts_and_records() {
    smoke(TEXTS);
}

#[test]
fn every_target_is_wrapped_has_seeds_and_is_tried_here() {
    let names = |folder: &str| -> BTreeSet<String> {
        let entries = std::fs::read_dir(self::folder().join(folder)).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    };
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("fuzz_targets"), targets);
    assert_eq!(names("seeds"), targets);
    let tried = [HTTP, IDENTITY, TEXTS].concat().into_iter().map(str::to_owned).collect();
    assert_eq!(targets, tried);
}
