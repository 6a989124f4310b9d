//! How does the house look? Floors as bands, the highest on top; crates as boxes with the question
//! that each answers; a thin line from each crate to those below that it uses.
//!
//! The text of an SVG, made from what was measured and nothing else: the same house gives the same
//! bytes. Widths of letters are estimated, since nothing here knows fonts.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A crate in the picture.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    /// Its floor.
    pub(crate) floor: u64,
    /// Its name, without `portcullis-`.
    pub(crate) name: String,
    /// What it answers.
    pub(crate) question: String,
    /// Names of the crates that it uses.
    pub(crate) below: Vec<String>,
}

/// Sizes in pixels, unless they say otherwise.
const MARGIN: usize = 16;
const NUMBER_WIDTH: usize = 44;
const ROOM_WIDTH: usize = 252;
const ROOM_GAP: usize = 20;
const BAND_PADDING: usize = 12;
const BAND_GAP: usize = 34;
const NAME_HEIGHT: usize = 30;
const LINE_HEIGHT: usize = 15;
/// Letters of a question on one line.
const LINE_LETTERS: usize = 36;

/// Colours of lines, by the floor that they come from.
const COLOURS: [&str; 10] = [
    "#3566a8", "#a8562f", "#3f7d4f", "#b0405f", "#8a7320", "#2f7f86", "#5a55b0", "#c07a1c",
    "#2e8f6a", "#84489a",
];

/// Where a box stands.
struct Placed<'a> {
    room: &'a Room,
    lines: Vec<String>,
    left: usize,
    top: usize,
}

