//! All commands. A family file has them in the order of the reference: syntax, form, facts, run.
//! Who adds one adds its name to the table below; everything else is read off its declaration.
#[cfg(test)]
mod changes;
pub mod connection;
mod draws;
#[cfg(test)]
mod harness;
mod hash;
mod key;
mod list;
mod pubsub;
pub mod server;
mod set;
mod sorted_set;
mod standalone;
mod string;
mod told;
pub mod transaction;
mod wait;

use connection::{client::*, hello::*, kill::*, modes::*, monitor::*, pause::*, *};
use hash::{expire::*, expiring::*, fields::*, numbers::*, pick::*, scan::*};
use key::{delete::*, dump::*, expire::*, find::*, object::*, rename::*, sort::*, whole::*};
use list::{block::*, ends::*, middle::*, read::*, shift::*};
use pubsub::{channels::*, subscribe::*, *};
use server::*;
use set::{algebra::*, members::*, pick::*, scan::*};
use sorted_set::{add::*, combine::*, pop::*, range::*, read::*, remove::*, sample::*};
use standalone::*;
use string::{counters::*, get_set::*, lcs::*, many::*, ranges::*};
use transaction::*;

/// What a family file wants in scope.
#[allow(unused_imports, reason = "families are added one by one")]
mod prelude {
    pub use crate::command::context::{text, write_text};
    pub use crate::command::entry::*;
    pub use crate::command::grammar::Grammar;
    pub use crate::command::leaf::*;
    pub use crate::command::list::*;
    pub use crate::command::syntax::*;
    pub use crate::command::usage::help;
    pub use crate::command::words::{OwnedWords, Words};
    pub use crate::command::{Context, Effect, Outcome, Ran, Refusal};
    pub use crate::store::text::Digits;
    pub use crate::store::{Content, Event, NewExpiry, Text, Value};
    pub use crate::wire::reply::Protocol;
    pub use crate::{choice, form, number};
}

crate::table! { pub COMMANDS:
    // Connections
    Auth, Client {
        ClientGetname, ClientGetredir, ClientHelp, ClientId, ClientInfo, ClientKill, ClientList, ClientNoEvict,
        ClientNoTouch, ClientPause, ClientReply, ClientSetinfo, ClientSetname, ClientTrackinginfo, ClientUnblock,
        ClientUnpause,
    },

    Echo, Hello, Ping, Quit, Reset, Select,
    // Hashes
    HDel, HExists, HExpire, HExpireAt, HExpireTime, HGet, HGetAll, HGetDel, HGetEx, HIncrBy, HIncrByFloat, HKeys, HLen,
    HMGet, HMSet, HPersist, HPExpire, HPExpireAt, HPExpireTime, HPTtl, HRandField, HScan, HSet, HSetEx, HSetNx, HStrLen,
    HTtl, HVals,
    // Keys
    Copy, Del, Dump, Exists, Expire, ExpireAt, ExpireTime, Keys, Move,
    Object { ObjectEncoding, ObjectFreq, ObjectHelp, ObjectIdletime, ObjectRefcount },
    Persist, PExpire, PExpireAt, PExpireTime, PTtl, RandomKey, Rename, RenameNx, Restore, Scan, Sort, SortRo, Touch, Ttl, Type,
    Unlink,
    // Lists
    BLMove, BLMPop, BLPop, BRPop, BRPopLPush, LIndex, LInsert, LLen, LMove, LMPop, LPop, LPos, LPush, LPushX, LRange, LRem,
    LSet, LTrim, RPop, RPopLPush, RPush, RPushX,
    // Sorted sets
    BZMPop, BZPopMax, BZPopMin, ZAdd, ZCard, ZCount, ZDiff, ZDiffStore, ZIncrBy, ZInter, ZInterCard, ZInterStore, ZLexCount,
    ZMPop, ZMScore, ZPopMax, ZPopMin, ZRandMember, ZRange, ZRangeByLex, ZRangeByScore, ZRangeStore, ZRank, ZRem,
    ZRemRangeByLex, ZRemRangeByRank, ZRemRangeByScore, ZRevRange, ZRevRangeByLex, ZRevRangeByScore, ZRevRank, ZScan, ZScore,
    ZUnion, ZUnionStore,
    // Databases and memory
    DbSize, FlushAll, FlushDb, Memory { MemoryDoctor, MemoryHelp, MemoryMallocStats, MemoryPurge, MemoryStats, MemoryUsage }, SwapDb,
    // What is off in a server that stands alone
    Asking,
    Cluster {
        ClusterAddslots, ClusterAddslotsrange, ClusterBumpepoch, ClusterCountFailureReports, ClusterCountkeysinslot, ClusterDelslots, ClusterDelslotsrange, ClusterFailover, ClusterFlushslots, ClusterForget, ClusterGetkeysinslot, ClusterHelp, ClusterInfo, ClusterKeyslot, ClusterLinks, ClusterMeet, ClusterMyid, ClusterMyshardid, ClusterNodes, ClusterReplicas, ClusterReplicate, ClusterReset, ClusterSaveconfig, ClusterSetConfigEpoch, ClusterSetslot, ClusterShards, ClusterSlaves, ClusterSlots,
    },
    Failover, Module { ModuleHelp, ModuleList, ModuleLoad, ModuleLoadex, ModuleUnload },
    Readonly, Readwrite, ReplicaOf, Role, SlaveOf, Wait, WaitAof,
    // Publish and subscribe
    Psubscribe, Publish, Pubsub { PubsubChannels, PubsubHelp, PubsubNumpat, PubsubNumsub, PubsubShardchannels, PubsubShardnumsub },
    Punsubscribe, Spublish, Ssubscribe, Subscribe, Sunsubscribe, Unsubscribe,
    // Server
    CommandAll {
        CommandCount, CommandDocs, CommandGetkeys, CommandGetkeysandflags, CommandHelp, CommandInfo, CommandList,
    },
    Config { ConfigGet, ConfigHelp, ConfigResetstat, ConfigRewrite, ConfigSet },
    Debug, Function { FunctionFlush, FunctionHelp }, Info, LastSave, Save, Script { ScriptFlush, ScriptHelp }, Shutdown, Time,
    // What runs, and what took long
    Monitor,
    Latency {
        LatencyDoctor, LatencyGraph, LatencyHelp, LatencyHistogram, LatencyHistory, LatencyLatest, LatencyReset,
    },
    Slowlog { SlowlogGet, SlowlogHelp, SlowlogLen, SlowlogReset },
    // Transactions
    Discard, Exec, Multi, Unwatch, Watch,
    // Sets
    SAdd, SCard, SDiff, SDiffStore, SInter, SInterCard, SInterStore, SIsMember, SMembers, SMIsMember, SMove, SPop,
    SRandMember, SRem, SScan, SUnion, SUnionStore,
    // Strings
    Append, Decr, DecrBy, DelIfEq, Get, GetDel, GetEx, GetRange, GetSet, Incr, IncrBy, IncrByFloat, Lcs, MGet, MSet, MSetEx,
    MSetNx, PSetEx, Set, SetEx, SetNx, SetRange, StrLen, SubStr,
}
