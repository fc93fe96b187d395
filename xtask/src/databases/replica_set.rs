//! Turns servers that have just started into a replica set.
//!
//! That takes two commands. Instead of a shell or a driver, this sends the messages of MongoDB's wire
//! protocol itself (`OP_MSG` with one document), and looks for two fields in the answer.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

/// The name of the sets.
pub(crate) const NAME: &str = "tickets";

/// How long the first election may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Makes one set of the servers on these ports, and waits until it has a primary that all others follow.
pub(crate) fn initiate(ports: &[u16]) -> Result<()> {
    let members: Vec<Value> = ports
        .iter()
        .enumerate()
        .map(|(id, port)| json!({ "_id": id, "host": format!("127.0.0.1:{port}") }))
        .collect();
    // Half of the default: tests wait for elections.
    let settings = json!({ "electionTimeoutMillis": 5_000 });
    let set = json!({ "_id": NAME, "members": members, "settings": settings });
    let first = *ports.first().context("a set needs members")?;
    let answer = run(first, "replSetInitiate", &set)?;
    if !answer.is("\x01ok\0", &1.0_f64.to_le_bytes()) {
        bail!("the replica set cannot be made: {}", answer.text());
    }
    let deadline = Instant::now() + PATIENCE;
    loop {
        let states = ports.iter().map(|port| run(*port, "hello", &json!(1)));
        let states = states.collect::<Result<Vec<Answer>>>()?;
        let primary = |state: &Answer| state.is("\x08isWritablePrimary\0", &[1]);
        let ready = |state: &Answer| primary(state) || state.is("\x08secondary\0", &[1]);
        if states.iter().any(primary) && states.iter().all(ready) {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("the replica set has no primary after {} s", PATIENCE.as_secs());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A document, as received.
struct Answer(Vec<u8>);

impl Answer {
    /// Returns `true` if a field, given as its type and name, has this value.
    fn is(&self, field: &str, value: &[u8]) -> bool {
        let pattern = [field.as_bytes(), value].concat();
        self.0.windows(pattern.len()).any(|part| part == pattern)
    }

    /// The readable characters in it, for error messages.
    fn text(&self) -> String {
        self.0
            .iter()
            .map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { ' ' })
            .collect()
    }
}

/// Runs a command. Its name has to be the first field of the document.
fn run(port: u16, name: &str, value: &Value) -> Result<Answer> {
    const OP_MSG: u32 = 2013;
    /// The message's header, its flags, and the kind of its one section.
    const BEFORE_DOCUMENT: u32 = 16 + 4 + 1;

    let fields = [(name.to_owned(), value), ("$db".to_owned(), &json!("admin"))];
    let document = document(fields)?;
    let length = BEFORE_DOCUMENT + u32::try_from(document.len())?;
    let mut message = Vec::new();
    for word in [length, 1, 0, OP_MSG, 0] {
        message.extend(word.to_le_bytes());
    }
    message.push(0);
    message.extend(document);

    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    server.set_read_timeout(Some(PATIENCE))?;
    server.write_all(&message)?;
    let mut length = [0; 4];
    server.read_exact(&mut length)?;
    let rest = u32::from_le_bytes(length).checked_sub(4).filter(|rest| *rest < 48_000_000);
    let mut answer =
        vec![
            0;
            usize::try_from(rest.context("the server's answer is not in MongoDB's protocol")?)?
        ];
    server.read_exact(&mut answer)?;
    Ok(Answer(answer))
}

/// Encodes fields as a BSON document.
fn document<'a>(fields: impl IntoIterator<Item = (String, &'a Value)>) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    for (name, value) in fields {
        let (kind, bytes) = element(value)?;
        body.push(kind);
        body.extend(name.into_bytes());
        body.push(0);
        body.extend(bytes);
    }
    body.push(0);
    let length = u32::try_from(body.len())? + 4;
    Ok([&length.to_le_bytes()[..], &body].concat())
}

/// Encodes a value: the number of its type, and its bytes.
fn element(value: &Value) -> Result<(u8, Vec<u8>)> {
    Ok(match value {
        Value::String(text) => {
            let length = u32::try_from(text.len())? + 1;
            (2, [&length.to_le_bytes()[..], text.as_bytes(), b"\0"].concat())
        }
        Value::Object(fields) => {
            (3, document(fields.iter().map(|(name, value)| (name.clone(), value)))?)
        }
        Value::Array(items) => {
            let named = items.iter().enumerate().map(|(index, item)| (index.to_string(), item));
            (4, document(named)?)
        }
        Value::Number(number) => {
            let number = number.as_i64().context("not a whole number")?;
            (16, i32::try_from(number)?.to_le_bytes().to_vec())
        }
        Value::Null | Value::Bool(_) => {
            bail!("cannot encode {value}: no command here has such a value")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_as_the_specification_writes_them() {
        let hello = document([("hello".to_owned(), &json!("world"))]).unwrap();
        assert_eq!(hello, b"\x16\0\0\0\x02hello\0\x06\0\0\0world\0\0");
        let nested = document([("a".to_owned(), &json!([{ "b": 1 }]))]).unwrap();
        let expected = b"\x1c\0\0\0\x04a\0\x14\0\0\0\x030\0\x0c\0\0\0\x10b\0\x01\0\0\0\0\0\0";
        assert_eq!(nested, expected);
    }

    #[test]
    fn an_answer_is_read_by_type_name_and_value() {
        let answer = Answer(b"\x08secondary\0\x01\x01ok\0\0\0\0\0\0\0\xf0?".to_vec());
        assert!(answer.is("\x08secondary\0", &[1]) && !answer.is("\x08secondary\0", &[0]));
        assert!(answer.is("\x01ok\0", &1.0_f64.to_le_bytes()));
    }
}
