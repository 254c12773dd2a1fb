//! What an entry holds beside short strings: a long string or a collection, each one word that owns other memory. Here is
//! the list of collections, in three views: as they are seen, as they are owned, and which number stands for each in an
//! entry's header.
use super::{LONG, WORD};
use crate::store::sizes::Size;
use crate::store::structure::index::Index;
use crate::store::text::{Long, Text};
use crate::store::value::{Collection, Hash, List, Set, SortedSet};

/// What an entry can hold, by the number in its header.
///
/// # Safety
/// Each type has a number of its own and is one word: the list below is the only place where one is given.
pub unsafe trait Formed {
    const FORM: u8;
    /// The same, counted from 1.
    const KIND: u8 = Self::FORM - LONG;
    fn hold(self) -> Held;
}

#[deny(unreachable_patterns)]
macro_rules! collections {
    ($($form:literal $name:ident)+) => {
        /// A value of any type, as it stands in its entry.
        #[derive(Clone, Copy, Debug)]
        pub enum Value<'a> {
            String(Text<'a>),
            $($name(&'a $name),)+
        }

        impl<'a> Value<'a> {
            /// As TYPE says it.
            pub fn type_name(&self) -> &'static str {
                match self {
                    Value::String(_) => "string",
                    $(Value::$name(_) => $name::TYPE,)+
                }
            }

            /// As OBJECT ENCODING says it.
            pub fn encoding(&self) -> &'static str {
                match self {
                    Value::String(text) => text.encoding(),
                    $(Value::$name(collection) => collection.encoding(),)+
                }
            }

            /// Types of collections as TYPE says them, by the number that each counts as (`Sizes::of`).
            pub const COLLECTIONS: &'static [(usize, &'static str)] = &[$(($name::KIND as usize, $name::TYPE)),+];

            /// What it counts as.
            #[inline]
            pub(in crate::store) fn size(&self) -> Size {
                match self {
                    Value::String(Text::Integer(integer)) => Size::of_integer(*integer),
                    Value::String(text) => Size::of_string(text.len()),
                    $(Value::$name(collection) => collection.size(),)+
                }
            }

            /// Bytes that it takes beside its entry.
            #[inline]
            pub fn heap_bytes(&self) -> usize {
                match self {
                    Value::String(Text::Long(long)) => long.heap_bytes(),
                    Value::String(_) => 0,
                    $(Value::$name(collection) => collection.heap_bytes(),)+
                }
            }

            /// When the first of its elements expires, if one does.
            #[inline]
            pub fn due_ms(&self) -> Option<i64> {
                match self {
                    Value::String(_) => None,
                    $(Value::$name(collection) => collection.due_ms(),)+
                }
            }

            /// What finds the elements of a large collection, where they have names.
            #[inline]
            pub(in crate::store) fn index(&self) -> Option<&'a dyn Index> {
                match *self {
                    Value::String(_) => None,
                    $(Value::$name(collection) => collection.index(),)+
                }
            }

            /// A copy of a collection.
            pub(in crate::store) fn copied(&self) -> Option<Held> {
                match *self {
                    Value::String(_) => None,
                    $(Value::$name(collection) => Some(Held::$name(collection.clone())),)+
                }
            }

            /// # Safety
            /// In an entry with this form, above `LONG`, the value stands there.
            #[inline]
            pub(super) unsafe fn collection(form: u8, at: *const u8) -> Value<'a> {
                match form {
                    // SAFETY: as the caller says, `Held::write` wrote this type there; words are aligned in an entry.
                    $($form => Value::$name(unsafe { &*at.cast() }),)+
                    _ => unreachable!("no such form: {form}"),
                }
            }
        }

        /// What was taken out of an entry, or is to be put into one.
        #[derive(Clone, Debug)]
        pub enum Held {
            Long(Box<Long>),
            $($name($name),)+
        }

        impl Held {
            #[inline]
            pub(super) fn form(&self) -> u8 {
                match self {
                    Held::Long(_) => LONG,
                    $(Held::$name(_) => $form,)+
                }
            }

            /// # Safety
            /// There is an aligned word, to be written over.
            #[inline]
            pub(super) unsafe fn write(self, at: *mut u8) {
                // SAFETY: as the caller says, and each of them is one word.
                unsafe {
                    match self {
                        Held::Long(long) => at.cast::<Box<Long>>().write(long),
                        $(Held::$name(collection) => {
                            const { assert!(size_of::<$name>() == WORD && align_of::<$name>() <= WORD) };
                            at.cast::<$name>().write(collection)
                        })+
                    }
                }
            }

            /// # Safety
            /// In an entry with this form the value stands there, and is not used again.
            #[inline]
            pub(super) unsafe fn read(form: u8, at: *const u8) -> Held {
                // SAFETY: as the caller says, `write` wrote this type there.
                unsafe {
                    match form {
                        LONG => Held::Long(at.cast::<Box<Long>>().read()),
                        $($form => Held::$name(at.cast::<$name>().read()),)+
                        _ => unreachable!("no such form: {form}"),
                    }
                }
            }

            /// To free it takes so long that it is done in slices.
            #[inline]
            pub(in crate::store) fn is_large(&self) -> bool {
                match self {
                    Held::Long(long) => long.len() >= LARGE_BYTES_MIN,
                    $(Held::$name(collection) => collection.pieces() >= LARGE_PIECES_MIN,)+
                }
            }

            /// Frees up to so many pieces. True: there are more.
            pub(in crate::store) fn shed(&mut self, most: usize) -> bool {
                match self {
                    Held::Long(_) => false,
                    $(Held::$name(collection) => collection.shed(most),)+
                }
            }
        }

        $(
            // SAFETY: two types with the same number would be an unreachable arm in the matches above, which is denied.
            unsafe impl Formed for $name {
                const FORM: u8 = $form;
                fn hold(self) -> Held {
                    Held::$name(self)
                }
            }
        )+
    };
}

/// A shorter string is freed at once.
const LARGE_BYTES_MIN: usize = 256 * 1024;
/// So is a collection in fewer pieces.
const LARGE_PIECES_MIN: usize = 16;

// Numbers from 9 to 15.
collections! {
    9 List
    10 Set
    11 Hash
    12 SortedSet
}
