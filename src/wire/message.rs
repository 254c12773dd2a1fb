//! A message that goes to many clients, outside of their requests: encoded once per protocol, however many they are.
use super::output::Output;
use super::reply::{Protocol, Reply};
use bytes::Bytes;

/// From this size on its bytes are shared by the outputs instead of copied into each.
pub const SHARED_MESSAGE_BYTES_MIN: usize = 4 * 1024;

/// Its bytes in both protocols, the second as it is wanted. They differ in the first byte only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    resp2: Bytes,
    /// The same bytes in both: they are no message of RESP3's.
    plain: bool,
    resp3: Option<Bytes>,
}

impl Message {
    pub fn new(words: &[&[u8]]) -> Message {
        let room = words.iter().map(|word| word.len() + 32).sum::<usize>() + 16;
        let mut output = Output::with(Vec::with_capacity(room));
        let mut reply = Reply::new(&mut output, Protocol::Resp2);
        reply.push(words.len());
        words.iter().for_each(|word| reply.bulk(word));
        Message { resp2: std::mem::take(output.tail()).into(), plain: false, resp3: None }
    }

    /// A line for monitors, with its CR LF.
    pub fn line(bytes: Vec<u8>) -> Message {
        Message { resp2: bytes.into(), plain: true, resp3: None }
    }

    /// Appends it to an output that has room.
    #[inline]
    pub fn write(&mut self, output: &mut Output, resp3: bool) {
        let resp3 = resp3 && !self.plain;
        if self.resp2.len() >= SHARED_MESSAGE_BYTES_MIN {
            return output.share(self.shared(resp3));
        }
        self.encode(output.tail(), resp3);
    }

    /// Appends its bytes, however many.
    #[inline]
    pub fn encode(&self, to: &mut Vec<u8>, resp3: bool) {
        let at = to.len();
        to.extend_from_slice(&self.resp2);
        if resp3 && !self.plain {
            to[at] = b'>';
        }
    }

    pub fn size(&self) -> usize {
        self.resp2.len()
    }

    fn shared(&mut self, resp3: bool) -> Bytes {
        if !resp3 {
            return self.resp2.clone();
        }
        let other = || Bytes::from([b">", &self.resp2[1..]].concat());
        self.resp3.get_or_insert_with(other).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_same_for_all_but_for_its_kind() {
        for size in [0, 10, SHARED_MESSAGE_BYTES_MIN] {
            let word = vec![b'x'; size];
            let mut message = Message::new(&[b"message", &word]);
            for (resp3, kind) in [(false, '*'), (true, '>'), (false, '*'), (true, '>')] {
                let mut output = Output::default();
                message.write(&mut output, resp3);
                message.write(&mut output, !resp3);
                let one = |kind| format!("{kind}2\r\n$7\r\nmessage\r\n${size}\r\n{}\r\n", "x".repeat(size));
                let sent: Vec<u8> = output.pending().flatten().copied().collect();
                assert_eq!(String::from_utf8(sent).unwrap(), one(kind) + &one(if resp3 { '*' } else { '>' }));
            }
        }
    }

    #[test]
    fn a_large_one_is_in_memory_once_for_each_protocol() {
        let mut message = Message::new(&[&[b'x'; SHARED_MESSAGE_BYTES_MIN]]);
        let mut outputs: [Output; 4] = Default::default();
        for (at, output) in outputs.iter_mut().enumerate() {
            message.write(output, at % 2 == 1);
        }
        let places = outputs.each_ref().map(|output| output.pending().next().unwrap().as_ptr());
        assert!(places[0] == places[2] && places[1] == places[3] && places[0] != places[1]);
    }
}
