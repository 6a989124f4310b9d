//! Which containers are open, what is the path here, and has this name occurred before?
//!
//! Names of open objects lie behind one another in one buffer; closing an object cuts it. Small
//! objects compare each new name with all before it. Large ones sort their names once, when they
//! close, so that no number of members makes the check quadratic.

/// Up to this many members each new name is compared with all others at once: cheaper than
/// sorting, and the refusal comes early.
const COMPARED_MEMBERS_MAX: usize = 32;

/// Bytes of a pointer in an error: a pointer is for people, and names are the sender's.
const POINTER_BYTES_MAX: usize = 256;

/// A member name in the buffer.
#[derive(Clone, Copy, Debug)]
struct Name {
    start: usize,
    len: usize,
    /// Where it stands in the text.
    offset: usize,
}

#[derive(Clone, Copy, Debug)]
enum Frame {
    Array {
        /// Elements begun.
        begun: usize,
    },
    Object {
        /// First of its names.
        first: usize,
        /// Where its names start in the buffer.
        bytes: usize,
        /// The member that is being read.
        current: Option<Name>,
    },
}

/// What kind of container it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    Array,
    Object,
}

/// The open containers, outermost first.
#[derive(Debug)]
pub(super) struct Path {
    frames: Vec<Frame>,
    names: Vec<Name>,
    bytes: Vec<u8>,
}

impl Path {
    /// Nothing is open.
    pub(super) const fn new() -> Self {
        Self { frames: Vec::new(), names: Vec::new(), bytes: Vec::new() }
    }

    /// How many are open.
    #[inline]
    pub(super) const fn depth(&self) -> usize {
        self.frames.len()
    }

    /// The innermost.
    #[inline]
    pub(super) fn innermost(&self) -> Option<Container> {
        self.frames.last().map(|frame| match frame {
            Frame::Array { .. } => Container::Array,
            Frame::Object { .. } => Container::Object,
        })
    }

    /// Opens one.
    pub(super) fn open(&mut self, container: Container) {
        self.frames.push(match container {
            Container::Array => Frame::Array { begun: 0 },
            Container::Object => {
                let (first, bytes) = (self.names.len(), self.bytes.len());
                Frame::Object { first, bytes, current: None }
            }
        });
    }

    /// An element begins in the innermost array.
    #[inline]
    pub(super) fn element(&mut self) {
        if let Some(Frame::Array { begun }) = self.frames.last_mut() {
            *begun += 1;
        }
    }

    /// A member begins in the innermost object, by its unescaped name. `Err`: it occurred before.
    pub(super) fn member(&mut self, name: &[u8], offset: usize) -> Result<(), usize> {
        let Some(Frame::Object { first, current, .. }) = self.frames.last_mut() else {
            return Ok(());
        };
        let before = self.names.get(*first..).unwrap_or_default();
        let twice = before.len() < COMPARED_MEMBERS_MAX
            && before.iter().any(|one| one.len == name.len() && text(&self.bytes, *one) == name);
        let one = Name { start: self.bytes.len(), len: name.len(), offset };
        self.bytes.extend_from_slice(name);
        self.names.push(one);
        *current = Some(one);
        if twice { Err(offset) } else { Ok(()) }
    }

    /// The member or element that was being read is over.
    #[inline]
    pub(super) fn member_over(&mut self) {
        if let Some(Frame::Object { current, .. }) = self.frames.last_mut() {
            *current = None;
        }
    }

    /// Closes the innermost. `Err`: a name occurred twice, the second time at this offset.
    pub(super) fn close(&mut self) -> Result<(), usize> {
        let Some(Frame::Object { first, bytes, .. }) = self.frames.last().copied() else {
            self.frames.pop();
            return Ok(());
        };
        if self.names.len() - first > COMPARED_MEMBERS_MAX {
            self.sorted_unique(first)?;
        }
        self.frames.pop();
        self.names.truncate(first);
        self.bytes.truncate(bytes);
        Ok(())
    }

    /// JSON pointer of the value that is being read.
    pub(super) fn pointer(&self) -> String {
        let mut pointer = String::new();
        for frame in &self.frames {
            match frame {
                Frame::Array { begun: 0 } | Frame::Object { current: None, .. } => {}
                Frame::Array { begun } => {
                    pointer.push('/');
                    pointer.push_str(&(begun - 1).to_string());
                }
                Frame::Object { current: Some(name), .. } => {
                    pointer.push('/');
                    push_escaped(&mut pointer, &String::from_utf8_lossy(text(&self.bytes, *name)));
                }
            }
            if pointer.len() > POINTER_BYTES_MAX {
                pointer.truncate(pointer.floor_char_boundary(POINTER_BYTES_MAX));
                pointer.push('…');
                break;
            }
        }
        pointer
    }

    fn sorted_unique(&mut self, first: usize) -> Result<(), usize> {
        let bytes = &self.bytes;
        let names = self.names.get_mut(first..).unwrap_or_default();
        names.sort_unstable_by(|a, b| {
            text(bytes, *a).cmp(text(bytes, *b)).then(a.offset.cmp(&b.offset))
        });
        let twice = names
            .iter()
            .zip(names.iter().skip(1))
            .filter(|(a, b)| text(bytes, **a) == text(bytes, **b))
            .map(|(_, b)| *b)
            .min_by_key(|name| name.offset);
        let Some(name) = twice else {
            return Ok(());
        };
        if let Some(Frame::Object { current, .. }) = self.frames.last_mut() {
            *current = Some(name);
        }
        Err(name.offset)
    }
}

#[inline]
fn text(bytes: &[u8], name: Name) -> &[u8] {
    bytes.get(name.start..name.start + name.len).unwrap_or_default()
}

fn push_escaped(pointer: &mut String, name: &str) {
    for character in name.chars().take(POINTER_BYTES_MAX) {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}
