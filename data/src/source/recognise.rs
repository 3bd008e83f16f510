//! Whole files that should be JSON: byte order marks, and files of other kinds that lie in their place.

use glpft_checkpoints::{foreign_content, without_mark};

use crate::record_error::RecordError;

/// What `read` makes of the text of a file, without a byte order mark.
///
/// # Errors
/// What `read` says; of a file that is no JSON what it is instead, where it is of a kind that is well known.
pub(crate) fn read_text<T>(
    bytes: &[u8],
    read: impl FnOnce(&str) -> Result<T, RecordError>,
) -> Result<T, RecordError> {
    let text = std::str::from_utf8(without_mark(bytes));
    let result = text.map_err(RecordError::from).and_then(read);
    result.map_err(|error| match (&error, foreign_content(bytes)) {
        (RecordError::Json(_) | RecordError::Encoding(_), Some(what)) => {
            RecordError::Recognised(what)
        }
        _ => error,
    })
}
