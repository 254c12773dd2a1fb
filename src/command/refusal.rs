//! Every way to refuse a command, and its exact text. Redis's wording comes first.
//!
//! `{command}` stands for the command's full name, `{COMMAND}` for the same in capitals, `{word}` for the word that was
//! read last, `{rest}` for those after it. So a refusal is one byte, and parsing never builds a text.
use super::words::Words;

macro_rules! refusals {
    ($($name:ident: $text:literal)+) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    NotAnInteger: "ERR value is not an integer or out of range"
    NotAFloat: "ERR value is not a valid float"
    NotPositive: "ERR value is out of range, must be positive"
    TimeoutNotAFloat: "ERR timeout is not a float or out of range"
    TimeoutNotAnInteger: "ERR timeout is not an integer or out of range"
    TimeoutNegative: "ERR timeout is negative"
    NumkeysNotPositive: "ERR numkeys should be greater than 0"
    CountNotPositive: "ERR count should be greater than 0"
    // Expiry
    BadExpiry: "ERR invalid expire time in '{command}' command"
    ExpiryNegative: "ERR invalid expire time, must be >= 0"
    NxWithOthers: "ERR NX and XX, GT or LT options at the same time are not compatible"
    GtWithLt: "ERR GT and LT options at the same time are not compatible"
    UnsupportedOption: "ERR Unsupported option {word}"
    // Lists and hashes
    RankZero: "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list"
    CountNegative: "ERR COUNT can't be negative"
    MaxlenNegative: "ERR MAXLEN can't be negative"
    FieldsMissing: "ERR Mandatory argument FIELDS is missing or not at the right position"
    NumfieldsNotPositive: "ERR Parameter `numFields` should be greater than 0"
    NumfieldsMismatch: "ERR The `numfields` parameter must match the number of arguments"
    // Sorted sets
    XxWithNx: "ERR XX and NX options at the same time are not compatible"
    GtLtNx: "ERR GT, LT, and/or NX options at the same time are not compatible"
    IncrOfOne: "ERR INCR option supports a single increment-element pair"
    NoInputKey: "ERR at least 1 input key is needed for '{command}' command"
    WeightNotAFloat: "ERR weight value is not a float"
    LimitNeedsBy: "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"
    ScoresByLex: "ERR syntax error, WITHSCORES not supported in combination with BYLEX"
    RangeNotFloat: "ERR min or max is not a float"
    RangeNotLex: "ERR min or max not valid string range item"
    // Streams
    BadStreamId: "ERR Invalid stream ID specified as stream command argument"
    StreamIdZero: "ERR The ID specified in XADD must be greater than 0-0"
    TrimTwice: "ERR syntax error, MAXLEN and MINID options at the same time are not compatible"
    TrimLength: "ERR The MAXLEN argument must be >= 0."
    TrimLimit: "ERR The LIMIT argument must be >= 0."
    TrimLimitExact: "ERR syntax error, LIMIT cannot be used without the special ~ option"
    TrimLimitAlone: "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"
    MissingGroup: "ERR Missing GROUP option for XREADGROUP"
    Unbalanced: "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified."
    // Bits, scripts, clients
    BadBitType: "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."
    BadBitOffset: "ERR bit offset is not an integer or out of range"
    BadOverflow: "ERR Invalid OVERFLOW type specified"
    KeysNegative: "ERR Number of keys can't be negative"
    KeysTooMany: "ERR Number of keys can't be greater than number of args"
    ClientId: "ERR client-id should be greater than 0"
    ClientType: "ERR Unknown client type '{word}'"
    NoSuchClient: "ERR No such client"
}

impl Refusal {
    /// The text in full. `words` is the cursor as parsing left it.
    pub fn say(self, command: &str, words: &Words) -> String {
        let clean = |word: &[u8]| String::from_utf8_lossy(&word[..word.len().min(128)]).replace(['\r', '\n'], " ");
        let (mut said, mut text) = (String::new(), self.text());
        while let Some((before, (hole, after))) = text.split_once('{').and_then(|(b, a)| Some((b, a.split_once('}')?)))
        {
            said += before;
            match hole {
                "command" => said += &command.to_ascii_lowercase(),
                "COMMAND" => said += command,
                "word" => said += &clean(words.last()),
                _ => words.iter().for_each(|word| said += &format!("'{}' ", clean(word))),
            }
            text = after;
        }
        said + text
    }
}
