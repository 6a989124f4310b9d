//! Where may guards be switched off? In a copy of the code under `target/guards`, built once with all
//! switches in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::row::{Guard, Noticed, OFF, SWITCH};

/// Tables of lints, which would refuse code with switches in it.
const LINTS: &str = "[lints]\nworkspace = true\n";

/// The copy, built.
pub(super) struct House {
    demo: PathBuf,
    /// Programs of tests, by package and file; of its library where there is no file.
    tests: BTreeMap<(&'static str, Option<&'static str>), PathBuf>,
}

impl House {
    /// Copies the code, puts switches at these guards, and builds what notices them.
    pub(super) fn build(guards: &[&Guard]) -> Result<Self> {
        let house = copy(guards)?;
        let here = std::env::current_dir()?;
        let target = here.join("target/guards/target");
        // tests find their counterparts beside what was built
        let tools = house.join("target/tools");
        fs::create_dir_all(house.join("target"))?;
        if fs::symlink_metadata(&tools).is_err() {
            std::os::unix::fs::symlink(here.join("target/tools"), &tools)?;
        }
        let build = ["build", "-p", "portcullis"].map(str::to_owned);
        cargo(&house, &target, &build)?;
        let wanted: BTreeSet<_> = guards.iter().filter_map(|guard| wanted(guard)).collect();
        let packages: BTreeSet<_> = wanted.iter().map(|(package, _)| *package).collect();
        let mut tests = BTreeMap::new();
        for package in packages {
            let mut arguments = ["test", "--no-run", "-p", package].map(str::to_owned).to_vec();
            for (_, file) in wanted.iter().filter(|(of, _)| *of == package) {
                match file {
                    Some(file) => arguments.extend(["--test".to_owned(), (*file).to_owned()]),
                    None => arguments.push("--lib".to_owned()),
                }
            }
            let built = programs(&cargo(&house, &target, &arguments)?);
            for (_, file) in wanted.iter().filter(|(of, _)| *of == package) {
                let name = file.map_or_else(|| package.replace('-', "_"), str::to_owned);
                let program = built.get(&name).with_context(|| format!("no test {name}"))?;
                tests.insert((package, *file), program.clone());
            }
        }
        // tests begin in the folder of their package
        Ok(Self { demo: target.join("debug/portcullis"), tests })
    }

    /// Whether the demo or the test passes with this guard off, or with none.
    pub(super) fn passes(&self, watcher: Noticed, off: Option<&str>) -> Result<bool> {
        let mut command = match watcher {
            Noticed::Demo => {
                let mut demo = Command::new(&self.demo);
                demo.args(["demo", "--once"]);
                demo
            }
            Noticed::Test { package, file, test } => {
                let program = self.tests.get(&(package, file)).context("a test that was built")?;
                let mut command = Command::new(program);
                command.args([test, "--exact"]);
                command
            }
        };
        if let Some(off) = off {
            command.env(SWITCH, off);
        }
        let output = command.stderr(Stdio::null()).output()?;
        if let Noticed::Test { test, .. } = watcher {
            let said = String::from_utf8_lossy(&output.stdout);
            ensure!(said.contains("running 1 test"), "there is no test `{test}`");
        }
        Ok(output.status.success())
    }
}

fn wanted(guard: &Guard) -> Option<(&'static str, Option<&'static str>)> {
    match guard.noticed {
        Noticed::Demo => None,
        Noticed::Test { package, file, .. } => Some((package, file)),
    }
}

/// Copies the code to where it may be broken.
fn copy(guards: &[&Guard]) -> Result<PathBuf> {
    let house = std::env::current_dir()?.join("target/guards/house");
    let mut edited: BTreeMap<PathBuf, String> = BTreeMap::new();
    for guard in guards {
        let text = match edited.remove(Path::new(guard.file)) {
            Some(text) => text,
            None => fs::read_to_string(guard.file).with_context(|| guard.file.to_owned())?,
        };
        let places = text.matches(guard.from).count();
        ensure!(places == 1, "`{}`: its text stands {places} times in {}", guard.name, guard.file);
        let off =
            format!("(std::env::var_os({SWITCH:?}).is_some_and(|off| off == {:?}))", guard.name);
        let text = text.replace(guard.from, &guard.to.replace(OFF, &off));
        edited.insert(PathBuf::from(guard.file), text);
    }
    for name in ["crates", "examples", "xtask"] {
        copy_folder(Path::new(name), &house, &edited)?;
    }
    for name in ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "clippy-pure.toml"] {
        write(&house.join(name), &fs::read(name).with_context(|| name.to_owned())?)?;
    }
    Ok(house)
}

fn copy_folder(from: &Path, house: &Path, edited: &BTreeMap<PathBuf, String>) -> Result<()> {
    fs::create_dir_all(house.join(from))?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let path = from.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_folder(&path, house, edited)?;
        } else if kind.is_file() {
            let target = house.join(&path);
            match edited.get(&path) {
                Some(text) => write(&target, text.as_bytes())?,
                None if path.ends_with("Cargo.toml") => {
                    write(&target, fs::read_to_string(&path)?.replace(LINTS, "").as_bytes())?;
                }
                None => write(&target, &fs::read(&path)?)?,
            }
        }
    }
    Ok(())
}

/// An unchanged file keeps its time, so that cargo builds only what differs.
fn write(target: &Path, text: &[u8]) -> Result<()> {
    if fs::read(target).ok().as_deref() != Some(text) {
        fs::write(target, text)?;
    }
    Ok(())
}

/// Builds; what cargo said of it, in JSON.
fn cargo(house: &Path, target: &Path, arguments: &[String]) -> Result<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(arguments)
        .args(["--quiet", "--offline", "--message-format", "json", "--target-dir"])
        .arg(target)
        .current_dir(house)
        .stderr(Stdio::inherit())
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let lines = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        for line in lines {
            if let Some(error) = line.pointer("/message/rendered").and_then(Value::as_str)
                && error.starts_with("error")
            {
                println!("{error}");
            }
        }
    }
    ensure!(output.status.success(), "the changed code does not build");
    Ok(said)
}

/// Programs that were built, by the names of their targets.
fn programs(said: &str) -> BTreeMap<String, PathBuf> {
    let lines = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let program = |line: Value| {
        let name = line.pointer("/target/name")?.as_str()?.to_owned();
        Some((name, PathBuf::from(line.get("executable")?.as_str()?)))
    };
    lines.filter_map(program).collect()
}