/// The picture.
pub(crate) fn svg(rooms: &[Room]) -> String {
    let mut floors: BTreeMap<u64, Vec<&Room>> = BTreeMap::new();
    for room in rooms {
        floors.entry(room.floor).or_default().push(room);
    }
    let most_rooms = floors.values().map(Vec::len).max().unwrap_or_default();
    let most_lines = rooms.iter().map(|room| wrapped(&room.question).len()).max();
    let room_height = NAME_HEIGHT + most_lines.unwrap_or_default() * LINE_HEIGHT + 4;
    let band_height = room_height + 2 * BAND_PADDING;
    let inner = most_rooms * ROOM_WIDTH + most_rooms.saturating_sub(1) * ROOM_GAP;
    let width = 2 * MARGIN + NUMBER_WIDTH + inner + BAND_PADDING;
    let height = 2 * MARGIN + (floors.len() * (band_height + BAND_GAP)).saturating_sub(BAND_GAP);

    let mut placed = Vec::new();
    let mut bands = String::new();
    for (index, (floor, rooms)) in floors.iter().rev().enumerate() {
        let top = MARGIN + index * (band_height + BAND_GAP);
        let _infallible = writeln!(
            bands,
            r##"<rect x="{MARGIN}" y="{top}" width="{}" height="{band_height}" rx="6" fill="#ebe8df"/>
<text x="{}" y="{}" class="floor">{floor}</text>"##,
            width - 2 * MARGIN,
            MARGIN + NUMBER_WIDTH / 2,
            top + band_height / 2 + 7
        );
        let used = rooms.len() * (ROOM_WIDTH + ROOM_GAP) - ROOM_GAP;
        let start = MARGIN + NUMBER_WIDTH + (inner - used) / 2;
        for (place, room) in rooms.iter().enumerate() {
            let left = start + place * (ROOM_WIDTH + ROOM_GAP);
            let lines = wrapped(&room.question);
            placed.push(Placed { room, lines, left, top: top + BAND_PADDING });
        }
    }
    let (lines, boxes) = (edges(&placed, room_height), boxes(&placed, room_height));
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">
<title>The crates of Portcullis on their floors</title>
<desc>Made by `cargo xtask arch`; do not edit. Lines go strictly down.</desc>
<style>text{{font-family:system-ui,sans-serif;fill:#26241f}}.floor{{font-size:22px;text-anchor:middle;fill:#8b867a}}.name{{font-size:15px;font-weight:600}}.question{{font-size:12px;fill:#4c4940}}.line{{fill:none;stroke-width:1;stroke-opacity:.6}}</style>
<rect width="{width}" height="{height}" fill="#f8f7f3"/>
{bands}{lines}{boxes}</svg>
"##
    )
}

fn boxes(placed: &[Placed<'_>], height: usize) -> String {
    let mut text = String::new();
    for Placed { room, lines, left, top } in placed {
        let inside = left + 10;
        let _infallible = writeln!(
            text,
            r##"<rect x="{left}" y="{top}" width="{ROOM_WIDTH}" height="{height}" rx="4" fill="#ffffff" stroke="{}"/>
<text x="{inside}" y="{}" class="name">{}</text>"##,
            colour(room.floor),
            top + 20,
            escaped(&room.name)
        );
        for (index, line) in lines.iter().enumerate() {
            let y = top + NAME_HEIGHT + 8 + index * LINE_HEIGHT;
            let _infallible = writeln!(
                text,
                r#"<text x="{inside}" y="{y}" class="question">{}</text>"#,
                escaped(line)
            );
        }
    }
    text
}

/// One curve for each use, from the lower edge of one box to the upper edge of another; spread
/// along both edges in the order of the other end, so that few cross.
fn edges(placed: &[Placed<'_>], height: usize) -> String {
    let uses = |from: &Placed<'_>, to: &Placed<'_>| from.room.below.contains(&to.room.name);
    let order = |one: &&Placed<'_>| (one.left, one.top);
    let mut text = String::new();
    for from in placed {
        let mut targets: Vec<&Placed<'_>> = placed.iter().filter(|to| uses(from, to)).collect();
        targets.sort_by_key(order);
        for (out, to) in targets.iter().enumerate() {
            let mut sources: Vec<&Placed<'_>> = placed.iter().filter(|one| uses(one, to)).collect();
            sources.sort_by_key(order);
            let into = sources.iter().position(|one| one.room.name == from.room.name);
            let start = port(from.left, out, targets.len());
            let end = port(to.left, into.unwrap_or_default(), sources.len());
            let (high, low) = (from.top + height, to.top);
            let bend = low.saturating_sub(high) / 2;
            let _infallible = writeln!(
                text,
                r#"<path d="M{start} {high}C{start} {} {end} {} {end} {low}" class="line" stroke="{}"><title>{} uses {}</title></path>"#,
                high + bend,
                low - bend,
                colour(from.room.floor),
                escaped(&from.room.name),
                escaped(&to.room.name)
            );
        }
    }
    text
}

/// Where the line of this number meets the edge of a box.
const fn port(left: usize, number: usize, of: usize) -> usize {
    left + ROOM_WIDTH * (number + 1) / (of + 1)
}

fn colour(floor: u64) -> &'static str {
    let at = usize::try_from(floor).unwrap_or_default() % COLOURS.len();
    COLOURS.get(at).copied().unwrap_or_default()
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.trim_end_matches('.').split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= LINE_LETTERS => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::{Room, svg};

    #[test]
    fn floors_stand_on_each_other_and_words_are_escaped() {
        let room = |floor, name: &str, below: &[&str]| Room {
            floor,
            name: name.to_owned(),
            question: "is 1 < 2, & why?".to_owned(),
            below: below.iter().map(|one| (*one).to_owned()).collect(),
        };
        let drawn = svg(&[room(0, "low", &[]), room(3, "high", &["low", "elsewhere"])]);
        assert!(drawn.find(">3<") < drawn.find(">0<"), "{drawn}");
        assert_eq!(drawn.matches("<path ").count(), 1, "{drawn}");
        assert!(drawn.contains("is 1 &lt; 2, &amp; why?"), "{drawn}");
        assert_eq!(drawn, svg(&[room(0, "low", &[]), room(3, "high", &["low", "elsewhere"])]));
    }
}
