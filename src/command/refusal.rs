//! Every way to refuse a command, and its exact text. Redis's wording comes first.
//!
//! `{command}` stands for the command's full name, `{COMMAND}` for its first word as it was sent, in capitals, `{word}` for the word that was
//! read last, `{rest}` for those after it, `{second}` for the one after the name. So a refusal is one byte, and parsing never builds a text.
use super::words::Words;

macro_rules! refusals {
    ($($name:ident: $text:literal)+) => {
        /// As wide as a register: as a byte it made the compiler copy forms in overlapping pieces, which the processor does
        /// not hand on from a write to a read (5 ns of a SET).
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u64)]
        pub enum Refusal { $($name),+ }
        impl Refusal {
            pub const fn text(self) -> &'static str {
                match self { $(Refusal::$name => $text),+ }
            }
        }
    };
}

refusals! {
    // Any command
    UnknownCommand: "ERR unknown command '{word}', with args beginning with: {rest}"
    UnknownSubcommand: "ERR unknown subcommand '{word}'. Try {COMMAND} HELP."
    WrongArity: "ERR wrong number of arguments for '{command}' command"
    Syntax: "ERR syntax error"
    NotAuthenticated: "NOAUTH Authentication required."
    NotInTransaction: "ERR Command not allowed inside a transaction"
    Loading: "LOADING Redis is loading the dataset in memory"
    BusyScript: "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
    BusyTransaction: "BUSY Redis is busy running a transaction. You can only call SHUTDOWN NOSAVE."
    WrongType: "WRONGTYPE Operation against a key holding the wrong kind of value"
    NotAnInteger: "ERR value is not an integer or out of range"
    NotAFloat: "ERR value is not a valid float"
    NotPositive: "ERR value is out of range, must be positive"
    NumkeysNotPositive: "ERR numkeys should be greater than 0"
    NoSuchKey: "ERR no such key"
    NoSuchDatabase: "ERR DB index is out of range"
    SameObject: "ERR source and destination objects are the same"
    ResultTooLarge: "ERR the result would take more memory than proto-max-bulk-len allows"
    // Keys
    NotDoubles: "ERR One or more scores can't be converted into double"
    BadFirstIndex: "ERR invalid first DB index"
    BadSecondIndex: "ERR invalid second DB index"
    BadCursor: "ERR invalid cursor"
    BusyKey: "BUSYKEY Target key name already exists."
    InvalidTtl: "ERR Invalid TTL value, must be >= 0"
    InvalidIdletime: "ERR Invalid IDLETIME value, must be >= 0"
    InvalidFreq: "ERR Invalid FREQ value, must be >= 0 and <= 255"
    BadPayload: "ERR DUMP payload version or checksum are wrong"
    BadDataFormat: "ERR Bad data format"
    NotHscan: "ERR NOVALUES option can only be used in HSCAN"
    LfuChosen: "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."
    NotLfu: "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."
    // Server
    InvalidCommand: "ERR Invalid command specified"
    NoKeyArguments: "ERR The command has no key arguments"
    InvalidWordCount: "ERR Invalid number of arguments specified for command"
    InvalidArguments: "ERR Invalid arguments specified for command"
    DebugNotAllowed: "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run \
        it from a local connection, otherwise you need to set this option in the configuration file, and then restart \
        the server."
    FunctionUsage: "ERR unknown subcommand or wrong number of arguments for '{second}'. Try FUNCTION HELP."
    DebugUsage: "ERR unknown subcommand or wrong number of arguments for '{second}'. Try {COMMAND} HELP."
    UnknownProtocolType: "ERR Wrong protocol type name. Please use one of the following: string|integer|double|\
        bignum|null|array|set|map|attrib|push|verbatim|true|false"
    NotInResp2: "ERR RESP2 is not supported by this command"
    NoShutdown: "ERR No shutdown in progress."
    NotSaved: "ERR"
    NotReloaded: "ERR Error trying to load the RDB dump, check server logs."
    ReloadUsage: "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options."
    ShutdownFailed: "ERR Errors trying to SHUTDOWN. Check logs."
    FunctionFlushOption: "ERR FUNCTION FLUSH only supports SYNC|ASYNC option"
    ScriptFlushOption: "ERR SCRIPT FLUSH only support SYNC|ASYNC option"
    OnlyMonitors: "ERR Replica can't interact with the keyspace"
    // What is off here
    NoCluster: "ERR This instance has cluster support disabled"
    NoModules: "ERR MODULE command not allowed. If the enable-module-command option is set to \"local\", you can run it \
        from a local connection, otherwise you need to set this option in the configuration file, and then restart the \
        server."
    NoFailover: "ERR No failover in progress."
    NoReplicas: "ERR FAILOVER requires connected replicas."
    FailoverTimeoutNotPositive: "ERR FAILOVER timeout must be greater than 0"
    BadMasterPort: "ERR Invalid master port"
    NoReplication: "ERR Spindle follows no other server: there is no replication yet"
    NoAppendOnly: "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."
    NotZeroOrOne: "ERR value is out of range, value must between 0 and 1"
    TimeoutNotAnInteger: "ERR timeout is not an integer or out of range"
    TimeoutNegative: "ERR timeout is negative"
    TimeoutOutOfRange: "ERR timeout is out of range"
    // What took long, and what runs
    NoSsubscribeHere: "ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client"
    NoMonitorHere: "ERR MONITOR isn't allowed for DENY BLOCKING client"
    BadSlowCount: "ERR count should be greater than or equal to -1"
    SlowlogUsage: "ERR unknown subcommand or wrong number of arguments for '{second}'. Try SLOWLOG HELP."
    // Expiry
    BadExpiry: "ERR invalid expire time in '{command}' command"
    NxWithOthers: "ERR NX and XX, GT or LT options at the same time are not compatible"
    GtWithLt: "ERR GT and LT options at the same time are not compatible"
    UnsupportedOption: "ERR Unsupported option {word}"
    // Connections
    NotAnInt32: "ERR value is out of range, value must between -2147483648 and 2147483647"
    NoPasswordSet: "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?"
    WrongPassword: "WRONGPASS invalid username-password pair or user is disabled."
    NotAProtocol: "ERR Protocol version is not an integer or out of range"
    NoSuchProtocol: "NOPROTO unsupported protocol version"
    BadHelloOption: "ERR Syntax error in HELLO option '{word}'"
    HelloNotAuthenticated: "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time"
    BadClientName: "ERR Client names cannot contain spaces, newlines or special characters."
    UnknownClientOption: "ERR Unrecognized option '{word}'"
    UnknownClientType: "ERR Unknown client type '{word}'"
    InvalidClientId: "ERR Invalid client ID"
    ClientIdNotPositive: "ERR client-id should be greater than 0"
    MaxAgeNotAnInteger: "ERR maxage is not an integer or out of range"
    MaxAgeNotPositive: "ERR maxage should be greater than 0"
    NoSuchUser: "ERR No such user '{word}'"
    NoSuchClient: "ERR No such client"
    BadUnblockType: "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"
    ClientUsage: "ERR unknown subcommand or wrong number of arguments for '{second}'. Try CLIENT HELP."
    BadPauseMode: "ERR CLIENT PAUSE mode must be WRITE or ALL"
    NoConfigFile: "ERR The server is running without a config file"
    // Publish and subscribe
    OnlySubscribes: "ERR Can't execute '{command}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"
    PubsubUsage: "ERR unknown subcommand or wrong number of arguments for '{second}'. Try PUBSUB HELP."
    // Transactions
    NestedMulti: "ERR MULTI calls can not be nested"
    WatchInMulti: "ERR WATCH inside MULTI is not allowed"
    WatchesTooMuch: "ERR watched keys take more memory than client-query-buffer-limit allows"
    ExecWithoutMulti: "ERR EXEC without MULTI"
    DiscardWithoutMulti: "ERR DISCARD without MULTI"
    TransactionAborted: "EXECABORT Transaction discarded because of previous errors."
    TransactionRejected: "EXECABORT Transaction discarded because of: {why}"
    // Lists
    IndexOutOfRange: "ERR index out of range"
    CountNotPositive: "ERR count should be greater than 0"
    RankZero: "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list"
    NotALong: "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"
    PosCountNegative: "ERR COUNT can't be negative"
    MaxlenNegative: "ERR MAXLEN can't be negative"
    TimeoutNotAFloat: "ERR timeout is not a float or out of range"
    // Hashes
    HashNotAnInteger: "ERR hash value is not an integer"
    HashNotAFloat: "ERR hash value is not a float"
    NotFinite: "ERR value is NaN or Infinity"
    OutOfRange: "ERR value is out of range"
    FieldsMissing: "ERR Mandatory argument FIELDS is missing or not at the right position"
    FieldsMismatch: "ERR The `numfields` parameter must match the number of arguments"
    NumFieldsNotPositive: "ERR Parameter `numFields` should be greater than 0"
    FieldCountNotPositive: "ERR Number of fields must be a positive integer"
    BadFieldCount: "ERR invalid number of fields"
    ExpiryNegative: "ERR invalid expire time, must be >= 0"
    TwoFieldConditions: "ERR Only one of FXX or FNX arguments can be specified"
    TwoFieldExpiries: "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified"
    UnknownArgument: "ERR unknown argument: {word}"
    // Sets
    TooManyKeys: "ERR Number of keys can't be greater than number of args"
    LimitNegative: "ERR LIMIT can't be negative"
    // Sorted sets
    NxWithXx: "ERR XX and NX options at the same time are not compatible"
    GtLtNx: "ERR GT, LT, and/or NX options at the same time are not compatible"
    IncrOfMany: "ERR INCR option supports a single increment-element pair"
    ScoreNan: "ERR resulting score is not a number (NaN)"
    ScoreBounds: "ERR min or max is not a float"
    NameBounds: "ERR min or max not valid string range item"
    LimitByRank: "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"
    ScoresByName: "ERR syntax error, WITHSCORES not supported in combination with BYLEX"
    NoInputKey: "ERR at least 1 input key is needed for '{command}' command"
    WeightNotAFloat: "ERR weight value is not a float"
    // Strings
    Overflow: "ERR increment or decrement would overflow"
    DecrementOverflow: "ERR decrement would overflow"
    NanOrInfinity: "ERR increment would produce NaN or Infinity"
    OffsetOutOfRange: "ERR offset is out of range"
    TooLong: "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
    InvalidNumkeys: "ERR invalid numkeys value or out of range"
    LcsNotStrings: "ERR The specified keys must contain string values"
    LenWithIdx: "ERR If you want both the length and indexes, please just use IDX."
    TooLongForLcs: "ERR String too long for LCS"
    LcsExceedsBulk: "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"
    LcsOutOfMemory: "ERR Insufficient memory, failed allocating transient memory for LCS"
}

