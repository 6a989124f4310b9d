//! Which paths into its own crate does a file name? A reading of the text, not of the language:
//! formatted sources, one item under each `#[cfg(test)]`, no macros that make paths.

/// Absolute paths that the text of module `from` names outside tests.
pub(super) fn named(text: &str, from: &[String]) -> Vec<Vec<String>> {
    let text = code(text);
    let children: Vec<&str> = text
        .lines()
        .filter_map(|line| line.trim().strip_suffix(';')?.rsplit_once("mod "))
        .map(|(_, name)| name)
        .collect();
    let mut paths = Vec::new();
    let mut before = ' ';
    for (at, letter) in text.char_indices() {
        let begins = is_name(letter) && !is_name(before) && !matches!(before, ':' | '$' | '.');
        before = letter;
        if !begins {
            continue;
        }
        let rest = text.get(at..).unwrap_or_default();
        let (first, after) = name(rest);
        if !after.starts_with("::") {
            continue;
        }
        let mut base = from.to_vec();
        match first {
            "crate" => base.clear(),
            "self" => {}
            "super" => drop(base.pop()),
            child if children.contains(&child) => base.push(child.to_owned()),
            _ => continue,
        }
        tree(after.trim_start_matches("::"), base, &mut paths);
    }
    paths
}

/// What of a text is code that lives.
pub(in crate::arch) fn code(text: &str) -> String {
    without_tests(&without_comments(text))
}

/// Reads what follows `base::`; answers what is left of the text.
fn tree<'a>(text: &'a str, mut base: Vec<String>, paths: &mut Vec<Vec<String>>) -> &'a str {
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = rest.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
            if let Some(after) = rest.strip_prefix('}') {
                return after;
            }
            let left = tree(rest, base.clone(), paths);
            // an alias, or something that is no use tree: go on behind it
            rest = left.trim_start_matches(|c: char| !matches!(c, ',' | '}'));
            if rest.is_empty() {
                return rest;
            }
        }
    }
    let (first, rest) = name(text);
    match first {
        "super" => drop(base.pop()),
        "self" | "" => {}
        _ => base.push(first.to_owned()),
    }
    match rest.strip_prefix("::") {
        Some(below) if below.starts_with(|c| is_name(c) || c == '{') => tree(below, base, paths),
        _ => {
            paths.push(base);
            rest
        }
    }
}

fn name(text: &str) -> (&str, &str) {
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn is_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

fn without_comments(text: &str) -> String {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| [line, "\n"]).collect()
}

/// Drops the item under each `#[cfg(test)]`: up to its `;`, or to the brace that closes it at the
/// same depth.
fn without_tests(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, item)) = rest.split_once("#[cfg(test)]") {
        kept.push_str(before);
        let indent = before.rsplit('\n').next().unwrap_or_default();
        let close = format!("\n{indent}}}\n");
        rest = match (item.find(';'), item.find('{')) {
            (Some(end), brace) if brace.is_none_or(|brace| end < brace) => item.get(end..),
            _ => item.split_once(close.as_str()).map(|(_, after)| after),
        }
        .unwrap_or_default();
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::named;

    fn paths(text: &str) -> Vec<String> {
        let from = ["a".to_owned(), "b".to_owned()];
        named(text, &from).iter().map(|path| path.join("::")).collect()
    }

    #[test]
    fn every_way_to_name_a_path_is_seen() {
        assert_eq!(
            paths("use crate::x::{Y, z::{self, W as V}, q};"),
            ["x::Y", "x::z", "x::z::W", "x::q"]
        );
        assert_eq!(paths("use super::{Bounds, head::End};"), ["a::Bounds", "a::head::End"]);
        assert_eq!(paths("use super::super::top::Of;"), ["top::Of"]);
        assert_eq!(paths("mod child;\nfn f() { child::go(); other::go() }"), ["a::b::child::go"]);
        assert_eq!(paths("fn f(x: &crate::m::T<u8>) { crate::m::go::<u8>(x) }"), ["m::T", "m::go"]);
    }

    #[test]
    fn what_is_no_import_is_not_seen() {
        for text in [
            "// use crate::x::Y;\n",
            "#[cfg(test)]\nmod tests {\n    use super::*;\n    use crate::x::Y;\n}\n",
            "#[cfg(test)]\nmod tests;\n",
            "pub(super) fn f() { std::time::go(); $crate::x::Y }",
            "mod time;\nuse std::time::Duration;",
        ] {
            assert!(paths(text).is_empty(), "{text}: {:?}", paths(text));
        }
        let after = "#[cfg(test)]\nmod tests {\n    fn f() {}\n}\nuse crate::x::Y;\n";
        assert_eq!(paths(after), ["x::Y"]);
    }
}
