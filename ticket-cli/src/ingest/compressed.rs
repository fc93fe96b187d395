//! Files that are compressed with gzip or Zstandard, as rotation leaves them.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek as _, SeekFrom};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;

/// The content of a compressed file.
pub(super) struct Compressed(Box<dyn Read + Send>);

impl Compressed {
    /// Returns the content of a file that is compressed, or `None` for any other file.
    pub(super) fn of(mut file: File) -> io::Result<Option<Self>> {
        let mut start = Vec::new();
        (&mut file).take(4).read_to_end(&mut start)?;
        file.seek(SeekFrom::Start(0))?;
        let input = BufReader::new(file);
        Ok(match start.as_slice() {
            [0x1f, 0x8b, ..] => Some(Self(Box::new(MultiGzDecoder::new(input)))),
            [0x28, 0xb5, 0x2f, 0xfd] => Some(Self(Box::new(Frames::Between(input)))),
            _ => None,
        })
    }
}

impl Read for Compressed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl fmt::Debug for Compressed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Compressed")
    }
}

/// The frames of a file in Zstandard: a program that appends writes another one.
enum Frames {
    Between(BufReader<File>),
    Within(Box<StreamingDecoder<BufReader<File>, ruzstd::decoding::FrameDecoder>>),
    /// A frame is damaged.
    Broken,
}

impl Read for Frames {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match std::mem::replace(self, Self::Broken) {
                Self::Between(mut input) => {
                    if input.fill_buf()?.is_empty() {
                        *self = Self::Between(input);
                        return Ok(0);
                    }
                    let frame = StreamingDecoder::new(input).map_err(invalid)?;
                    *self = Self::Within(Box::new(frame));
                }
                Self::Within(mut frame) => {
                    let read = frame.read(buffer)?;
                    if read > 0 {
                        *self = Self::Within(frame);
                        return Ok(read);
                    }
                    *self = Self::Between(frame.into_inner());
                }
                Self::Broken => return Err(invalid("a frame is damaged")),
            }
        }
    }
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