impl Refusal {
    /// The text in full, with what it quotes of the request as it was sent. `words` is the cursor as parsing left it.
    pub fn say(self, command: &str, words: &Words) -> Vec<u8> {
        let (mut said, mut text) = (Vec::new(), self.text());
        while let Some((before, (hole, after))) = text.split_once('{').and_then(|(b, a)| Some((b, a.split_once('}')?)))
        {
            said.extend_from_slice(before.as_bytes());
            match hole {
                "command" => said.extend(command.bytes().map(|byte| byte.to_ascii_lowercase())),
                "COMMAND" => {
                    said.extend(quoted(words.get(0).unwrap_or_default(), QUOTED_BYTES_MAX).to_ascii_uppercase())
                }
                "second" => said.extend_from_slice(quoted(words.get(1).unwrap_or_default(), QUOTED_BYTES_MAX)),
                "word" => said.extend_from_slice(quoted(words.last(), QUOTED_BYTES_MAX)),
                _ => said.extend(rest(words)),
            }
            text = after;
        }
        said.extend_from_slice(text.as_bytes());
        said
    }
}

/// No more than this is quoted of what a client sent.
const QUOTED_BYTES_MAX: usize = 128;

/// As much of a word as Redis quotes, to whom a zero ends it.
fn quoted(word: &[u8], most: usize) -> &[u8] {
    let word = &word[..word.len().min(most)];
    &word[..memchr::memchr(0, word).unwrap_or(word.len())]
}

/// The words that were not read, as long as the text stays short.
fn rest(words: &Words) -> Vec<u8> {
    let mut said = Vec::new();
    for word in words.iter() {
        if said.len() >= QUOTED_BYTES_MAX {
            break;
        }
        let word = quoted(word, QUOTED_BYTES_MAX - said.len());
        said.extend([b"'", word, b"' "].concat());
    }
    said
}
