//! [`Encoding`]: UTF-8 or UTF-16.

use std::io;

/// How the characters of an input are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
}

/// The number of bytes that show whether an input is text.
const SHOWN: usize = 1024;

impl Encoding {
    /// Returns the encoding of an input that begins with these bytes: as its byte order mark says, or as the zeros in
    /// ASCII text show.
    ///
    /// # Errors
    ///
    /// Fails if they are not text, and says what to do.
    pub(super) fn of(bytes: &[u8]) -> io::Result<Self> {
        let refuse = |text: String| Err(io::Error::new(io::ErrorKind::InvalidData, text));
        if let Some((what, tool)) = converter(bytes) {
            return refuse(format!("it is {what}: pipe the output of {tool} instead"));
        }
        match bytes {
            [0xff, 0xfe, ..] => return Ok(Self::Utf16Le),
            [0xfe, 0xff, ..] => return Ok(Self::Utf16Be),
            _ => {}
        }
        // A file that was truncated while it was open begins with zeros.
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let start = if zeros > 1 { zeros } else { 0 };
        let shown = &bytes[start..];
        let shown = &shown[..shown.len().min(SHOWN)];
        let zeros_at = |parity: usize| {
            shown.iter().skip(parity).step_by(2).filter(|byte| **byte == 0).count() * 2
        };
        let (even, odd) = (zeros_at(0), zeros_at(1));
        if shown.len() >= 8
            && even.max(odd) * 4 >= shown.len() * 3
            && even.min(odd) * 20 < shown.len()
        {
            return Ok(if odd > even { Self::Utf16Le } else { Self::Utf16Be });
        }
        let is_control =
            |byte: u8| byte.is_ascii_control() && !b"\t\n\r\x0c\x1b\x08".contains(&byte);
        let controls = shown.iter().filter(|byte| is_control(**byte)).count();
        if shown.len() >= 32 && controls * 10 > shown.len() {
            let first = shown.iter().position(|byte| is_control(*byte)).unwrap_or_default();
            let (byte, at) = (shown[first], start + first);
            return refuse(format!(
                "it is not text: binary data (0x{byte:02x}) at byte {at}; have the program that wrote it print it as text"
            ));
        }
        Ok(Self::Utf8)
    }

    /// Returns the name of the encoding.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le => "UTF-16LE",
            Self::Utf16Be => "UTF-16BE",
        }
    }

    /// Returns the number of bytes of a new line.
    pub(super) const fn unit(self) -> usize {
        match self {
            Self::Utf8 => 1,
            Self::Utf16Le | Self::Utf16Be => 2,
        }
    }

    /// Returns the index after the first new line in `bytes`, which come after `length` bytes of the same line, the
    /// last of which is `before`.
    pub(super) fn line_end(self, bytes: &[u8], length: u64, before: Option<u8>) -> Option<usize> {
        let (first, second) = match self {
            Self::Utf8 => return bytes.iter().position(|byte| *byte == b'\n').map(|at| at + 1),
            Self::Utf16Le => (b'\n', 0),
            Self::Utf16Be => (0, b'\n'),
        };
        let mut before = before;
        bytes
            .iter()
            .zip(length..)
            .position(|(byte, at)| {
                let is_end = at % 2 == 1 && *byte == second && before == Some(first);
                before = Some(*byte);
                is_end
            })
            .map(|at| at + 1)
    }

    /// Decodes the bytes of a line. What is not valid is replaced.
    pub(super) fn decode(self, bytes: Vec<u8>) -> String {
        let units = |unit: fn([u8; 2]) -> u16| {
            let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
            char::decode_utf16(units)
                .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect::<String>()
        };
        match self {
            Self::Utf16Le => units(u16::from_le_bytes),
            Self::Utf16Be => units(u16::from_be_bytes),
            Self::Utf8 => String::from_utf8(bytes)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
        }
    }
}

/// Returns what an input is that another command turns into text, and the command.
fn converter(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    Some(match bytes {
        [0x1f, 0x8b, ..] => ("compressed", "zcat"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => ("compressed", "zstdcat"),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => ("compressed", "xzcat"),
        [b'B', b'Z', b'h', ..] => ("compressed", "bzcat"),
        [b'P', b'K', 3, 4, ..] => ("compressed", "unzip -p"),
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => {
            ("text in UTF-32", "iconv -f UTF-32 -t UTF-8")
        }
        [b'L', b'P', b'K', b'S', b'H', b'H', b'R', b'H', ..] => {
            ("a file of systemd's journal", "journalctl -o json --file")
        }
        _ => return None,
    })
}
