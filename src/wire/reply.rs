//! Replies are written, not built: each call appends to the output. Commands say what a thing is (a map, a double, a
//! null) and never which version of RESP the client speaks.
//! (<https://redis.io/docs/latest/develop/reference/protocol-spec/>)
use super::output::{Mark, Output, SHARED_BYTES_MIN};
use crate::base::number::up_to_eight_digits;
use crate::base::word;
use bytes::Bytes;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Protocol {
    #[default]
    Resp2,
    Resp3,
}

#[derive(Debug)]
pub struct Reply<'a> {
    to: &'a mut Output,
    protocol: Protocol,
}

/// What a length that is written later counts.
#[derive(Clone, Copy, Debug)]
pub enum Of {
    Array,
    Map,
    Set,
}

impl<'a> Reply<'a> {
    #[inline]
    pub fn new(to: &'a mut Output, protocol: Protocol) -> Self {
        Reply { to, protocol }
    }

    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// From now on, as HELLO has it.
    pub fn speak(&mut self, protocol: Protocol) {
        self.protocol = protocol;
    }

    pub fn output(&mut self) -> &mut Output {
        self.to
    }

    #[inline]
    fn raw(&mut self, bytes: &[u8]) {
        self.to.tail().extend_from_slice(bytes);
    }

    #[inline(always)]
    fn number(&mut self, kind: u8, number: i64) {
        // One digit is the usual case, and one copy of four bytes.
        match number {
            0..=9 => self.raw(&[kind, b'0' + number as u8, b'\r', b'\n']),
            _ => self.digits(kind, number),
        }
    }

    #[inline(never)]
    fn digits(&mut self, kind: u8, number: i64) {
        let tail = self.to.tail();
        if let Some((digits, count)) = up_to_eight_digits(number) {
            let end = (b'\r' as u128 | ((b'\n' as u128) << 8)) << (8 + 8 * count);
            let line = kind as u128 | ((digits as u128) << 8) | end;
            tail.extend_from_slice(&line.to_le_bytes());
            return tail.truncate(tail.len() - size_of::<u128>() + count + 3);
        }
        tail.push(kind);
        tail.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        tail.extend_from_slice(b"\r\n");
    }

    #[inline]
    pub fn ok(&mut self) {
        self.raw(b"+OK\r\n");
    }

    /// A short text without line ends.
    pub fn simple(&mut self, text: &str) {
        debug_assert!(!text.contains(['\r', '\n']));
        self.raw(b"+");
        self.raw(text.as_bytes());
        self.raw(b"\r\n");
    }

    /// `text` begins with its code: `ERR ...`. Line ends in it become blanks.
    pub fn error(&mut self, text: impl AsRef<[u8]>) {
        self.raw(b"-");
        let clean = |byte| if byte == b'\r' || byte == b'\n' { b' ' } else { byte };
        self.to.tail().extend(text.as_ref().iter().copied().map(clean));
        self.raw(b"\r\n");
    }

    #[inline]
    pub fn integer(&mut self, number: i64) {
        self.number(b':', number);
    }

    #[inline]
    pub fn count(&mut self, count: usize) {
        self.integer(count as i64);
    }

    pub fn bulk(&mut self, bytes: &[u8]) {
        self.bulk_here(bytes);
    }

    /// The same, in its place.
    #[inline(always)]
    pub fn bulk_here(&mut self, bytes: &[u8]) {
        match word::of_up_to_eight(bytes) {
            Some(word) => self.short_bulk(word, bytes.len()),
            None => self.long_bulk(bytes),
        }
    }

    #[inline(never)]
    fn long_bulk(&mut self, bytes: &[u8]) {
        self.number(b'$', bytes.len() as i64);
        let tail = self.to.tail();
        tail.extend_from_slice(bytes);
        tail.extend_from_slice(b"\r\n");
    }

