//! A collection that is written element by element, while it is being read. It can be left between two elements and gone on
//! with later: so whoever loads a large one can see to others meanwhile. Lists are read node by node.
use super::decode::{Decoder, Row, filled, push_row, set_field};
use super::input::{Input, Source};
use super::loaded::Loaded;
use super::trouble::{Trouble, What};
use super::types;
use crate::base::number;
use crate::store::value::hash::EXPIRY_MS_MAX;
use crate::store::value::list::End;
use crate::store::{Hash, List, Set, SetLimits, SortedSet};
use bytes::Bytes;

pub struct Growing {
    form: u8,
    /// Elements, or nodes, that are to come.
    left: u64,
    so_far: SoFar,
}

enum SoFar {
    /// `is_one`: Redis would have one row of it, if that is not too long.
    List {
        list: List,
        is_one: bool,
    },
    Set {
        set: Set,
        limits: SetLimits,
    },
    /// `zeros`: members that come last.
    SortedSet {
        set: SortedSet,
        zeros: Vec<Vec<u8>>,
    },
    Hash {
        hash: Hash,
        moments: Moments,
    },
}

/// When the fields of a hash expire.
#[derive(Clone, Copy)]
enum Moments {
    Never,
    /// Stands before each, counted from this one, and from 1.
    Before(i64),
    /// Stands behind each. (Valkey)
    Behind,
}

/// How many elements follow: at least one.
fn count<S: Source>(input: &mut Input<S>) -> Result<u64, Trouble> {
    match input.length()? {
        0 => Err(input.trouble(What::Empty)),
        count => Ok(count),
    }
}

impl Growing {
    /// `None`: a value of this form is read as a whole.
    pub fn begin<S: Source>(decoder: &Decoder, form: u8, input: &mut Input<S>) -> Result<Option<Growing>, Trouble> {
        let mut moments = Moments::Never;
        match form {
            types::LIST | types::LIST_QUICKLIST | types::LIST_QUICKLIST_2 => {}
            types::SET | types::ZSET | types::ZSET_2 | types::HASH => {}
            types::VALKEY_HASH_2 if decoder.version >= types::VERSION_OF_VALKEY => moments = Moments::Behind,
            // Before 7.4 was released, they counted from 1970.
            types::HASH_METADATA_BEFORE => moments = Moments::Before(0),
            types::HASH_METADATA => {
                let earliest_ms = input.moment_ms()?.checked_sub(1);
                moments = Moments::Before(earliest_ms.ok_or_else(|| input.trouble(What::Expiry))?);
            }
            _ => return Ok(None),
        }
        let left = count(input)?;
        let so_far = match form {
            types::LIST => SoFar::List { list: List::default(), is_one: true },
            types::LIST_QUICKLIST | types::LIST_QUICKLIST_2 => SoFar::List { list: List::default(), is_one: left == 1 },
            types::SET => {
                let mut limits = decoder.limits.set.clone();
                if left > limits.intset_entries as u64 {
                    // Redis makes a table at once.
                    (limits.intset_entries, limits.listpack_entries) = (0, 0);
                }
                SoFar::Set { set: Set::default(), limits }
            }
            types::ZSET | types::ZSET_2 => {
                let mut set = SortedSet::default();
                set.expect(usize::try_from(left).unwrap_or(usize::MAX), &decoder.limits.sorted_set);
                SoFar::SortedSet { set, zeros: Vec::new() }
            }
            _ => SoFar::Hash { hash: Hash::default(), moments },
        };
        Ok(Some(Growing { form, left, so_far }))
    }

    /// Reads on until so many bytes of the input were taken. True: that was all.
    pub fn go_on<S: Source>(&mut self, decoder: &Decoder, input: &mut Input<S>, until: u64) -> Result<bool, Trouble> {
        while self.left > 0 {
            if input.offset() >= until {
                return Ok(false);
            }
            self.read_one(decoder, input)?;
            self.left -= 1;
        }
        Ok(true)
    }

