//! Means that know how many they are of.

/// A sum and a count: adding two of them up is scoring both their steps together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mean {
    /// What was added up.
    pub sum: f64,
    /// How many times.
    pub count: u64,
}

impl Mean {
    /// Takes a value in.
    pub fn push(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }

    /// Takes all of another's values in.
    pub fn add(&mut self, other: Mean) {
        self.sum += other.sum;
        self.count += other.count;
    }

    /// The mean; none of nothing.
    pub fn value(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_of_nothing_is_undefined() {
        let mut mean = Mean::default();
        assert_eq!(mean.value(), None);
        mean.push(1.0);
        mean.add(Mean { sum: 0.5, count: 3 });
        assert_eq!(mean.value(), Some(0.375));
    }
}
