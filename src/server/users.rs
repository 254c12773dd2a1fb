//! Who may sign in. There is one user, `default`; its password is `requirepass`, and without one it lets everybody in.
use super::Server;

pub const DEFAULT_USER: &str = "default";

impl Server {
    /// Is this user's password right?
    pub fn admits(&self, user: &[u8], password: &[u8]) -> bool {
        let secret = self.config.requirepass.as_bytes();
        user == DEFAULT_USER.as_bytes() && (secret.is_empty() || equal_in_constant_time(password, secret))
    }
}

/// Looks at as many bytes whether the first or the last differs, so that the time it takes tells a guesser nothing but
/// how long his own guess is.
fn equal_in_constant_time(guess: &[u8], secret: &[u8]) -> bool {
    assert!(!secret.is_empty());
    let differ = |differ: u8, (at, byte): (usize, &u8)| differ | byte ^ secret[at % secret.len()];
    let differ = guess.iter().enumerate().fold((guess.len() != secret.len()) as u8, differ);
    std::hint::black_box(differ) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_bytes_are_equal() {
        for (guess, equal) in [("secret", true), ("secreT", false), ("Secret", false), ("", false), ("secre", false)] {
            assert_eq!(equal_in_constant_time(guess.as_bytes(), b"secret"), equal, "{guess}");
        }
        assert!(!equal_in_constant_time(b"secretsecret", b"secret"));
    }
}
