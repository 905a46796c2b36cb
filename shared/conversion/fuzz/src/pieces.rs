//! Choices made by bytes. The fuzzer changes the bytes, and so a choice here and there.

/// Characters that JSON writers differ about, times that parsers differ about, and what else is worth a try.
const ODD_TEXTS: &[&str] = &[
    "",
    "<&>\u{2028}\u{2029}",
    "\"\\/\u{0}\u{8}\u{c}\n\r\t\u{7f}",
    "é世😀",
    "/bin/sh -c #(nop)  CMD [\"httpd\"]",
    "2016-09-23T18:08:51.133779867Z",
    "2016-09-23T18:08:51.500000000+02:00",
    "0001-01-01T00:00:00Z",
    "yesterday",
    "amd64",
    "linux",
];

/// Bytes to choose with. When they run out, every choice is the first one.
pub(crate) struct Pieces<'a>(&'a [u8]);

impl<'a> Pieces<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// A number below `end`, which is at most 256.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end
    }

    /// True one time in `times`, and never without bytes.
    pub(crate) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }

    pub(crate) fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }

    /// Mostly the first, else one of the others.
    pub(crate) fn mostly<T: Clone>(&mut self, usual: T, others: &[T]) -> T {
        if self.one_in(4) { self.one_of(others) } else { usual }
    }

    /// Up to `most` of something.
    pub(crate) fn several<T>(&mut self, most: usize, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(most + 1)).map(|_| make(self)).collect()
    }

    /// A size of content: small, or one of the extremes.
    pub(crate) fn size(&mut self) -> u64 {
        self.mostly(1234, &[0, 1, u64::from(u32::MAX), i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX])
    }

    /// One of the odd texts, or the next bytes as they are.
    pub(crate) fn text(&mut self) -> String {
        match self.below(ODD_TEXTS.len() + 1) {
            0 => {
                let length = self.below(24).min(self.0.len());
                let (text, rest) = self.0.split_at(length);
                self.0 = rest;
                String::from_utf8_lossy(text).into_owned()
            }
            odd => ODD_TEXTS[odd - 1].to_owned(),
        }
    }

    /// A digest; there are few, so that some meet.
    pub(crate) fn digest(&mut self) -> String {
        let number = self.below(8);
        if self.one_in(16) { format!("sha512:{number:0128x}") } else { format!("sha256:{number:064x}") }
    }
}