    /// Up to eight bytes: with their header and their end they are one copy of sixteen.
    #[inline(always)]
    fn short_bulk(&mut self, word: u64, len: usize) {
        let header = u32::from_le_bytes([b'$', b'0' + len as u8, b'\r', b'\n']) as u64;
        let tail = self.to.tail();
        let from = tail.len();
        tail.extend_from_slice(&(header as u128 | (word as u128) << 32).to_le_bytes());
        let line = tail.last_chunk_mut::<16>().expect("they were just written");
        line[4 + len..][..2].copy_from_slice(b"\r\n");
        tail.truncate(from + len + 6);
    }

    pub fn text(&mut self, text: &str) {
        self.bulk(text.as_bytes());
    }

    /// A number as a bulk string, as GET gives it.
    #[inline]
    pub fn bulk_integer(&mut self, number: i64) {
        if let Some((digits, count)) = up_to_eight_digits(number) {
            return self.short_bulk(digits, count);
        }
        self.bulk(itoa::Buffer::new().format(number).as_bytes());
    }

    /// Bytes that the store keeps too: not copied if there are many.
    pub fn shared(&mut self, bytes: &Bytes) {
        if bytes.len() < SHARED_BYTES_MIN {
            return self.bulk(bytes);
        }
        self.number(b'$', bytes.len() as i64);
        self.to.share(bytes.clone());
        self.raw(b"\r\n");
    }

    #[inline]
    pub fn null(&mut self) {
        self.raw(match self.protocol {
            Protocol::Resp2 => b"$-1\r\n",
            Protocol::Resp3 => b"_\r\n",
        });
    }

    pub fn null_array(&mut self) {
        self.raw(match self.protocol {
            Protocol::Resp2 => b"*-1\r\n",
            Protocol::Resp3 => b"_\r\n",
        });
    }

    pub fn boolean(&mut self, value: bool) {
        match self.protocol {
            Protocol::Resp2 => self.integer(value as i64),
            Protocol::Resp3 => self.raw(if value { b"#t\r\n" } else { b"#f\r\n" }),
        }
    }

