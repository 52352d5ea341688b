//! What of a guess may still come. Who finds another token than the guess has, is often back on it a few words later: then
//! one pass judges the rest of it at once.

/// How far behind its place a token is looked for: so many tokens of the guess may be skipped at once.
const WITHIN: usize = 4;
/// A rest of so many tokens is worth a pass of its own.
const WORTH: usize = 2;

/// A guess, and how far one has come in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draft<'g> {
    guess: &'g [u32],
    next: usize,
    on_it: bool,
}

/// What a reading took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Work {
    /// Passes through the decoder, the first included.
    pub(crate) passes: usize,
    /// Tokens that passes judged beside the one that each of them finds.
    pub(crate) judged: usize,
}

impl<'g> Draft<'g> {
    pub(crate) fn new(guess: &'g [u32]) -> Self {
        Self { guess, next: 0, on_it: true }
    }

    /// This token was found.
    pub(crate) fn found(&mut self, token: u32) {
        let rest = &self.guess[self.next..];
        let ahead = rest.iter().take(WITHIN).position(|guessed| *guessed == token);
        self.next += ahead.map_or(0, |ahead| ahead + 1);
        self.on_it = ahead.is_some();
    }

    /// The tokens that are expected next, if they are worth being judged together.
    pub(crate) fn expected(&self) -> Option<&'g [u32]> {
        let rest = &self.guess[self.next..];
        (self.on_it && rest.len() >= WORTH).then_some(rest)
    }

    /// The tokens that are expected first.
    pub(crate) fn first(&self) -> &'g [u32] {
        self.guess
    }
}

impl Work {
    /// What it took to find `tokens`.
    pub(crate) fn of(guess: &[u32], tokens: &[u32]) -> Self {
        let mut work = Self::default();
        let mut draft = Draft::new(guess);
        let mut expected = Some(draft.first());
        let mut found = 0;
        loop {
            work.passes += 1;
            let drafted = expected.unwrap_or_default();
            work.judged += if expected.is_some() { found + drafted.len() } else { 0 };
            let mut left = drafted.iter();
            loop {
                let Some(&token) = tokens.get(found) else { return work };
                draft.found(token);
                found += 1;
                if left.next() != Some(&token) {
                    break;
                }
            }
            expected = draft.expected();
        }
    }

    /// What it took if the guess was left at the first token that is another.
    pub(crate) fn of_prefix(guess: &[u32], tokens: &[u32]) -> Self {
        let right = guess.iter().zip(tokens).take_while(|(guess, token)| guess == token).count();
        Self { passes: 1 + tokens.len() - right, judged: guess.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(guess: &[u32], tokens: &[u32]) -> (usize, usize) {
        let Work { passes, judged } = Work::of(guess, tokens);
        (passes, judged)
    }

    #[test]
    fn a_guess_that_is_right_takes_one_pass() {
        assert_eq!(work(&[1, 2, 3], &[1, 2, 3]), (1, 3));
        assert_eq!(work(&[1, 2, 3], &[1, 2]), (1, 3), "it ends before");
        assert_eq!(work(&[1, 2, 3], &[1, 2, 3, 4, 5]), (3, 3));
        assert_eq!(work(&[], &[1, 2]), (3, 0), "the end is a token as well");
    }

    #[test]
    fn who_is_back_on_the_guess_has_its_rest_judged_at_once() {
        let guess = [1, 2, 3, 4, 5, 6];
        assert_eq!(work(&guess, &[9, 2, 3, 4, 5, 6]), (3, 6 + 6), "another token");
        assert_eq!(work(&guess, &[9, 1, 2, 3, 4, 5, 6]), (3, 6 + 7), "one more");
        assert_eq!(work(&guess, &[2, 3, 4, 5, 6]), (2, 6 + 5), "one less");
        assert_eq!(work(&guess, &[9, 9, 9, 9, 9, 9]), (7, 6), "nothing of it");
    }
}
