//! `client-output-buffer-limit`: how much may be unsent to a client before it is closed, by the class of the client. Over
//! `hard` bytes it is closed at once, over `soft` bytes when it has been so for `soft_seconds`; 0 is no limit.
use super::value::{Field, Value, memory};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputLimit {
    pub hard: u64,
    pub soft: u64,
    pub soft_seconds: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputLimits {
    pub normal: OutputLimit,
    /// There are no replicas yet: it is only remembered.
    pub replica: OutputLimit,
    pub pubsub: OutputLimit,
    /// Below this no client passes the limit of its class.
    least: usize,
}

const fn limit(hard: u64, soft: u64, soft_seconds: u32) -> OutputLimit {
    OutputLimit { hard, soft, soft_seconds }
}

impl Default for OutputLimits {
    fn default() -> Self {
        OutputLimits {
            normal: limit(0, 0, 0),
            replica: limit(256 << 20, 64 << 20, 60),
            pubsub: limit(32 << 20, 8 << 20, 60),
            least: 8 << 20,
        }
    }
}

impl OutputLimit {
    /// Below this no limit is passed.
    #[inline]
    pub fn least(&self) -> usize {
        let bytes = |limit: u64| if limit == 0 { usize::MAX } else { usize::try_from(limit).unwrap_or(usize::MAX) };
        bytes(self.hard).min(bytes(self.soft))
    }
}

impl OutputLimits {
    #[inline]
    pub fn least(&self) -> usize {
        self.least
    }

    fn class(&mut self, name: &str) -> Option<&mut OutputLimit> {
        match name.to_ascii_lowercase().as_str() {
            "normal" => Some(&mut self.normal),
            "slave" | "replica" => Some(&mut self.replica),
            "pubsub" => Some(&mut self.pubsub),
            _ => None,
        }
    }

    /// Sets the classes that are named, four words each.
    fn set(&mut self, words: &[String]) -> Result<(), &'static str> {
        if !words.len().is_multiple_of(4) {
            return Err("Wrong number of arguments in buffer limit configuration.");
        }
        for words in words.chunks(4) {
            let class = self.class(&words[0]);
            let class = class.ok_or("Invalid client class specified in buffer limit configuration.")?;
            let read = || Some(limit(memory(&words[1])?, memory(&words[2])?, words[3].parse().ok()?));
            *class = read().ok_or("Error in hard, soft or soft_seconds setting in buffer limit configuration.")?;
        }
        self.least = self.normal.least().min(self.pubsub.least());
        Ok(())
    }
}

pub fn check(words: &[String]) -> Result<(), &'static str> {
    OutputLimits::default().set(words)
}

/// Classes that are not named stay as they are.
impl Field for OutputLimits {
    fn read(&self) -> Value {
        let classes = [("normal", self.normal), ("slave", self.replica), ("pubsub", self.pubsub)];
        let words = |(name, limit): (&str, OutputLimit)| {
            [name.to_string(), limit.hard.to_string(), limit.soft.to_string(), limit.soft_seconds.to_string()]
        };
        Value::Words(classes.into_iter().flat_map(words).collect())
    }
    fn write(&mut self, value: Value) {
        let Value::Words(words) = value else { unreachable!("{value:?} is of another kind than its field") };
        self.set(&words).expect("its kind has accepted it");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_set_one_by_one() {
        let mut limits = OutputLimits::default();
        let mut set = |text: &str| {
            let words: Vec<String> = text.split_whitespace().map(String::from).collect();
            check(&words).map(|()| {
                limits.write(Value::Words(words));
                limits.read().print()
            })
        };
        let default = "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60";
        assert_eq!(set(""), Ok(default.into()));
        let changed = "normal 1048576 2000 7 slave 268435456 67108864 60 pubsub 33554432 8388608 60";
        assert_eq!(set("NORMAL 1mb 2k 007"), Ok(changed.into()));
        let changed = "normal 1048576 2000 7 slave 4 5 6 pubsub 1 2 3";
        assert_eq!(set("pubsub 1 2 3 replica 4 5 6"), Ok(changed.into()));
        for (wrong, start) in [("normal 1 2", "Wrong"), ("master 1 2 3", "Invalid"), ("normal -1 2 3", "Error")] {
            assert!(set(wrong).is_err_and(|reason| reason.starts_with(start)), "{wrong}");
        }
        assert_eq!((limit(0, 0, 0).least(), limit(5, 0, 0).least(), limit(5, 4, 0).least()), (usize::MAX, 5, 4));
    }
}
