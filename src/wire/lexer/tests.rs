//! Tokens, however the bytes are cut.
use super::*;

const LIMITS: Limits = Limits { bulk_bytes_max: 512 << 20, authenticated: true };

fn lex(input: &[u8], limits: &Limits) -> (Vec<Kind>, Lexed) {
    let (mut lexer, mut kinds) = (Lexer::default(), vec![]);
    loop {
        match lexer.next(input, limits) {
            Lexed::Token(token) => kinds.push(token.kind),
            end => return (kinds, end),
        }
    }
}

#[test]
fn tokens_of_a_request() {
    let (kinds, end) = lex(b"*2\r\n$3\r\nGET\r\n$5\r\nmykey\r\n", &LIMITS);
    assert_eq!(kinds, [Kind::Count(2), Kind::Length(3), Kind::Bulk, Kind::Length(5), Kind::Bulk]);
    assert_eq!(end, Lexed::More);
}

#[test]
fn violations() {
    use Violation::*;
    let stranger = Limits { authenticated: false, ..LIMITS };
    let long = |first: &[u8]| [first, &[b'x'; LINE_BYTES_MAX + 1]].concat();
    let table: &[(&[u8], Limits, Violation)] = &[
        (b"*2147483648\r\n", LIMITS, CountInvalid),
        (b"*a\r\n", LIMITS, CountInvalid),
        (b"*\r\n", LIMITS, CountInvalid),
        (b"*01\r\n", LIMITS, CountInvalid),
        (b"*-0\r\n", LIMITS, CountInvalid),
        (b"*+1\r\n", LIMITS, CountInvalid),
        (b"*11\r\n", stranger, CountUnauthenticated),
        (b"*1\r\n$16385\r\n", stranger, LengthUnauthenticated),
        (b"*1\r\n$-1\r\n", LIMITS, LengthInvalid),
        (b"*1\r\n$536870913\r\n", LIMITS, LengthInvalid),
        (b"*1\r\n$99999999999999999999\r\n", LIMITS, LengthInvalid),
        (b"*1\r\nfooz\r\n", LIMITS, NoLength(b'f')),
        (&long(b"*"), LIMITS, CountTooLong),
        (&long(b"*1\r\n$"), LIMITS, LengthTooLong),
        (&long(b"x"), LIMITS, InlineTooLong),
        (&long(b"*1\r\nx"), LIMITS, LengthTooLong),
        (&long(b"*\0\r\n"), LIMITS, CountTooLong),
        (&long(b"*1\r\n$\0\r\n"), LIMITS, LengthTooLong),
        (&long(b"*1\r\n\0$4\r\n"), LIMITS, LengthTooLong),
        (&long(b"PING \0\r\n"), LIMITS, InlineTooLong),
    ];
    for (input, limits, violation) in table {
        assert_eq!(
            lex(input, limits).1,
            Lexed::Broken(*violation),
            "{:?}",
            input[..input.len().min(40)].escape_ascii()
        );
    }
}

/// Redis looks for the end of a line up to the first zero byte, so a line that has one never ends.
#[test]
fn a_zero_byte_hides_the_end_of_a_line() {
    for line in ["PING \0\r\n", "\0\r\nPING\r\n", "*1\0\r\n", "*\0\r\n", "*x\0\r\n"] {
        assert_eq!(lex(line.as_bytes(), &LIMITS), (vec![], Lexed::More), "{line:?}");
    }
    for line in ["*1\r\n$4\0\r\nPING\r\n", "*1\r\n\0$4\r\nPING\r\n", "*1\r\nx"] {
        assert_eq!(lex(line.as_bytes(), &LIMITS), (vec![Kind::Count(1)], Lexed::More), "{line:?}");
    }
    assert_eq!(lex(b"*x\r\0", &LIMITS).1, Lexed::Broken(Violation::CountInvalid));
}

/// Cut at every byte, the tokens are the same, and no byte is looked at twice: what was looked at is overwritten before
/// more is shown. But for the first byte of a line, which a refusal names, and the last one, which may be half of an end.
#[test]
fn cut_anywhere() {
    let table = [
        "*3\r\n$3\r\nSET\r\n$0\r\n\r\n$12\r\nhello\r\nworld\r\n",
        "SET k 'v w'\r\nPING\n\r\nQUIT\r\n",
        "PING \0\r\nPING\r\n",
        "*12\0\r\nPING\r\n",
        "*1\r\n$4\0\r\nPING\r\n",
        "*1x23\r\n",
        "*01\r\n",
        "*123456789012\r\n",
        "*1\r\n$-12\r\n",
        "*1\r\n$4xyz\r\n",
        "*1\r\nfooz\r\n",
    ];
    for (input, over) in table.iter().flat_map(|input| [(input.as_bytes(), 0), (input.as_bytes(), b'\n')]) {
        let told = input.escape_ascii();
        let (mut lexer, mut kinds, mut shown, mut end) = (Lexer::default(), vec![], vec![], Lexed::More);
        for byte in input {
            shown.push(*byte);
            end = loop {
                match lexer.next(&shown, &LIMITS) {
                    Lexed::Token(token) => kinds.push(token.kind),
                    end => break end,
                }
            };
            if end != Lexed::More {
                break;
            }
            assert!(lexer.at() + 1 >= shown.len(), "{told}: at {}, it will look again at what it has seen", lexer.at());
            let begins_a_line = |at: usize| at == 0 || input[at - 1] == b'\n';
            (0..lexer.at().saturating_sub(1)).filter(|at| !begins_a_line(*at)).for_each(|at| shown[at] = over);
        }
        assert_eq!((kinds, end), lex(input, &LIMITS), "{told}");
    }
}
