//! What a prepared file says of one example, beside its tokens.

/// How many u32 columns a record has.
pub(super) const COLUMNS: usize = 9;

/// A row of the array `examples`, in this order; `start` takes two columns, the low half first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// Where the example's own tokens begin; they end where the next example's begin.
    pub start: u64,
    /// The earlier example whose first `shared` tokens are this one's, too.
    pub shares_with: u32,
    /// How many that are; 0 where it shares none.
    pub shared: u32,
    /// The first label among the example's tokens, shared ones counted.
    pub label_start: u32,
    /// The trajectory in its source.
    pub trajectory: u32,
    /// The target's turn.
    pub turn: u32,
    /// The first token that the role alone reads.
    pub role_start: u32,
    /// As in [`Split`](crate::Split).
    pub split: u8,
}

impl Record {
    /// The size of a row.
    pub const BYTES: usize = 4 * COLUMNS;

    /// Reads the row that `bytes` begin with.
    ///
    /// # Panics
    /// Where there are fewer bytes than a row's.
    pub fn read(bytes: &[u8]) -> Self {
        let column = |index: usize| {
            let mut le = [0; 4];
            le.copy_from_slice(&bytes[4 * index..4 * index + 4]);
            u32::from_le_bytes(le)
        };
        Self {
            start: u64::from(column(0)) | u64::from(column(1)) << 32,
            shares_with: column(2),
            shared: column(3),
            label_start: column(4),
            trajectory: column(5),
            turn: column(6),
            role_start: column(7),
            // A number beyond a byte is no split, and neither is the byte that then stands for it.
            split: u8::try_from(column(8)).unwrap_or(u8::MAX),
        }
    }

    /// The row.
    pub fn bytes(&self) -> [u8; Self::BYTES] {
        let columns: [u32; COLUMNS] = [
            self.start as u32,
            (self.start >> 32) as u32,
            self.shares_with,
            self.shared,
            self.label_start,
            self.trajectory,
            self.turn,
            self.role_start,
            self.split.into(),
        ];
        let mut bytes = [0; Self::BYTES];
        for (place, column) in bytes.chunks_exact_mut(4).zip(columns) {
            place.copy_from_slice(&column.to_le_bytes());
        }
        bytes
    }
}
