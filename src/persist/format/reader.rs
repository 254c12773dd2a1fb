//! A file, read from its beginning to its end: what stands in it is handed out piece by piece. Whether a key that has expired
//! is wanted, or one that is there already, its reader's owner decides.
use super::decode::Decoder;
use super::growing::Growing;
use super::input::{Input, ROOM_BYTES, Source};
use super::loaded::{Limits, Loaded, LoadedEntry};
use super::trouble::{Trouble, What};
use super::types;
use super::writer::Usage;

pub struct Reader<S> {
    input: Input<S>,
    limits: Limits,
    databases: usize,
    version: u32,
    database: usize,
    is_done: bool,
    half: Option<Box<Half>>,
    /// A value of which so many bytes were read is left, to be gone on with.
    pub pause_bytes: u64,
}

/// An entry whose value is being read.
struct Half {
    key: Vec<u8>,
    value: Growing,
    expires_ms: Option<i64>,
    usage: Option<Usage>,
}

/// A piece of a file.
#[derive(Debug)]
pub enum Item {
    /// A fact about who wrote it.
    Aux {
        name: Vec<u8>,
        value: Vec<u8>,
    },
    /// So many keys are to come in this database, so many of which expire.
    Sizes {
        database: usize,
        keys: u64,
        volatile: u64,
    },
    Entry(LoadedEntry),
    /// An entry has begun, or gone on: `Reader::read` goes on with it.
    Unfinished,
    /// What is not taken over.
    Skipped(Skipped),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Skipped {
    /// A library of functions.
    Functions,
    /// What a module has written beside its values.
    ModuleData,
    /// A key whose value has no elements.
    EmptyKey(Vec<u8>),
}

/// What a module's own data are made of.
mod module {
    pub const END: u64 = 0;
    pub const SIGNED: u64 = 1;
    pub const UNSIGNED: u64 = 2;
    pub const FLOAT: u64 = 3;
    pub const DOUBLE: u64 = 4;
    pub const STRING: u64 = 5;
}

impl<S: Source> Reader<S> {
    /// Reads the header. `databases`: so many are there.
    pub fn open(source: S, databases: usize, limits: Limits) -> Result<Reader<S>, Trouble> {
        let mut input = Input::new(source, ROOM_BYTES);
        let version = version(&mut input)?;
        Ok(Reader { input, limits, databases, version, database: 0, is_done: false, half: None, pause_bytes: u64::MAX })
    }

    pub fn version(&self) -> u32 {
        self.version
    }

    /// Bytes that were read of it.
    pub fn offset(&self) -> u64 {
        self.input.offset()
    }

    pub fn source(&mut self) -> &mut S {
        self.input.source()
    }

    /// `rdbchecksum no`: the sum at the end is not compared, and none is made.
    pub fn ignore_checksum(&mut self) {
        self.input.unchecked = true;
    }

    /// The next piece. `None`: that was all, and the checksum is right. What follows it belongs to somebody else.
    pub fn read(&mut self) -> Result<Option<Item>, Trouble> {
        if let Some(half) = self.half.take() {
            return self.go_on(half).map(Some);
        }
        let (mut expires_ms, mut usage) = (None, None);
        while !self.is_done {
            let input = &mut self.input;
            match input.byte()? {
                types::EXPIRES_MS => expires_ms = Some(input.moment_ms()?).filter(|at_ms| *at_ms != types::NEVER_MS),
                types::EXPIRES_S => {
                    let at_s = i32::from_le_bytes(input.array()?);
                    expires_ms = Some(at_s as i64 * 1000);
                }
                types::IDLE => usage = Some(Usage::Idle(input.length()?)),
                types::FREQUENCY => usage = Some(Usage::Frequency(input.byte()?)),
                types::DATABASE => {
                    let number = input.length()?;
                    self.database = usize::try_from(number)
                        .ok()
                        .filter(|number| *number < self.databases)
                        .ok_or_else(|| input.trouble(What::Database(number)))?;
                }
                types::RESIZE => {
                    let (keys, volatile) = (input.length()?, input.length()?);
                    return Ok(Some(Item::Sizes { database: self.database, keys, volatile }));
                }
                types::AUX => {
                    let (name, value) = (input.string_bytes()?, input.string_bytes()?);
                    return Ok(Some(Item::Aux { name, value }));
                }
                types::SLOT_INFO => {
                    for _ in 0..3 {
                        input.length()?;
                    }
                }
                types::FUNCTION_2 => {
                    input.string()?;
                    return Ok(Some(Item::Skipped(Skipped::Functions)));
                }
                types::MODULE_AUX => {
                    skip_module_data(input)?;
                    return Ok(Some(Item::Skipped(Skipped::ModuleData)));
                }
                types::END => {
                    self.finish()?;
                    self.is_done = true;
                }
                opcode @ 128.. => {
                    return Err(input.trouble(What::Opcode(opcode)));
                }
                form => return self.entry(form, expires_ms, usage).map(Some),
            }
        }
        Ok(None)
    }

