//! Parquet tables: a record a row, its columns the keys.
//!
//! A table has every key in every row; one that is null in a row is left out of its record, as in JSON lines.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use serde_json::{Map, Number, Value};

use super::TakeRecord;
use crate::record_error::{Place, RecordError};

/// Hands every row to `each`.
pub(super) fn each(path: &Path, each: &mut TakeRecord<'_>) -> Result<(), RecordError> {
    let file = File::open(path)?;
    let reader = guarded(|| SerializedFileReader::new(file))?;
    let mut rows = guarded(|| reader.get_row_iter(None))?;
    for index in 0.. {
        let Some(row) = guarded(|| rows.next().transpose())? else {
            break;
        };
        if each(Place::Index(index), Ok(object(&row))).is_break() {
            break;
        }
    }
    Ok(())
}

/// The reader's checks of damaged files are not complete: some end in a panic, which is an error like the others here.
fn guarded<T>(
    read: impl FnOnce() -> Result<T, parquet::errors::ParquetError>,
) -> Result<T, RecordError> {
    let problem = match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "it is damaged".to_owned(),
    };
    Err(RecordError::Parquet { problem })
}

fn object(row: &Row) -> Value {
    let columns = row.get_column_iter();
    let given = columns.filter(|(_, field)| !matches!(field, Field::Null));
    let object: Map<String, Value> = given
        .map(|(name, field)| (name.clone(), value(field)))
        .collect();
    Value::Object(object)
}

fn value(field: &Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(flag) => Value::Bool(*flag),
        Field::Byte(number) => (*number).into(),
        Field::Short(number) => (*number).into(),
        Field::Int(number) => (*number).into(),
        Field::Long(number) => (*number).into(),
        Field::UByte(number) => (*number).into(),
        Field::UShort(number) => (*number).into(),
        Field::UInt(number) => (*number).into(),
        Field::ULong(number) => (*number).into(),
        Field::Float(number) => real(f64::from(*number)),
        Field::Double(number) => real(*number),
        Field::Str(text) => Value::String(text.clone()),
        Field::Bytes(bytes) => Value::String(String::from_utf8_lossy(bytes.data()).into_owned()),
        Field::Group(row) => object(row),
        Field::ListInternal(list) => list.elements().iter().map(value).collect(),
        Field::MapInternal(map) => {
            let entries = map.entries().iter().map(|(key, entry)| {
                let key = match key {
                    Field::Str(text) => text.clone(),
                    other => other.to_string(),
                };
                (key, value(entry))
            });
            Value::Object(entries.collect())
        }
        // Dates and the like: no key of a trajectory has one.
        other => Value::String(other.to_string()),
    }
}

fn real(number: f64) -> Value {
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}
