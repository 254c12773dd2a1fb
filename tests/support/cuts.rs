//! The parser fed in pieces: what it makes of bytes, whatever the cuts. Shared by the seeded fuzz and by fuzz/.
use spindle::wire::lexer::Limits;
use spindle::wire::parser::{Batch, Parser};
use spindle::wire::token::Violation;

/// Requests as words, and how the protocol was broken behind them.
pub type Requests = (Vec<Vec<Vec<u8>>>, Option<Violation>);

/// What the parser makes of bytes that come in these pieces.
pub fn parse(bytes: &[u8], limits: &Limits, mut next: impl FnMut(usize) -> usize) -> Requests {
    let (mut parser, mut batch, mut kept, mut requests) = (Parser::default(), Batch::default(), vec![], vec![]);
    let mut left = bytes;
    while !left.is_empty() {
        let piece = next(left.len());
        match parser.space() {
            Some(room) => {
                let count = piece.min(room.len());
                room[..count].copy_from_slice(&left[..count]);
                parser.filled(count);
                left = &left[count..];
            }
            None => {
                kept.extend_from_slice(&left[..piece]);
                left = &left[piece..];
            }
        }
        loop {
            batch.clear();
            let most = next(5);
            let progress = parser.parse(&mut kept, &mut batch, limits, most);
            assert!(progress.used <= progress.kept && progress.kept <= kept.len());
            assert!(batch.requests.len() <= most);
            for at in 0..batch.requests.len() {
                requests.push(batch.request(at, &kept).iter().map(<[u8]>::to_vec).collect());
            }
            if batch.broken.is_some() {
                return (requests, batch.broken);
            }
            kept.truncate(progress.kept);
            kept.drain(..progress.used);
            if batch.requests.is_empty() {
                break;
            }
        }
    }
    (requests, None)
}