    fn entry(&mut self, form: u8, expires_ms: Option<i64>, usage: Option<Usage>) -> Result<Item, Trouble> {
        let Reader { input, limits, version, database, .. } = self;
        let (key, decoder) = (input.string_bytes()?, Decoder { limits, version: *version });
        let value = match Growing::begin(&decoder, form, input) {
            Ok(Some(value)) => return self.go_on(Box::new(Half { key, value, expires_ms, usage })),
            Ok(None) => decoder.whole(form, input),
            Err(trouble) => Err(trouble),
        };
        finished(*database, key, value, expires_ms, usage)
    }

    /// Reads on in an entry, up to a pause.
    fn go_on(&mut self, mut half: Box<Half>) -> Result<Item, Trouble> {
        let Reader { input, limits, version, database, .. } = self;
        let (until, decoder) = (input.offset().saturating_add(self.pause_bytes), Decoder { limits, version: *version });
        if !half.value.go_on(&decoder, input, until)? {
            self.half = Some(half);
            return Ok(Item::Unfinished);
        }
        let Half { key, value, expires_ms, usage } = *half;
        finished(*database, key, value.finish(&decoder, input), expires_ms, usage)
    }

    /// The checksum, from version 5 on; 0 stands for none.
    fn finish(&mut self) -> Result<(), Trouble> {
        if self.version < 5 {
            return Ok(());
        }
        let sum = self.input.sum();
        let (at, said) = (self.input.offset(), u64::from_le_bytes(self.input.array()?));
        if said != 0 && said != sum && !self.input.unchecked {
            return Err(Trouble { what: What::Checksum, offset: at });
        }
        Ok(())
    }
}

/// A key without elements is none.
fn finished(
    database: usize,
    key: Vec<u8>,
    value: Result<Loaded, Trouble>,
    expires_ms: Option<i64>,
    usage: Option<Usage>,
) -> Result<Item, Trouble> {
    match value {
        Ok(value) => Ok(Item::Entry(LoadedEntry { database, key, value, expires_ms, usage })),
        Err(Trouble { what: What::Empty, .. }) => Ok(Item::Skipped(Skipped::EmptyKey(key))),
        Err(trouble) => Err(trouble),
    }
}

fn version<S: Source>(input: &mut Input<S>) -> Result<u32, Trouble> {
    let not_rdb = Trouble { what: What::NotRdb, offset: 0 };
    let header = input.array::<9>().map_err(|trouble| match trouble.what {
        What::Unreadable => trouble,
        _ => not_rdb,
    })?;
    // Valkey has versions of its own since its version 9.
    let (digits, is_valkey) = match &header {
        [b'R', b'E', b'D', b'I', b'S', digits @ ..] => (&digits[..], false),
        [b'V', b'A', b'L', b'K', b'E', b'Y', digits @ ..] => (&digits[..], true),
        _ => return Err(not_rdb),
    };
    let version = digits
        .iter()
        .try_fold(0, |version, digit| digit.is_ascii_digit().then(|| version * 10 + (digit - b'0') as u32));
    let version = version.ok_or(not_rdb)?;
    if types::is_known(version) && is_valkey == (version >= types::VERSION_OF_VALKEY) {
        Ok(version)
    } else {
        Err(Trouble { what: What::Version(version), offset: 5 })
    }
}

fn skip_module_data<S: Source>(input: &mut Input<S>) -> Result<(), Trouble> {
    // Whose they are, and when they were to be read, which is written as a number of theirs.
    input.length()?;
    loop {
        match input.length()? {
            module::END => return Ok(()),
            module::SIGNED | module::UNSIGNED => _ = input.length()?,
            module::FLOAT => input.skip(4)?,
            module::DOUBLE => input.skip(8)?,
            module::STRING => _ = input.string()?,
            _ => return Err(input.trouble(What::Module)),
        }
    }
}
