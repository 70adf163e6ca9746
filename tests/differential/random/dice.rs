//! Chance, the same for the same seed on every machine and in every release.

/// A stream of numbers that one seed decides.
///
/// # Source
///
/// SplitMix64, by G. Steele, D. Lea and C. Flood: "Fast Splittable Pseudorandom Number Generators".
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(1))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number less than `count`, which is not 0.
    pub fn below(&mut self, count: usize) -> usize {
        let count = count.max(1) as u64;
        (self.next() % count) as usize
    }

    /// A number from `least` to `most`.
    pub fn between(&mut self, least: usize, most: usize) -> usize {
        least + self.below(most - least + 1)
    }

    /// Yes in so many cases of a hundred.
    pub fn hits(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of several.
    pub fn one_of<T: Clone>(&mut self, several: &[T]) -> T {
        several[self.below(several.len())].clone()
    }

    /// One of several, each as often as its weight says.
    pub fn weighted<T: Clone>(&mut self, several: &[(usize, T)]) -> T {
        let sum = several.iter().map(|(weight, _)| weight).sum();
        let mut left = self.below(sum);
        for (weight, one) in several {
            if left < *weight {
                return one.clone();
            }
            left -= weight;
        }
        several[0].1.clone()
    }
}
