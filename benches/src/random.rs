/// A small generator of our own (splitmix64): the same numbers on every machine, for good.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// One that begins here.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, all of them equally often.
    pub fn below(&mut self, end: u32) -> u32 {
        // The upper half of the product is below `end`, and fits.
        u32::try_from(((self.next() >> 32) * u64::from(end)) >> 32).unwrap_or_default()
    }

    /// Below `end`, and far more often near 0, as few problems make most of a log.
    pub fn skewed(&mut self, end: u32) -> u32 {
        let once = self.below(end);
        let twice = self.below(once + 1);
        self.below(twice + 1)
    }
}
