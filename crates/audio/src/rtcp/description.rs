//! Source descriptions (RFC 3550 section 6.5).

/// The canonical name, the one item that every source must send.
pub(super) const CNAME: u8 = 1;

/// What is said of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// The source.
    pub ssrc: u32,
    items: Items<'a>,
}

impl<'a> Chunk<'a> {
    /// The items, in wire order.
    pub fn items(&self) -> Items<'a> {
        self.items.clone()
    }

    /// The canonical name: the same for all streams of one participant. It is UTF-8 by the
    /// standard.
    pub fn cname(&self) -> Option<&'a [u8]> {
        self.items().find(|item| item.kind == CNAME).map(|item| item.text)
    }
}

/// Something said of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item<'a> {
    /// What it is: 1 the canonical name, 2 to 8 name, e-mail and others (section 6.5).
    pub kind: u8,
    /// UTF-8 by the standard.
    pub text: &'a [u8],
}

/// Iterates over the items of a [`Chunk`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Items<'a>(
    /// Without the zeros at the end.
    &'a [u8],
);

impl<'a> Iterator for Items<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        let &[kind, length, ref rest @ ..] = self.0 else { return None };
        let (text, rest) = rest.split_at_checked(usize::from(length))?;
        self.0 = rest;
        Some(Item { kind, text })
    }
}

/// Iterates over the chunks of a source description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunks<'a> {
    left: u8,
    rest: &'a [u8],
}

impl<'a> Chunks<'a> {
    /// `count` chunks at the beginning of `body`, if they are all there.
    pub(super) fn check(count: u8, body: &'a [u8]) -> Option<Chunks<'a>> {
        let mut rest = body;
        for _ in 0..count {
            (_, rest) = split(rest)?;
        }
        Some(Chunks { left: count, rest: body })
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Chunk<'a>;

    fn next(&mut self) -> Option<Chunk<'a>> {
        self.left = self.left.checked_sub(1)?;
        let (chunk, rest) = split(self.rest)?;
        self.rest = rest;
        Some(chunk)
    }
}

/// The chunk at the beginning of `bytes`. Its items end with a zero, and more zeros up to a word.
fn split(bytes: &[u8]) -> Option<(Chunk<'_>, &[u8])> {
    let (ssrc, items) = bytes.split_first_chunk()?;
    let mut end = 0;
    while *items.get(end)? != 0 {
        end += 2 + usize::from(*items.get(end + 1)?);
    }
    let (items, rest) = items.split_at_checked((end + 1).next_multiple_of(4))?;
    Some((Chunk { ssrc: u32::from_be_bytes(*ssrc), items: Items(&items[..end]) }, rest))
}
