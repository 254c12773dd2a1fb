//! What each command takes, as COMMAND DOCS tells it: O() and what its letters are. They stand here in one table, where one
//! can be seen beside another, and not at the commands, which never ask. One that is not listed takes O(1).

#[rustfmt::skip] // One statement, one line: a table.
static COSTS: &[(&str, &str)] = &[
    // Any
    ("DEL EXISTS MGET MSET MSETNX MSETEX TOUCH UNLINK WATCH", "O(N) for N keys; a large value is given back later, in slices"),
    ("COPY", "O(1) for a string, else O(N) for N elements"),
    ("DUMP RESTORE", "O(N) for the N bytes of the payload"),
    ("KEYS", "O(N) for the N keys of the database, in slices"),
    ("SCAN HSCAN SSCAN ZSCAN", "O(C) for a call with COUNT C, O(N) for a whole walk over N elements"),
    ("SORT SORT_RO", "O(N + M log M) for N elements, of which M are told; O(N) where nothing is to be sorted"),
    ("MEMORY|USAGE", "O(N) for a value of N elements"),
    ("MEMORY|PURGE", "O(N) for N pages of memory"),
    // Strings
    ("APPEND", "O(N) for the N bytes that are appended; seldom O(M), where a value of M bytes moves"),
    ("SETRANGE", "O(N) for the N bytes that are written; seldom O(M), where a value of M bytes moves"),
    ("GETRANGE SUBSTR", "O(N) for the N bytes that are told"),
    ("LCS", "O(N*M) for strings of N and M bytes"),
    // Lists
    ("LPUSH LPUSHX RPUSH RPUSHX LPOP RPOP", "O(N) for N elements that are put or taken"),
    ("LMPOP BLMPOP", "O(K + N) for K keys and N elements that are taken"),
    ("BLPOP BRPOP", "O(K) for K keys"),
    ("LINDEX LSET", "O(N) for an element that is N places from the nearer end"),
    ("LINSERT LPOS LREM", "O(N) for the N elements that are looked at, at most all"),
    ("LRANGE", "O(S + N) for N elements that are told, S places from the nearer end"),
    ("LTRIM", "O(N) for the N elements that go"),
    // Hashes
    ("HSET HMSET HSETEX HGETEX HGETDEL HMGET HDEL HEXPIRE HEXPIREAT HEXPIRETIME HPERSIST HPEXPIRE HPEXPIREAT HPEXPIRETIME HPTTL HTTL", "O(N) for N fields that are named"),
    ("HGETALL HKEYS HVALS", "O(N) for the N fields of the hash"),
    ("HRANDFIELD SRANDMEMBER SPOP", "O(1) without a count, O(N) for a count of N"),
    // Sets
    ("SADD SREM SMISMEMBER ZMSCORE", "O(N) for N members that are named"),
    ("SMEMBERS", "O(N) for the N members of the set"),
    ("SDIFF SDIFFSTORE SUNION SUNIONSTORE", "O(N) for the N members of all sets together"),
    ("SINTER SINTERCARD SINTERSTORE", "O(N*M) for M sets, the smallest of N members"),
    // Sorted sets of N members
    ("ZADD ZREM", "O(M log N) for M members that are named, N in the set"),
    ("ZINCRBY ZRANK ZREVRANK ZCOUNT ZLEXCOUNT BZPOPMAX BZPOPMIN", "O(log N) for N members"),
    ("ZPOPMAX ZPOPMIN ZMPOP BZMPOP", "O(K + M log N) for K keys and M members that are taken, N in the set"),
    ("ZRANDMEMBER", "O(log N) without a count, O(M log N) for a count of M"),
    ("ZRANGE ZREVRANGE ZRANGEBYLEX ZRANGEBYSCORE ZREVRANGEBYLEX ZREVRANGEBYSCORE", "O(log N + M) for M members that are told, N in the set"),
    ("ZRANGESTORE", "O(log N + M log M) for M members that are stored, N in the set"),
    ("ZREMRANGEBYLEX ZREMRANGEBYRANK ZREMRANGEBYSCORE", "O(M log N) for M members that go, N in the set"),
    ("ZUNION ZUNIONSTORE", "O(N + M log M) for N members of all sets together, M in the result"),
    ("ZINTER ZINTERSTORE", "O(N*K + M log M) for K sets, the smallest of N members, M in the result"),
    ("ZINTERCARD", "O(N*K) for K sets, the smallest of N members"),
    ("ZDIFF ZDIFFSTORE", "O(L + M log M) for L members of all sets together, M in the result"),
    // Messages
    ("SUBSCRIBE UNSUBSCRIBE PSUBSCRIBE PUNSUBSCRIBE SSUBSCRIBE SUNSUBSCRIBE", "O(N) for N channels or patterns that are named"),
    ("PUBLISH", "O(N + M) for N clients that hear it, and M patterns of all clients"),
    ("SPUBLISH", "O(N) for N clients that hear it"),
    ("PUBSUB|CHANNELS PUBSUB|SHARDCHANNELS", "O(N) for N channels of all clients"),
    ("PUBSUB|NUMSUB PUBSUB|SHARDNUMSUB", "O(N) for N channels that are named"),
    // Transactions
    ("DISCARD", "O(N) for N commands that are queued"),
    ("EXEC", "what its commands take together"),
    // Connections
    ("CLIENT|LIST CLIENT|KILL CLIENT|UNPAUSE", "O(N) for N clients"),
    ("CLIENT|UNBLOCK", "O(log N) for N clients that wait"),
    ("MONITOR", "O(N) for every command that is run meanwhile, with N clients that monitor"),
    // The server
    ("COMMAND COMMAND|LIST", "O(N) for all N commands"),
    ("COMMAND|DOCS COMMAND|INFO", "O(N) for N commands that are named, or for all"),
    ("COMMAND|GETKEYS COMMAND|GETKEYSANDFLAGS", "O(N) for the N words of the command"),
    ("CONFIG|GET CONFIG|SET CONFIG|REWRITE", "O(N) for N settings"),
    ("CONFIG|RESETSTAT INFO LATENCY|HISTOGRAM", "O(N) for N commands that were called"),
    ("DEBUG", "up to O(N) for all N elements, as its subcommand has it"),
    ("FLUSHALL FLUSHDB", "O(1); the keys are given back later, in slices"),
    ("SAVE", "O(N) for all N bytes of data"),
    ("SHUTDOWN", "O(1), or O(N) for all N bytes of data where it saves"),
    ("SLOWLOG|GET", "O(N) for N entries that are told"),
    ("SLOWLOG|RESET LATENCY|RESET", "O(N) for N entries"),
    ("SWAPDB", "O(N) for N clients that watch or wait in either database"),
];

/// What the command of this full name takes.
pub fn of(name: &str) -> &'static str {
    let listed = COSTS.iter().find(|(names, _)| names.split(' ').any(|own| own == name));
    listed.map_or("O(1)", |(_, cost)| cost)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::COMMANDS;
    use std::collections::HashSet;

    #[test]
    fn names_are_those_of_commands_and_come_once() {
        let names: Vec<&str> = COSTS.iter().flat_map(|(names, _)| names.split(' ')).collect();
        for name in &names {
            assert!(COMMANDS.entries.iter().any(|entry| entry.facts.name == *name), "there is no {name}");
        }
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
    }
}
