//! What somebody may have meant who wrote a name wrong. Knows no names of its own.

/// The name that differs least from a word, if it is near: by a letter, or by one in three.
pub fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    let distance = |name: &'a str| (strsim::damerau_levenshtein(&name.to_ascii_lowercase(), &word), name);
    let (distance, name) = names.map(distance).min()?;
    (distance <= (word.len() / 3).max(1)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_is_a_letter_or_one_in_three() {
        let names = ["port", "maxmemory", "GET", "explain"];
        let table = [
            ("prot", Some("port")),
            ("gte", Some("GET")),
            ("explan", Some("explain")),
            ("memory", None),
            ("xyz", None),
            ("", None),
        ];
        for (word, expected) in table {
            assert_eq!(nearest(word, names.into_iter()), expected, "{word}");
        }
    }
}
