//! What a grammar cannot tell of a command: its name, group, age, flags, and the ACL categories that do not follow.
//! (<https://redis.io/docs/latest/commands/command/>, "Flags" and "ACL categories")

#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// In capitals; a subcommand's after its container's: `CLIENT|KILL`.
    pub name: &'static str,
    pub group: &'static str,
    pub since: &'static str,
    pub flags: u32,
    /// What is stated; see `categories` for all.
    stated: u32,
    /// What would follow, and does not hold.
    denied: u32,
    pub summary: &'static str,
    /// What COMMAND INFO hints to clients and proxies of a cluster: `request_policy:all_shards`.
    pub tips: &'static [&'static str],
}

pub const fn facts(
    name: &'static str,
    group: &'static str,
    since: &'static str,
    flags: u32,
    summary: &'static str,
) -> Facts {
    Facts { name, group, since, flags, stated: 0, denied: 0, summary, tips: &[] }
}

macro_rules! bits {
    ($names:ident $($at:literal $bit:ident)+) => {
        pub const $names: &[&str] = &[$(stringify!($bit)),+];
        $(pub const $bit: u32 = 1 << $at;)+
    };
}

bits! { FLAG_NAMES 0 WRITE 1 READONLY 2 DENYOOM 3 ADMIN 4 PUBSUB 5 NOSCRIPT 6 BLOCKING 7 LOADING 8 STALE 9 SKIP_MONITOR
10 FAST 11 NO_MANDATORY_KEYS 12 ALLOW_BUSY 13 NO_MULTI 14 NO_AUTH 15 NO_ASYNC_LOADING 16 SKIP_SLOWLOG }

/// ACL categories.
pub mod category {
    bits! { NAMES 0 KEYSPACE 1 READ 2 WRITE 3 SET 4 SORTEDSET 5 LIST 6 HASH 7 STRING 8 BITMAP 9 HYPERLOGLOG 10 GEO
    11 STREAM 12 PUBSUB 13 ADMIN 14 FAST 15 SLOW 16 BLOCKING 17 DANGEROUS 18 CONNECTION 19 TRANSACTION 20 SCRIPTING }
}

impl Facts {
    /// States categories that follow neither from the group nor from the flags.
    pub const fn and(self, stated: u32) -> Facts {
        Facts { stated, ..self }
    }

    /// States that a category does not hold that follows.
    pub const fn but_not(self, denied: u32) -> Facts {
        Facts { denied, ..self }
    }

    pub const fn hint(self, tips: &'static [&'static str]) -> Facts {
        Facts { tips, ..self }
    }

    pub const fn is(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// The ACL categories: of the group, of the flags, and those stated.
    pub fn categories(&self) -> u32 {
        use category::*;
        let group = match self.group {
            "generic" => KEYSPACE,
            "string" => STRING,
            "list" => LIST,
            "set" => SET,
            "sorted-set" => SORTEDSET,
            "hash" => HASH,
            "bitmap" => BITMAP,
            "hyperloglog" => HYPERLOGLOG,
            "geo" => GEO,
            "stream" => STREAM,
            "connection" => CONNECTION,
            "transactions" => TRANSACTION,
            "scripting" => SCRIPTING,
            _ => 0,
        };
        let flags = [
            (super::facts::WRITE, WRITE),
            (super::facts::READONLY, if self.group == "scripting" { 0 } else { READ }),
            (super::facts::ADMIN, ADMIN | DANGEROUS),
            (super::facts::PUBSUB, PUBSUB),
            (super::facts::BLOCKING, BLOCKING),
            (super::facts::FAST, FAST),
        ];
        let implied = flags.iter().filter(|(flag, _)| self.is(*flag)).fold(0, |all, (_, category)| all | category);
        let speed = if self.is(super::facts::FAST) { 0 } else { SLOW };
        (group | implied | speed | self.stated) & !self.denied
    }
}

/// The names of the bits that are set.
pub fn names(bits: u32, names: &'static [&'static str]) -> impl Iterator<Item = &'static str> {
    names.iter().enumerate().filter(move |(bit, _)| bits & 1 << bit != 0).map(|(_, name)| *name)
}
