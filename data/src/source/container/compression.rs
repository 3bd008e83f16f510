//! Files as they are, or through gzip or zstd.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

const GZIP: &[u8] = b"\x1f\x8b";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";

/// How much of a zstd frame is decoded ahead.
const AHEAD: usize = 256 << 10;

/// The first bytes of a regular file, enough to tell what it is.
pub(super) fn magic(path: &Path) -> io::Result<Vec<u8>> {
    let mut magic = Vec::new();
    regular(path)?.take(8).read_to_end(&mut magic)?;
    Ok(magic)
}

/// Opens a file's text, whatever it is compressed with.
///
/// # Errors
/// It cannot be read, or is no file: opening a pipe would wait for its writer, reading a device might never end.
pub(super) fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    let magic = magic(path)?;
    let file = BufReader::with_capacity(256 << 10, regular(path)?);
    Ok(if magic.starts_with(GZIP) {
        buffered(MultiGzDecoder::new(file))
    } else if magic.starts_with(ZSTD) {
        buffered(Zstd::new(file))
    } else {
        Box::new(file)
    })
}

fn buffered(reader: impl Read + 'static) -> Box<dyn BufRead> {
    Box::new(BufReader::with_capacity(256 << 10, reader))
}

fn regular(path: &Path) -> io::Result<File> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    File::open(path)
}

/// All frames of a zstd file, one after the other.
struct Zstd<R> {
    file: R,
    decoder: FrameDecoder,
}

impl<R: BufRead> Zstd<R> {
    fn new(file: R) -> Self {
        Self {
            file,
            decoder: FrameDecoder::new(),
        }
    }

    /// Begins the next frame that holds something; false where the file ends.
    fn next_frame(&mut self) -> io::Result<bool> {
        while !self.file.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.file) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let length = u64::from(length);
                    let skipped = io::copy(&mut (&mut self.file).take(length), &mut io::sink())?;
                    if skipped < length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(invalid(error)),
            }
        }
        Ok(false)
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.decoder.can_collect() == 0 {
                if self.decoder.is_finished() {
                    if !self.next_frame()? {
                        return Ok(0);
                    }
                    continue;
                }
                let ahead = BlockDecodingStrategy::UptoBytes(AHEAD);
                self.decoder
                    .decode_blocks(&mut self.file, ahead)
                    .map_err(invalid)?;
            }
            let read = self.decoder.read(out)?;
            if read > 0 || out.is_empty() {
                return Ok(read);
            }
        }
    }
}

fn invalid(error: FrameDecoderError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}
