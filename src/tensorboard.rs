//! A run's training logs as TensorBoard reads them: a folder a stage, one event file in each.
//!
//! An event file is a sequence of records (length, checksum, content, checksum), each of them a protobuf message
//! `tensorflow.Event`; of that message scalars need five fields, which are written here by hand.

use std::io::{self, Write};
use std::path::PathBuf;

use glpft_checkpoints::{RunDirectory, remove_abandoned, write_atomically};
use glpft_recipes::Stage;
use glpft_train::{LogRecord, TRAIN_LOG_FILE, read_log};

use crate::error::Error;

/// The folder in a run's directory.
pub const TENSORBOARD_FOLDER: &str = "tensorboard";
/// TensorBoard looks for `tfevents` in a name; the same name each time, so that the file is replaced.
const EVENTS_FILE: &str = "events.out.tfevents.0.glpft";

/// Writes what is logged of a run's stages to `tensorboard/{stage}/` in its directory and says where that is. A run may
/// be under way: written again, the files are the longer logs.
///
/// # Errors
/// A log cannot be read, or a file cannot be written.
pub fn write_tensorboard(run: &RunDirectory) -> Result<PathBuf, Error> {
    let folder = run.root().join(TENSORBOARD_FOLDER);
    for stage in Stage::ALL {
        let directory = run.stage(stage.name());
        if !directory.join(TRAIN_LOG_FILE).exists() {
            continue;
        }
        let records = read_log(&directory)?;
        let to = folder.join(stage.name());
        let failed = |source| glpft_checkpoints::FileError::new("create the folder", &to, source);
        std::fs::create_dir_all(&to).map_err(failed)?;
        remove_abandoned(&to)?;
        write_atomically(&to.join(EVENTS_FILE), |file| write_events(&records, file))?;
    }
    Ok(folder)
}

fn write_events(records: &[LogRecord], file: &mut impl Write) -> io::Result<()> {
    // The time of an event is seconds of training: logs have no clock.
    let mut seconds = 0.0;
    let mut version = Vec::new();
    number(&mut version, WALL_TIME, seconds);
    bytes(&mut version, FILE_VERSION, b"brain.Event:2");
    write_record(&version, file)?;
    for record in records {
        let scalars = match record {
            LogRecord::Step(step) => {
                seconds += step.seconds;
                vec![
                    ("train/loss", step.loss),
                    ("train/lr", step.lr),
                    ("train/grad_norm", step.grad_norm),
                    ("train/epoch", step.epoch),
                    ("train/label_tokens", step.label_tokens as f64),
                    ("train/tokens_per_second", step.tokens_per_second),
                    ("train/memory_gib", step.memory as f64 / f64::from(1 << 30)),
                ]
            }
            LogRecord::Validation(validation) => {
                seconds += validation.seconds;
                vec![
                    ("validation/loss", validation.validation_loss),
                    ("validation/perplexity", validation.perplexity()),
                ]
            }
            LogRecord::Event(_) => continue,
        };
        write_record(&event(seconds, record.step(), &scalars), file)?;
    }
    Ok(())
}

// The fields' numbers in tensorflow/core/util/event.proto and framework/summary.proto.
const WALL_TIME: u8 = 1;
const STEP: u8 = 2;
const FILE_VERSION: u8 = 3;
const SUMMARY: u8 = 5;
const SUMMARY_VALUE: u8 = 1;
const VALUE_TAG: u8 = 1;
const VALUE_SIMPLE: u8 = 2;

/// An `Event` with a summary of scalars.
fn event(seconds: f64, step: u64, scalars: &[(&str, f64)]) -> Vec<u8> {
    let mut summary = Vec::new();
    for (tag, scalar) in scalars {
        let mut value = Vec::new();
        bytes(&mut value, VALUE_TAG, tag.as_bytes());
        value.push(VALUE_SIMPLE << 3 | 5);
        value.extend((*scalar as f32).to_le_bytes());
        bytes(&mut summary, SUMMARY_VALUE, &value);
    }
    let mut event = Vec::new();
    number(&mut event, WALL_TIME, seconds);
    event.push(STEP << 3);
    varint(&mut event, step);
    bytes(&mut event, SUMMARY, &summary);
    event
}

/// A field of 64 bits.
fn number(message: &mut Vec<u8>, field: u8, value: f64) {
    message.push(field << 3 | 1);
    message.extend(value.to_le_bytes());
}

/// A field of bytes, text or a message.
fn bytes(message: &mut Vec<u8>, field: u8, content: &[u8]) {
    message.push(field << 3 | 2);
    varint(message, content.len() as u64);
    message.extend(content);
}

fn varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push(value as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

/// A record of TensorFlow's `TFRecord` files.
fn write_record(content: &[u8], file: &mut impl Write) -> io::Result<()> {
    let length = (content.len() as u64).to_le_bytes();
    file.write_all(&length)?;
    file.write_all(&checksum(&length).to_le_bytes())?;
    file.write_all(content)?;
    file.write_all(&checksum(content).to_le_bytes())
}

/// CRC-32C, turned and shifted as `TFRecord` has it, so that a checksum of checksums is not zero.
fn checksum(content: &[u8]) -> u32 {
    crc32c::crc32c(content)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use glpft_train::ValidationRecord;

    use super::*;

    #[test]
    fn checksums_are_tensorflows() {
        // The specification's example, and the same turned and shifted.
        assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(checksum(b"123456789"), 0xc78a_b0e5);
    }

    #[test]
    fn a_validation_is_an_event_of_two_scalars() {
        let record = ValidationRecord {
            step: 300,
            validation_loss: 0.0,
            validation_label_tokens: 1,
            source_validation: BTreeMap::new(),
            seconds: 2.0,
        };
        let mut file = Vec::new();
        let written = write_events(&[LogRecord::Validation(record)], &mut file);
        assert!(written.is_ok());
        let mut records = Vec::new();
        let mut rest = &file[..];
        while let Some((length, after)) = rest.split_first_chunk::<8>() {
            assert_eq!(after[..4], checksum(length).to_le_bytes());
            let length = u64::from_le_bytes(*length) as usize;
            let content = &after[4..4 + length];
            assert_eq!(after[4 + length..][..4], checksum(content).to_le_bytes());
            records.push(content);
            rest = &after[8 + length..];
        }
        assert_eq!(records.len(), 2);
        assert!(records[0].ends_with(b"\x1a\x0dbrain.Event:2"));
        let mut expected = vec![9];
        expected.extend(2.0_f64.to_le_bytes());
        // Step 300, then a summary of two values: a tag of 15 or 21 bytes, and a float.
        expected.extend([0x10, 0xac, 0x02, 0x2a, 54, 0x0a, 22, 0x0a, 15]);
        expected.extend(b"validation/loss\x15\0\0\0\0");
        expected.extend([0x0a, 28, 0x0a, 21]);
        expected.extend(b"validation/perplexity\x15");
        expected.extend(1.0_f32.to_le_bytes());
        assert_eq!(records[1], expected);
    }
}
