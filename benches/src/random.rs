/// A random number generator (splitmix64) that yields the same numbers on every machine.
///
/// It is implemented here because crates may change their generators between versions.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// Creates a generator with this seed.
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

    /// Returns a uniformly distributed number below `end`.
    pub fn below(&mut self, end: u32) -> u32 {
        // The upper half of the 64-bit product is below `end`, so it fits into a `u32`.
        u32::try_from(((self.next() >> 32) * u64::from(end)) >> 32).unwrap_or_default()
    }

    /// Returns a number below `end` that is most often close to 0, as a few problems cause most of a log.
    pub fn skewed(&mut self, end: u32) -> u32 {
        let once = self.below(end);
        let twice = self.below(once + 1);
        self.below(twice + 1)
    }
}
