//! What does one page say, and how does it look to people? The words are in the tables beside.

use std::fmt;

use crate::Severity;

/// What there is to know about one code.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// The code, `PC` and four digits.
    pub code: &'static str,
    /// What it is about, in one line.
    pub title: &'static str,
    /// How bad its findings are; two only where it depends on the place.
    pub severities: &'static [Severity],
    /// What was found.
    pub means: &'static str,
    /// Why it is not let pass.
    pub matters: &'static str,
    /// What to do.
    pub mend: &'static str,
    /// The same place, wrong and right.
    pub example: Option<Example>,
}

/// The same place in a file of `examples/shop`, wrong and right.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// The file, relative to the folder of the estate.
    pub file: &'static str,
    /// Written like this, the finding is there.
    pub wrong: &'static str,
    /// As it stands in the shop.
    pub right: &'static str,
}

impl Page {
    /// Its severities in words.
    #[must_use]
    pub fn severity(&self) -> String {
        let words: Vec<&str> = self.severities.iter().map(|one| one.as_str()).collect();
        words.join(" or ")
    }
}

/// The page as text for people.
impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({}): {}", self.code, self.severity(), self.title)?;
        writeln!(f, "\n{}", self.means)?;
        writeln!(f, "\nwhy: {}", self.matters)?;
        writeln!(f, "\nfix: {}", self.mend)?;
        if let Some(example) = &self.example {
            for (word, text) in [("wrong", example.wrong), ("right", example.right)] {
                writeln!(f, "\n{word}, in {}:", example.file)?;
                for line in text.lines() {
                    writeln!(f, "  {line}")?;
                }
            }
        }
        Ok(())
    }
}

/// Writes pages down without their field names: code, severities, title, meaning, why, fix, and
/// an example where one helps.
macro_rules! table {
    (@example) => { None };
    (@example $file:literal wrong $wrong:literal right $right:literal) => {
        Some($crate::codes::page::Example { file: $file, wrong: $wrong, right: $right })
    };
    ($($code:literal $($severity:ident)+ : $title:literal
        means $means:literal
        matters $matters:literal
        mend $mend:literal
        $($file:literal wrong $wrong:literal right $right:literal)? ;)*) => {
        pub(super) const PAGES: &[$crate::codes::page::Page] = &[$($crate::codes::page::Page {
            code: $code,
            title: $title,
            severities: &[$($crate::Severity::$severity),+],
            means: $means,
            matters: $matters,
            mend: $mend,
            example: $crate::codes::page::table!(@example $($file wrong $wrong right $right)?),
        }),*];
    };
}
pub(super) use table;
