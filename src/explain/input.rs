//! What is to be explained, from the arguments: lines as one types them into redis-cli, or the bytes themselves.
use super::encode;
use crate::base::quoted;
use crate::command::words::OwnedWords;
use std::io::Read;

pub const USAGE: &str = "usage: spindle explain 'SET key value'            a request, or several lines of them\n\
                         \x20      spindle explain --raw '*1\\r\\n$4\\r\\nPING\\r\\n'  the bytes themselves; \\r \\n \\t \\xHH \\\\ stand for bytes\n\
                         \x20      spindle explain [--raw] -                   the same from standard input, where --raw decodes nothing";

/// The bytes that a client would send. Or what is wrong with the arguments.
pub fn read(args: &[Vec<u8>], stdin: &mut dyn Read) -> Result<Vec<u8>, String> {
    let raw = args.first().is_some_and(|arg| arg == b"--raw");
    let mut whole = || {
        let mut bytes = Vec::new();
        stdin.read_to_end(&mut bytes).map_err(|error| format!("standard input: {error}"))?;
        Ok::<_, String>(bytes)
    };
    match (raw, &args[usize::from(raw)..]) {
        (true, [dash]) if dash == b"-" => whole(),
        (true, [text]) => decode(text),
        (false, [dash]) if dash == b"-" => Ok(lines(&whole()?)),
        (false, [option, ..]) if option.starts_with(b"--") => {
            Err(if option == b"--help" { USAGE.into() } else { unknown_option(option) })
        }
        (false, [text]) => Ok(lines(text)),
        (false, [_, _, ..]) => {
            let mut words = OwnedWords::default();
            args.iter().for_each(|arg| _ = words.word(arg));
            Ok(encode(&words))
        }
        _ => Err(USAGE.into()),
    }
}

/// Each line becomes an array, as redis-cli does it. One whose quotes do not close stays a line: there it is explained.
fn lines(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in text.split(|byte| *byte == b'\n') {
        match quoted::words(line) {
            Some(found) if found.is_empty() => {}
            Some(found) => {
                let mut words = OwnedWords::default();
                found.iter().for_each(|word| _ = words.word(word));
                bytes.extend(encode(&words));
            }
            None => bytes.extend([line, b"\r\n"].concat()),
        }
    }
    bytes
}

fn decode(text: &[u8]) -> Result<Vec<u8>, String> {
    let (mut bytes, mut rest) = (Vec::new(), text);
    while let [first, after @ ..] = rest {
        let hex = |digit: &u8| (*digit as char).to_digit(16);
        (bytes, rest) = match (first, after) {
            (b'\\', [b'x', high, low, after @ ..]) if hex(high).is_some() && hex(low).is_some() => {
                bytes.push(hex(high).into_iter().chain(hex(low)).fold(0, |byte, digit| byte * 16 + digit as u8));
                (bytes, after)
            }
            (b'\\', [escape, after @ ..]) => {
                bytes.push(match escape {
                    b'r' => b'\r',
                    b'n' => b'\n',
                    b't' => b'\t',
                    b'\\' => b'\\',
                    _ => return Err(unknown_escape(rest)),
                });
                (bytes, after)
            }
            (b'\\', []) => return Err(unknown_escape(rest)),
            _ => {
                bytes.push(*first);
                (bytes, after)
            }
        };
    }
    Ok(bytes)
}

fn unknown_option(option: &[u8]) -> String {
    format!("explain: '{}' is no option of it; there is --raw\n{USAGE}", String::from_utf8_lossy(option))
}

fn unknown_escape(at: &[u8]) -> String {
    let shown = String::from_utf8_lossy(&at[..at.len().min(4)]).into_owned();
    format!("--raw: '{shown}' is no escape; there are \\r \\n \\t \\\\ and \\xHH with two hexadecimal digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_become_bytes() {
        let table: &[(&[&str], &str, &str)] = &[
            (&["GET k"], "", "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"),
            (&["ECHO", "a b"], "", "*2\r\n$4\r\nECHO\r\n$3\r\na b\r\n"),
            (&["ECHO \"a b\"\n\nPING"], "", "*2\r\n$4\r\nECHO\r\n$3\r\na b\r\n*1\r\n$4\r\nPING\r\n"),
            (&["GET \"k"], "", "GET \"k\r\n"),
            (&["-"], "PING\n", "*1\r\n$4\r\nPING\r\n"),
            (&["--raw", "-"], "PING\\n", "PING\\n"),
            (&["--raw", r"PING\x0d\x0A\\\t"], "", "PING\r\n\\\t"),
            (&[""], "", ""),
        ];
        for (args, stdin, expected) in table {
            let args: Vec<Vec<u8>> = args.iter().map(|arg| arg.as_bytes().to_vec()).collect();
            let bytes = read(&args, &mut stdin.as_bytes()).expect("good arguments");
            assert_eq!(String::from_utf8_lossy(&bytes), *expected, "{args:?}");
        }
        for args in
            [&[][..], &["--raw"], &["--raw", r"\q"], &["--raw", r"\x4"], &["--raw", "\\"], &["--help"], &["--rw", "x"]]
        {
            let args: Vec<Vec<u8>> = args.iter().map(|arg| arg.as_bytes().to_vec()).collect();
            assert!(read(&args, &mut &b""[..]).is_err(), "{args:?}");
        }
    }
}