    fn read_one<S: Source>(&mut self, decoder: &Decoder, input: &mut Input<S>) -> Result<(), Trouble> {
        match &mut self.so_far {
            SoFar::List { list, .. } if self.form == types::LIST => {
                list.push_shared(End::Right, Bytes::from(input.string_bytes()?));
            }
            SoFar::List { list, is_one } => *is_one &= push_node(list, self.form, input)?,
            SoFar::Set { set, limits } => {
                if !set.add(&input.string_bytes()?, limits) {
                    return Err(input.trouble(What::Duplicate));
                }
            }
            SoFar::SortedSet { set, zeros } => {
                let member = input.string_bytes()?;
                let score =
                    if self.form == types::ZSET_2 { f64::from_le_bytes(input.array()?) } else { old_score(input)? };
                if score.is_nan() {
                    return Err(input.trouble(What::Score));
                }
                // A listpack knows no -0. What a long member makes another encoding of does, so these come last.
                if score == 0.0 && score.is_sign_negative() && set.is_listpack() {
                    zeros.push(member);
                } else if set.change(&member, &decoder.limits.sorted_set, |_| Some(score)).0.is_some() {
                    return Err(input.trouble(What::Duplicate));
                }
            }
            SoFar::Hash { hash, moments } => {
                let before_ms =
                    if let Moments::Before(earliest_ms) = moments { moment(*earliest_ms, input)? } else { None };
                let (name, value) = (input.string_bytes()?, input.string_bytes()?);
                let at_ms = if let Moments::Behind = moments { valkey_moment(input)? } else { before_ms };
                let set = set_field(hash, &name, &value, at_ms, &decoder.limits.hash);
                set.map_err(|what| input.trouble(what))?;
            }
        }
        Ok(())
    }

    /// The value, when all of it was read.
    pub fn finish<S: Source>(self, decoder: &Decoder, input: &Input<S>) -> Result<Loaded, Trouble> {
        match self.so_far {
            SoFar::List { list, is_one } => decoder.list(list, is_one, input),
            SoFar::Set { set, .. } => filled(set, input),
            SoFar::SortedSet { mut set, mut zeros } => {
                // The longest first.
                zeros.sort_by_key(|member| std::cmp::Reverse(member.len()));
                let limits = &decoder.limits.sorted_set;
                if zeros.iter().any(|member| set.change(member, limits, |_| Some(-0.0)).0.is_some()) {
                    return Err(input.trouble(What::Duplicate));
                }
                filled(set, input)
            }
            SoFar::Hash { hash, .. } => filled(hash, input),
        }
    }
}

/// The next node of a list. True: it is a row.
fn push_node<S: Source>(list: &mut List, form: u8, input: &mut Input<S>) -> Result<bool, Trouble> {
    let (kind, row) = match form {
        types::LIST_QUICKLIST => (types::NODE_PACKED, Row::Ziplist),
        _ => (input.length()?, Row::Listpack),
    };
    match kind {
        types::NODE_PACKED => {
            let bytes = input.string_bytes()?;
            push_row(list, row, &bytes, input)?;
            Ok(true)
        }
        types::NODE_PLAIN => {
            let element = input.string_bytes()?;
            if element.is_empty() {
                return Err(input.trouble(What::Length));
            }
            list.push_shared(End::Right, Bytes::from(element));
            Ok(false)
        }
        _ => Err(input.trouble(What::Node(kind))),
    }
}

/// When a field expires that stands next.
fn moment<S: Source>(earliest_ms: i64, input: &mut Input<S>) -> Result<Option<i64>, Trouble> {
    let moment = input.length()?;
    if moment == 0 {
        return Ok(None);
    }
    let at_ms = i64::try_from(moment).ok().and_then(|moment| moment.checked_add(earliest_ms));
    at_ms.map(Some).ok_or_else(|| input.trouble(What::Expiry))
}

/// The same of the field that stands before it.
fn valkey_moment<S: Source>(input: &mut Input<S>) -> Result<Option<i64>, Trouble> {
    // Valkey takes moments later than any that Redis takes, and we can hold: they become the last one.
    Ok(Some(input.moment_ms()?).filter(|at_ms| *at_ms != types::NEVER_MS).map(|at_ms| at_ms.min(EXPIRY_MS_MAX)))
}

/// A score as Redis wrote it before 4.0: its text behind a byte that says how long that is.
fn old_score<S: Source>(input: &mut Input<S>) -> Result<f64, Trouble> {
    match input.byte()? {
        253 => Ok(f64::NAN),
        254 => Ok(f64::INFINITY),
        255 => Ok(f64::NEG_INFINITY),
        length => {
            let text = input.bytes(length as u64)?;
            number::float(&text).ok_or_else(|| input.trouble(What::Score))
        }
    }
}
