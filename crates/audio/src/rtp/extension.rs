//! Header extensions: the block (RFC 3550 section 5.3.1) and the elements in it (RFC 8285).

/// A header extension (RFC 3550 section 5.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension<'a> {
    /// Defined by the profile in use.
    pub profile: u16,
    /// A whole number of 32-bit words.
    pub data: &'a [u8],
}

impl<'a> Extension<'a> {
    /// The elements in their order, if the profile is one of the two forms of RFC 8285; else none.
    pub fn elements(&self) -> Elements<'a> {
        let form = match self.profile {
            ONE_BYTE => Form::OneByte,
            profile if profile & !APPLICATION_BITS == TWO_BYTE => Form::TwoByte,
            _ => return Elements { form: Form::OneByte, rest: &[] },
        };
        Elements { form, rest: self.data }
    }

    /// The extension at the beginning of `bytes`, and what follows it.
    pub(super) fn split(bytes: &'a [u8]) -> Option<(Extension<'a>, &'a [u8])> {
        let ([p0, p1, l0, l1], rest) = bytes.split_first_chunk()?;
        let words = usize::from(u16::from_be_bytes([*l0, *l1]));
        let (data, rest) = rest.split_at_checked(words * 4)?;
        Some((Extension { profile: u16::from_be_bytes([*p0, *p1]), data }, rest))
    }
}

/// One element of a header extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    /// What the signalling maps to a meaning: 1 to 14, or to 255 in the two-byte form.
    pub id: u8,
    /// Its content; only the two-byte form can have an empty one.
    pub data: &'a [u8],
}

/// Iterates over the elements of an [`Extension`]. It ends where the standard ends the reading: at
/// the stop marks of the one-byte form, or at an element that is cut short.
#[derive(Debug, Clone)]
pub struct Elements<'a> {
    form: Form,
    rest: &'a [u8],
}

/// How an element announces its length.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// Four bits of id, four bits of length less one (RFC 8285 section 4.2).
    OneByte,
    /// A byte of id, a byte of length (RFC 8285 section 4.3).
    TwoByte,
}

const ONE_BYTE: u16 = 0xBEDE;
const TWO_BYTE: u16 = 0x1000;
/// The part of [`TWO_BYTE`] that an application may use.
const APPLICATION_BITS: u16 = 0x000F;
/// Reserved in the one-byte form: the reading stops.
const STOP: u8 = 15;

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        // A byte of zero is padding between elements.
        while let [0, rest @ ..] = self.rest {
            self.rest = rest;
        }
        let element = self.split();
        if element.is_none() {
            self.rest = &[];
        }
        element
    }
}

impl<'a> Elements<'a> {
    fn split(&mut self) -> Option<Element<'a>> {
        let (id, length, rest) = match (self.form, self.rest) {
            (Form::OneByte, [head, rest @ ..]) => (head >> 4, usize::from(head & 0x0F) + 1, rest),
            (Form::TwoByte, [id, length, rest @ ..]) => (*id, usize::from(*length), rest),
            _ => return None,
        };
        // An id of zero with a length is as much of a stop as the reserved one.
        if matches!((self.form, id), (Form::OneByte, 0 | STOP)) {
            return None;
        }
        let (data, rest) = rest.split_at_checked(length)?;
        self.rest = rest;
        Some(Element { id, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(profile: u16, data: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let elements = Extension { profile, data }.elements();
        elements.map(|element| (element.id, element.data.to_vec())).collect()
    }

    #[test]
    fn the_one_byte_form_is_read() {
        // The figure of RFC 8285 section 4.2: lengths 0, 1 and 3, padding between and behind.
        let data = [0x10, 0xAA, 0x21, 1, 2, 0, 0, 0x33, 1, 2, 3, 4];
        let expected = [(1, vec![0xAA]), (2, vec![1, 2]), (3, vec![1, 2, 3, 4])];
        assert_eq!(read(0xBEDE, &data), expected);
    }

    #[test]
    fn the_two_byte_form_is_read_with_any_application_bits() {
        let data = [1, 0, 2, 1, 0xAA, 0, 200, 4, 1, 2, 3, 4];
        let expected = [(1, vec![]), (2, vec![0xAA]), (200, vec![1, 2, 3, 4])];
        for profile in [0x1000, 0x1003, 0x100F] {
            assert_eq!(read(profile, &data), expected);
        }
        assert_eq!(read(0x1010, &data), []);
        assert_eq!(read(0, &data), []);
    }

    #[test]
    fn what_stops_the_reading_keeps_what_was_read() {
        let first = [(1, vec![9])];
        assert_eq!(read(0xBEDE, &[0x10, 9, 0xF0, 1, 0x10, 1]), first, "id 15");
        assert_eq!(read(0xBEDE, &[0x10, 9, 0x01, 1, 0x10, 1]), first, "id 0 with a length");
        assert_eq!(read(0xBEDE, &[0x10, 9, 0x22, 1]), first, "cut short");
        assert_eq!(read(0x1000, &[1, 1, 9, 2, 3, 0]), first, "cut short");
        assert_eq!(read(0x1000, &[1, 1, 9, 2]), first, "no length");
        assert_eq!(read(0x1000, &[15, 1, 9]), [(15, vec![9])], "no stop in the two-byte form");
    }

    proptest! {
        #[test]
        fn any_bytes_end(profile in prop_oneof![Just(0xBEDE), Just(0x1000), any::<u16>()],
                         data in prop::collection::vec(any::<u8>(), 0..100)) {
            let total: usize = read(profile, &data).iter().map(|(_, data)| data.len() + 1).sum();
            prop_assert!(total <= data.len());
        }
    }
}