    /// `text`: the number as Redis prints it.
    pub fn double(&mut self, text: &[u8]) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(text),
            Protocol::Resp3 => {
                self.raw(b",");
                self.raw(text);
                self.raw(b"\r\n");
            }
        }
    }

    /// A text with its format (`txt`, `mkd`), for a person to read.
    pub fn verbatim(&mut self, format: &str, text: &str) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(text.as_bytes()),
            Protocol::Resp3 => {
                assert_eq!(format.len(), 3);
                self.number(b'=', text.len() as i64 + 4);
                self.raw(format.as_bytes());
                self.raw(b":");
                self.raw(text.as_bytes());
                self.raw(b"\r\n");
            }
        }
    }

    #[inline]
    pub fn array(&mut self, length: usize) {
        self.number(b'*', length as i64);
    }

    pub fn map(&mut self, length: usize) {
        self.length(Of::Map, length);
    }

    pub fn set(&mut self, length: usize) {
        self.length(Of::Set, length);
    }

    /// So many pairs follow that tell something of the reply after them. False: this client does not know attributes,
    /// and nothing of them may be written.
    pub fn attribute(&mut self, length: usize) -> bool {
        let known = self.protocol == Protocol::Resp3;
        if known {
            self.number(b'|', length as i64);
        }
        known
    }

    /// An integer of any size, in decimal.
    pub fn big_number(&mut self, digits: &str) {
        match self.protocol {
            Protocol::Resp2 => self.text(digits),
            Protocol::Resp3 => self.raw(format!("({digits}\r\n").as_bytes()),
        }
    }

    /// A message that answers no request.
    pub fn push(&mut self, length: usize) {
        match self.protocol {
            Protocol::Resp2 => self.number(b'*', length as i64),
            Protocol::Resp3 => self.number(b'>', length as i64),
        }
    }

    fn length(&mut self, of: Of, length: usize) {
        let (kind, length) = self.header(of, length);
        self.number(kind, length);
    }

    fn header(&self, of: Of, length: usize) -> (u8, i64) {
        match (of, self.protocol) {
            (Of::Array, _) | (Of::Set, Protocol::Resp2) => (b'*', length as i64),
            (Of::Set, Protocol::Resp3) => (b'~', length as i64),
            (Of::Map, Protocol::Resp2) => (b'*', 2 * length as i64),
            (Of::Map, Protocol::Resp3) => (b'%', length as i64),
        }
    }

    /// Where a length stands that is not yet known. What it counts is written next, then `length_at`.
    pub fn mark(&self) -> Mark {
        self.to.mark()
    }

    pub fn length_at(&mut self, mark: Mark, of: Of, length: usize) {
        let (kind, length) = self.header(of, length);
        let text = format!("{}{length}\r\n", kind as char);
        self.to.insert(mark, text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(protocol: Protocol, write: impl Fn(&mut Reply)) -> String {
        let mut output = Output::default();
        write(&mut Reply::new(&mut output, protocol));
        output.pending().flatten().map(|byte| *byte as char).collect()
    }

    #[test]
    fn both_protocols() {
        type Case = (fn(&mut Reply), &'static str, &'static str);
        let table: &[Case] = &[
            (|reply| reply.ok(), "+OK\r\n", "+OK\r\n"),
            (|reply| reply.error("ERR a\r\nb"), "-ERR a  b\r\n", "-ERR a  b\r\n"),
            (|reply| reply.integer(i64::MIN), ":-9223372036854775808\r\n", ":-9223372036854775808\r\n"),
            (|reply| reply.bulk(b"a\r\nb"), "$4\r\na\r\nb\r\n", "$4\r\na\r\nb\r\n"),
            (|reply| reply.null(), "$-1\r\n", "_\r\n"),
            (|reply| reply.null_array(), "*-1\r\n", "_\r\n"),
            (|reply| reply.boolean(true), ":1\r\n", "#t\r\n"),
            (|reply| reply.double(b"1.5"), "$3\r\n1.5\r\n", ",1.5\r\n"),
            (|reply| reply.verbatim("txt", "hi"), "$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n"),
            (|reply| reply.array(3), "*3\r\n", "*3\r\n"),
            (|reply| reply.map(2), "*4\r\n", "%2\r\n"),
            (|reply| reply.set(2), "*2\r\n", "~2\r\n"),
            (|reply| reply.push(2), "*2\r\n", ">2\r\n"),
            (|reply| _ = reply.attribute(1), "", "|1\r\n"),
            (|reply| reply.big_number("123"), "$3\r\n123\r\n", "(123\r\n"),
        ];
        for (write, resp2, resp3) in table {
            assert_eq!(written(Protocol::Resp2, write), *resp2);
            assert_eq!(written(Protocol::Resp3, write), *resp3);
        }
    }

    #[test]
    fn bulk_strings_of_every_length_one_after_the_other() {
        let letters = "abcdefghijklmnopqrstuvwxyz";
        let all = |reply: &mut Reply| (0..=letters.len()).for_each(|len| reply.text(&letters[..len]));
        let wanted: String = (0..=letters.len()).map(|len| format!("${len}\r\n{}\r\n", &letters[..len])).collect();
        assert_eq!(written(Protocol::Resp2, all), wanted);

        let powers = || (0..19).map(|power| 10i64.pow(power)).chain([0, i64::MIN, i64::MAX]);
        let all =
            |reply: &mut Reply| powers().flat_map(|n| [n, n - (n > 0) as i64]).for_each(|n| reply.bulk_integer(n));
        let texts = powers().flat_map(|n| [n, n - (n > 0) as i64]).map(|n| n.to_string());
        let wanted: String = texts.map(|text| format!("${}\r\n{text}\r\n", text.len())).collect();
        assert_eq!(written(Protocol::Resp2, all), wanted);
    }

    #[test]
    fn a_length_that_is_known_later() {
        let late = |reply: &mut Reply| {
            let mark = reply.mark();
            reply.bulk(b"k");
            reply.integer(1);
            reply.length_at(mark, Of::Map, 1);
        };
        assert_eq!(written(Protocol::Resp2, late), "*2\r\n$1\r\nk\r\n:1\r\n");
        assert_eq!(written(Protocol::Resp3, late), "%1\r\n$1\r\nk\r\n:1\r\n");
    }
}
