//! A reply as bytes and as a tree: a small RESP2 and RESP3 decoder of its own, so that the tests share no code
//! with the server that they judge. Map entries stand flat, key after value, as they do on the wire.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Array,
    Map,
    Set,
    Push,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Simple(Vec<u8>),
    Error(Vec<u8>),
    Int(i64),
    Bulk(Vec<u8>),
    NullBulk,
    NullArray,
    Null,
    /// Kept as text: "1e3" and "1000" are different answers.
    Double(String),
    Bool(bool),
    Big(String),
    Verbatim(Vec<u8>),
    BulkError(Vec<u8>),
    List(Kind, Vec<Value>),
}

/// One reply from the front of `bytes` with its length, or None when it is not all there yet.
pub fn decode(bytes: &[u8]) -> Result<Option<(Value, usize)>, String> {
    let mut at = 0;
    Ok(next(bytes, &mut at)?.map(|value| (value, at)))
}

fn next(bytes: &[u8], at: &mut usize) -> Result<Option<Value>, String> {
    let Some(end) = bytes[*at..].windows(2).position(|w| w == b"\r\n").map(|n| *at + n) else {
        return Ok(None);
    };
    let (mark, line) = (bytes[*at], &bytes[*at + 1..end]);
    *at = end + 2;
    let text = || String::from_utf8_lossy(line).into_owned();
    let number = || text().parse::<i64>().map_err(|_| format!("not a number in a reply: {mark:?} {:?}", text()));
    Ok(Some(match mark {
        b'+' => Value::Simple(line.to_vec()),
        b'-' => Value::Error(line.to_vec()),
        b':' => Value::Int(number()?),
        b',' => Value::Double(text()),
        b'#' => Value::Bool(line == b"t"),
        b'(' => Value::Big(text()),
        b'_' => Value::Null,
        b'$' | b'=' | b'!' => {
            let length = number()?;
            if mark == b'$' && length == -1 {
                return Ok(Some(Value::NullBulk));
            }
            let length = usize::try_from(length).map_err(|_| "negative length in a reply".to_string())?;
            let Some(body) = bytes.get(*at..*at + length + 2) else { return Ok(None) };
            if !body.ends_with(b"\r\n") {
                return Err(format!("a bulk of {length} bytes does not end in CR LF"));
            }
            *at += length + 2;
            let body = body[..length].to_vec();
            match mark {
                b'$' => Value::Bulk(body),
                b'=' => Value::Verbatim(body),
                _ => Value::BulkError(body),
            }
        }
        b'*' | b'%' | b'~' | b'>' => {
            let length = number()?;
            if mark == b'*' && length == -1 {
                return Ok(Some(Value::NullArray));
            }
            let kind = match mark {
                b'*' => Kind::Array,
                b'%' => Kind::Map,
                b'~' => Kind::Set,
                _ => Kind::Push,
            };
            let mut items = Vec::new();
            for _ in 0..length * if kind == Kind::Map { 2 } else { 1 } {
                let Some(item) = next(bytes, at)? else { return Ok(None) };
                items.push(item);
            }
            Value::List(kind, items)
        }
        other => return Err(format!("a reply begins with {:?}", other as char)),
    }))
}
