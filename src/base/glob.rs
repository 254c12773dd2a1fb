//! Glob patterns over bytes, as KEYS, SCAN MATCH, PSUBSCRIBE, CONFIG GET and ACL rules have them.
//!
//! `?` is any byte, `*` any run of bytes, `[abc]`, `[a-z]` and `[^...]` one byte of a class, `\x` is `x` itself. Redis's
//! answers are kept where a pattern is odd; its recursion is not: matching takes at most pattern times text steps.
//! Redis documents patterns at <https://redis.io/docs/latest/commands/keys/>; the odd cases were asked of a server.

/// Whether the whole of `text` fits `pattern`. With `nocase`, ASCII letters fit in either case.
///
/// After a mismatch it suffices to go back to the last star and let that one take a byte more: an earlier star could
/// only move the same remainder further right. So there is one point to return to, and no recursion.
pub fn matches(pattern: &[u8], text: &[u8], nocase: bool) -> bool {
    // A lone star is the one pattern that the empty text fits besides the empty pattern: in Redis KEYS and SCAN take
    // `*` for "all" before they match, while `**` does not find the empty key.
    if text.is_empty() {
        return matches!(pattern, b"" | b"*");
    }
    let (mut p, mut t) = (0, 0);
    // Where the pattern goes on behind the last star, and the text from which that was tried last.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            p += 1;
            if p == pattern.len() {
                return true;
            }
            star = Some((p, t));
        } else if let Some(next) = fit(pattern, p, text[t], nocase) {
            p = next;
            t += 1;
        } else if let Some((behind, from)) = star {
            p = behind;
            t = from + 1;
            star = Some((p, t));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

/// The same for channels: there a lone star does not fit the empty text either.
pub fn matches_strictly(pattern: &[u8], text: &[u8]) -> bool {
    if text.is_empty() { pattern.is_empty() } else { matches(pattern, text, false) }
}

/// Whether `pattern` is plain text, that is, fits exactly the one text that is written like itself.
pub fn is_plain(pattern: &[u8]) -> bool {
    !pattern.iter().any(|byte| matches!(byte, b'*' | b'?' | b'[' | b'\\'))
}

/// If the element of the pattern at `p` (not a star) fits `byte`: where the next element begins.
fn fit(pattern: &[u8], p: usize, byte: u8, nocase: bool) -> Option<usize> {
    let (fits, next) = match pattern[p..] {
        [] => (false, p),
        [b'?', ..] => (true, p + 1),
        [b'[', ..] => class(pattern, p + 1, byte, nocase),
        // A backslash at the very end stands for itself.
        [b'\\', literal, ..] => (same(literal, byte, nocase), p + 2),
        [literal, ..] => (same(literal, byte, nocase), p + 1),
    };
    fits.then_some(next)
}

/// Whether `byte` is in the class that begins at `p`, behind its bracket, and where the class ends.
///
/// Redis's oddities, all kept: a class that is never closed ends with the pattern; a `]` right at the beginning closes
/// it, so `[]` fits nothing and `[^]` fits any byte; an escaped byte is compared with its case even if case is to be
/// ignored; the end of a range may be any byte, `]` and `\` too; a range is turned round if need be.
fn class(pattern: &[u8], mut p: usize, byte: u8, nocase: bool) -> (bool, usize) {
    let negated = pattern.get(p) == Some(&b'^');
    p += usize::from(negated);
    let mut found = false;
    loop {
        match pattern[p..] {
            [] => break,
            [b'\\', literal, ..] => {
                found |= literal == byte;
                p += 2;
            }
            [b']', ..] => {
                p += 1;
                break;
            }
            [low, b'-', high, ..] => {
                found |= between(low, high, byte, nocase);
                p += 3;
            }
            [literal, ..] => {
                found |= same(literal, byte, nocase);
                p += 1;
            }
        }
    }
    (found != negated, p)
}

/// Bytes count as signed here, from -128 to 127, as C's `char` does on x86: only ranges from below 128 to above notice.
fn between(low: u8, high: u8, byte: u8, nocase: bool) -> bool {
    let (low, high) = if (low as i8) <= (high as i8) { (low, high) } else { (high, low) };
    let [low, high, byte] = [low, high, byte].map(|b| if nocase { b.to_ascii_lowercase() } else { b } as i8);
    (low..=high).contains(&byte)
}

fn same(a: u8, b: u8, nocase: bool) -> bool {
    a == b || nocase && a.eq_ignore_ascii_case(&b)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&[u8]; 19] = [
        b"", b"a", b"b", b"A", b"-", b"]", b"^", b"\\", b"*", b"[", b"aa", b"ab", b"ba", b"aab", b"abb", b"abab",
        b"a*b", b"a]", b"\xff",
    ];

    /// Each pattern with those of [`TEXTS`] that it fits, as redis-server 8.0.6 (x86-64) answered to SSCAN MATCH.
    #[test]
    fn fits_what_redis_fits() {
        let table: &[(&[u8], &[&[u8]])] = &[
            (
                b"*",
                &[
                    b"", b"a", b"b", b"A", b"-", b"]", b"^", b"\\", b"*", b"[", b"aa", b"ab", b"ba", b"aab", b"abb",
                    b"abab", b"a*b", b"a]", b"\xff",
                ],
            ),
            (
                b"**",
                &[
                    b"a", b"b", b"A", b"-", b"]", b"^", b"\\", b"*", b"[", b"aa", b"ab", b"ba", b"aab", b"abb",
                    b"abab", b"a*b", b"a]", b"\xff",
                ],
            ),
            (b"a*", &[b"a", b"aa", b"ab", b"aab", b"abb", b"abab", b"a*b", b"a]"]),
            (b"*a", &[b"a", b"aa", b"ba"]),
            (b"*b", &[b"b", b"ab", b"aab", b"abb", b"abab", b"a*b"]),
            (b"a*b", &[b"ab", b"aab", b"abb", b"abab", b"a*b"]),
            (b"*a*b", &[b"ab", b"aab", b"abb", b"abab", b"a*b"]),
            (b"*a*a*", &[b"aa", b"aab", b"abab"]),
            (b"?", &[b"a", b"b", b"A", b"-", b"]", b"^", b"\\", b"*", b"[", b"\xff"]),
            (b"??", &[b"aa", b"ab", b"ba", b"a]"]),
            (b"???", &[b"aab", b"abb", b"a*b"]),
            (
                b"?*",
                &[
                    b"a", b"b", b"A", b"-", b"]", b"^", b"\\", b"*", b"[", b"aa", b"ab", b"ba", b"aab", b"abb",
                    b"abab", b"a*b", b"a]", b"\xff",
                ],
            ),
            (b"*?b", &[b"ab", b"aab", b"abb", b"abab", b"a*b"]),
            (b"a?b", &[b"aab", b"abb", b"a*b"]),
            (b"?b*", &[b"ab", b"abb", b"abab"]),
            (b"[ab]", &[b"a", b"b"]),
            (b"[ab]b", &[b"ab"]),
            (b"[^ab]", &[b"A", b"-", b"]", b"^", b"\\", b"*", b"[", b"\xff"]),
            (b"[^a]*", &[b"b", b"A", b"-", b"]", b"^", b"\\", b"*", b"[", b"ba", b"\xff"]),
            (b"[a-b]", &[b"a", b"b"]),
            (b"[b-a]", &[b"a", b"b"]),
            (b"[b-a]a", &[b"aa", b"ba"]),
            (b"[Z-b]", &[b"a", b"b", b"]", b"^", b"\\", b"["]),
            (b"[A-a-b]", &[b"a", b"b", b"A", b"-", b"]", b"^", b"\\", b"["]),
            (b"[a-]", &[b"a", b"]", b"^"]),
            (b"[a-]]", &[b"a", b"]", b"^"]),
            (b"[-a]", &[b"a", b"-"]),
            (b"[]", &[]),
            (b"[]a]", &[]),
            (b"[^]", &[b"a", b"b", b"A", b"-", b"]", b"^", b"\\", b"*", b"[", b"\xff"]),
            (b"[^]]", &[b"a]"]),
            (b"[^]b", &[b"ab"]),
            (b"[]", &[]),
            (b"[", &[]),
            (b"[a", &[b"a"]),
            (b"[^", &[b"a", b"b", b"A", b"-", b"]", b"^", b"\\", b"*", b"[", b"\xff"]),
            (b"[^a", &[b"b", b"A", b"-", b"]", b"^", b"\\", b"*", b"[", b"\xff"]),
            (b"[a-", &[b"a", b"-"]),
            (b"[a-b", &[b"a", b"b"]),
            (b"*[", &[]),
            (
                b"*[^",
                &[
                    b"a", b"b", b"A", b"-", b"]", b"^", b"\\", b"*", b"[", b"aa", b"ab", b"ba", b"aab", b"abb",
                    b"abab", b"a*b", b"a]", b"\xff",
                ],
            ),
            (
                b"*[^a",
                &[
                    b"b", b"A", b"-", b"]", b"^", b"\\", b"*", b"[", b"ab", b"aab", b"abb", b"abab", b"a*b", b"a]",
                    b"\xff",
                ],
            ),
            (b"\\a", &[b"a"]),
            (b"\\*", &[b"*"]),
            (b"a\\*b", &[b"a*b"]),
            (b"\\", &[b"\\"]),
            (b"*\\", &[b"\\"]),
            (b"\\\\", &[b"\\"]),
            (b"*\\\\", &[b"\\"]),
            (b"[\\]", &[b"]"]),
            (b"[\\]]", &[b"]"]),
            (b"[\\]a]", &[b"a", b"]"]),
            (b"[^\\]]", &[b"a", b"b", b"A", b"-", b"^", b"\\", b"*", b"[", b"\xff"]),
            (b"[\\a-b]", &[b"a", b"b", b"-"]),
            (b"[a-\\]", &[b"a", b"]", b"^", b"\\"]),
            (b"[*]", &[b"*"]),
            (b"[?]", &[]),
            (b"[[]", &[b"["]),
            (b"a*b*", &[b"ab", b"aab", b"abb", b"abab", b"a*b"]),
            (b"*b*a*", &[b"ba", b"abab"]),
            (b"*]", &[b"]", b"a]"]),
            (b"", &[b""]),
            (b"[a-\xff]", &[b"a", b"A", b"-", b"]", b"^", b"\\", b"*", b"[", b"\xff"]),
            (b"[\x80-\xff]", &[b"\xff"]),
            (b"[\xff-a]", &[b"a", b"A", b"-", b"]", b"^", b"\\", b"*", b"[", b"\xff"]),
        ];
        for (pattern, fitting) in table {
            let found: Vec<_> = TEXTS.into_iter().filter(|text| matches(pattern, text, false)).collect();
            assert_eq!(&found[..], *fitting, "{}", pattern.escape_ascii());
        }
    }

    #[test]
    fn case_is_ignored_but_for_an_escaped_byte_in_a_class() {
        for (pattern, text, fits) in [
            ("MaX*", "maxmemory", true),
            ("maxmemory", "MAXMEMORY", true),
            ("\\MaxMemory", "maxmemory", true),
            ("[M]axmemory", "maxmemory", true),
            ("[A-Z]axmemory", "maxmemory", true),
            ("[^M]axmemory", "maxmemory", false),
            ("[\\M]axmemory", "maxmemory", false),
            ("[\\m]axmemory", "maxmemory", true),
            ("max?emory?", "maxmemory", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes(), true), fits, "{pattern} {text}");
        }
    }

    /// With backtracking into every star this would not end within a lifetime.
    #[test]
    fn many_stars_cost_pattern_times_text() {
        let pattern = [b"a*".repeat(2000), b"b".to_vec()].concat();
        let mut text = vec![b'a'; 20_000];
        assert!(!matches(&pattern, &text, false));
        text.push(b'b');
        assert!(matches(&pattern, &text, false));
    }

    /// The definition of a pattern of literals, `?` and `*`, written down as plain recursion, is the model.
    #[test]
    fn stars_agree_with_the_definition() {
        fn model(pattern: &[u8], text: &[u8]) -> bool {
            match (pattern, text) {
                ([], _) => text.is_empty(),
                ([b'*', rest @ ..], _) => (0..=text.len()).any(|n| model(rest, &text[n..])),
                ([b'?', rest @ ..], [_, tail @ ..]) => model(rest, tail),
                ([literal, rest @ ..], [byte, tail @ ..]) => literal == byte && model(rest, tail),
                _ => false,
            }
        }
        // Every pattern of up to six elements from `ab?*` with every text of one to five from `ab`.
        for p in (0..=6).flat_map(|n| words(b"ab?*", n)) {
            for t in (1..=5).flat_map(|n| words(b"ab", n)) {
                assert_eq!(matches(&p, &t, false), model(&p, &t), "{} {}", p.escape_ascii(), t.escape_ascii());
            }
        }
    }

    fn words(letters: &'static [u8], length: u32) -> impl Iterator<Item = Vec<u8>> {
        let base = letters.len();
        (0..base.pow(length)).map(move |n| (0..length).map(|i| letters[n / base.pow(i) % base]).collect())
    }

    #[test]
    fn plain_text_is_known() {
        assert!(
            is_plain(b"")
                && is_plain(b"user:1]")
                && !is_plain(b"a*")
                && !is_plain(b"a\\b")
                && !is_plain(b"[")
                && !is_plain(b"?")
        );
    }
}
