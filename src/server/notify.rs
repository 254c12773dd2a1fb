//! Which events of keys are published: `notify-keyspace-events`, its letters and how they are printed.
//! (<https://redis.io/docs/latest/develop/pubsub/keyspace-notifications/>)
use super::config::value::{Field, Value};
use crate::store::event::Class;

/// The classes that `A` stands for, in the order of printing; then those that it leaves out; then where events are
/// published: to the channel of the key, to that of the event.
const LETTERS: &str = "g$lshzxetdnKEm";
const ALL: u16 = (1 << 10) - 1;
const NEW: u16 = 1 << 10;

/// Bits by the place in `LETTERS`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Events(u16);

fn bit(letter: char) -> Option<u16> {
    LETTERS.find(letter).map(|at| 1 << at)
}

impl Events {
    pub fn parse(text: &str) -> Result<Events, &'static str> {
        let bits = text.chars().map(|letter| if letter == 'A' { Some(ALL) } else { bit(letter) });
        let all = bits.into_iter().try_fold(0, |all, bits| bits.map(|bits| all | bits));
        all.map(Events).ok_or("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
    }

    /// As Redis prints it, which says nothing of `n` where there is an `A`.
    pub fn print(self) -> String {
        let is_all = self.0 & ALL == ALL;
        let said = if is_all { self.0 & !(ALL | NEW) } else { self.0 };
        let letters = LETTERS.char_indices().filter(|(at, _)| said & 1 << at != 0);
        is_all.then_some('A').into_iter().chain(letters.map(|(_, letter)| letter)).collect()
    }

    fn has(self, letter: char) -> bool {
        bit(letter).is_some_and(|bit| self.0 & bit != 0)
    }

    pub fn by_key(self) -> bool {
        self.has('K')
    }

    pub fn by_event(self) -> bool {
        self.has('E')
    }

    /// Is anything published at all?
    pub fn any(self) -> bool {
        self.by_key() || self.by_event()
    }

    pub fn wants(self, class: Class) -> bool {
        class.letter().is_some_and(|letter| self.has(letter))
    }
}

impl Field for Events {
    fn read(&self) -> Value {
        Value::Text(self.print())
    }
    fn write(&mut self, value: Value) {
        *self = Events::parse(&value.print()).expect("its kind has accepted it");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As redis-server 8.0.6 answered to CONFIG GET after CONFIG SET.
    #[test]
    fn prints_what_redis_prints() {
        let table = [
            ("", ""),
            ("KEA", "AKE"),
            ("Kg$lshzxetd", "AK"),
            ("KEg$lshzxeAtmdn", "AKEm"),
            ("Ax", "A"),
            ("An", "A"),
            ("gx", "gx"),
            ("Kn$", "$nK"),
            ("KEmn", "nKEm"),
            ("EK$lg", "g$lKE"),
            ("zhs", "shz"),
            ("g$lshzxet", "g$lshzxet"),
            ("g$lshzxed", "g$lshzxed"),
        ];
        for (text, printed) in table {
            assert_eq!(Events::parse(text).unwrap().print(), printed, "{text}");
        }
        for wrong in ["kE", "KEA ", " ", "KEq"] {
            assert!(Events::parse(wrong).is_err(), "{wrong}");
        }
        let events = Events::parse("An").unwrap();
        assert!(events.wants(Class::New) && !events.wants(Class::Missed) && !events.any());
    }
}
