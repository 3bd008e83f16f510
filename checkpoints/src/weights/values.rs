//! A tensor's values on their way into a file.

use std::borrow::Cow;
use std::error::Error;
use std::ops::Range;

/// The values of a tensor, row-major, handed out a part at a time: what holds them elsewhere than in the host's memory
/// need never copy the whole tensor.
pub trait TensorValues {
    /// How many there are.
    fn count(&self) -> usize;

    /// Those of a range, which lies within the count.
    ///
    /// # Errors
    /// They cannot be read.
    fn part(&self, range: Range<usize>) -> Result<Cow<'_, [f32]>, Box<dyn Error + Send + Sync>>;
}

impl TensorValues for Vec<f32> {
    fn count(&self) -> usize {
        self.len()
    }

    fn part(&self, range: Range<usize>) -> Result<Cow<'_, [f32]>, Box<dyn Error + Send + Sync>> {
        Ok(Cow::Borrowed(&self[range]))
    }
}
