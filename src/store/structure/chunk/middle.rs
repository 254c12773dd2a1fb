//! Changes in the middle of a chunk: elements taken away, replaced, put between others. What comes after them is moved.
use super::header::{HEADER_MAX, Header, capacity_for, header_bytes};
use super::packed::OWN;
use super::{CHUNK_BYTES_MAX, Chunk, Iter, Packed};
use std::ops::Range;

impl Chunk {
    /// Takes some elements away, in place: whole pairs, if there are pairs.
    pub fn remove(&mut self, elements: Range<usize>) {
        let (bytes, own) = self.extent(&elements);
        let gone: usize = self.from(elements.start).take(elements.len()).map(|element| element.listpack_size()).sum();
        let (mut header, memory) = self.parts_mut();
        debug_assert!(header.codes[0] == header.codes[1] || elements.len().is_multiple_of(2));
        let (codes, Header { start, end, first, .. }) = (header.codes(), header);
        memory.copy_within(start + bytes.end..end, start + bytes.start);
        // Codes stand in reverse, so those of later elements move up.
        memory.copy_within(codes.start..first + 1 - own.end, codes.start + own.len());
        header.end -= bytes.len();
        header.extra -= gone - bytes.len();
        header.count -= elements.len();
        header.write(memory);
        self.shrink(header);
    }

    /// Takes away up to so many elements of a list that are this one, the first or the last of them: how many there were.
    pub fn remove_equal(&mut self, wanted: &Packed, last: bool, most: usize) -> usize {
        // The places of the elements, and of their bytes.
        let (mut found, count, length) = (vec![], self.len(), self.data());
        let mut rest = self.iter();
        if last {
            while found.len() < most
                && let Some(element) = rest.next_back()
            {
                if element == wanted.element() {
                    found.push((rest.len, rest.data.len()));
                }
            }
            found.reverse();
        } else {
            while found.len() < most
                && let Some(here) = rest.search(wanted, 1)
            {
                found.push((count - here.len, length - here.data.len()));
                rest = here;
                rest.skip_front();
            }
        }
        if !found.is_empty() {
            self.close_up(&found, count, length, wanted);
        }
        found.len()
    }

    /// Moves what stands behind these elements, which are all the same one, to where they are.
    fn close_up(&mut self, gone: &[(usize, usize)], count: usize, length: usize, same: &Packed) {
        let (mut header, memory) = self.parts_mut();
        let (is_own, width) = (header.codes[0] == OWN, same.width());
        let next = gone[1..].iter().copied().chain([(count, length)]);
        for (number, (&(at, byte), (next_at, next_byte))) in gone.iter().zip(next).enumerate() {
            let bytes = header.start + byte + width..header.start + next_byte;
            memory.copy_within(bytes, header.start + byte - number * width);
            if is_own {
                // Codes stand in reverse, so they move up.
                let codes = header.first + 1 - next_at..header.first - at;
                memory.copy_within(codes.clone(), codes.start + number + 1);
            }
        }
        header.end -= gone.len() * width;
        header.count -= gone.len();
        header.extra -= gone.len() * same.extra as usize;
        header.write(memory);
        if header.count > 0 { self.fit() } else { *self = Chunk::default() }
    }

    /// Has codes shared no longer that another element at this place would not have. False: it has no room for them.
    fn admit(&mut self, at: usize, code: u8, pairs: bool) -> bool {
        let header = self.header();
        let codes = header.sharing(at, code, pairs);
        if codes != header.codes {
            let content = header.data() + Header::own(codes, header.count);
            if content + HEADER_MAX > CHUNK_BYTES_MAX {
                return false;
            }
            *self = self.moved(capacity_for(content), false, codes);
        }
        true
    }

    /// Puts another value into a pair. False, with nothing done: it has no room for it.
    pub fn replace(&mut self, at: usize, with: &Packed) -> bool {
        self.admit(at, with.code, true) && self.overwrite(at, with)
    }

    /// The same, where the codes that are shared suffice; in place, if it takes as many bytes.
    fn overwrite(&mut self, at: usize, with: &Packed) -> bool {
        let (bytes, own) = self.extent(&(at..at + 1));
        if bytes.len() != with.width() {
            return self.exchange(at..at + 1, Some(with));
        }
        let gone = self.from(at).next().expect("it is there").listpack_size();
        let (mut header, memory) = self.parts_mut();
        with.write(&mut memory[header.start + bytes.start..header.start + bytes.end]);
        if !own.is_empty() {
            memory[header.first - own.start] = with.code;
        }
        header.extra = header.extra + with.extra as usize - (gone - bytes.len());
        header.write(memory);
        true
    }

    /// Puts a pair before the one at this place, in its memory if it fits. False, with nothing done: it has no room.
    pub fn insert(&mut self, at: usize, pair: &[Packed; 2]) -> bool {
        debug_assert!(at.is_multiple_of(2) && self.len().is_multiple_of(2));
        let mut new = self.header();
        new.codes = new.sharing(at, pair[0].code, true);
        new.count = new.count.max(1);
        new.codes = new.sharing(at + 1, pair[1].code, true);
        let (old, codes) = (self.header(), new.codes);
        let width = pair[0].width() + pair[1].width();
        let content = old.data() + width + Header::own(codes, old.count + 2);
        let low = (old.first + 1).saturating_sub(Header::own(codes, old.count + 2));
        let has_room = old.capacity > 0 && codes == old.codes && old.grows_behind() && old.end + width <= low;
        if !has_room {
            if content + HEADER_MAX > CHUNK_BYTES_MAX {
                return false;
            }
            *self = self.moved(capacity_for(content), false, codes);
        }
        if at == old.count {
            return self.put_behind(&pair[0]) && self.put_behind(&pair[1]);
        }
        let (bytes, own) = self.extent(&(at..at));
        let (mut header, memory) = self.parts_mut();
        let (old_codes, Header { start, end, first, .. }) = (header.codes(), header);
        let (mut to, mut code_at) = (start + bytes.start, first - own.start);
        memory.copy_within(to..end, to + width);
        // Codes stand in reverse, so those of later elements move down.
        let later = old_codes.start..first + 1 - own.start;
        memory.copy_within(later.clone(), later.start - Header::own(codes, 2));
        for (packed, shared) in pair.iter().zip(codes) {
            packed.write(&mut memory[to..to + packed.width()]);
            if shared == OWN {
                memory[code_at] = packed.code;
                code_at -= 1;
            }
            to += packed.width();
            header.extra += packed.extra as usize;
        }
        header.end += width;
        header.count += 2;
        header.write(memory);
        true
    }

    /// Takes some elements away, and puts another in their place. False, with nothing done: it has no room for it.
    pub fn splice(&mut self, elements: Range<usize>, with: Option<&Packed>) -> bool {
        with.is_none_or(|with| self.admit(elements.start, with.code, false))
            && match with {
                Some(with) if elements.len() == 1 => self.overwrite(elements.start, with),
                _ => self.exchange(elements, with),
            }
    }

    /// The same, where the codes that are shared suffice.
    fn exchange(&mut self, elements: Range<usize>, with: Option<&Packed>) -> bool {
        self.exchanged(elements, with).map(|new| *self = new).is_some()
    }

    /// What is left without some elements.
    pub fn without(&self, elements: Range<usize>) -> Chunk {
        self.exchanged(elements, None).expect("fewer take less")
    }

    /// Puts the elements of another list behind its own. False, with nothing done: it has no room for them.
    pub fn join(&mut self, other: &Chunk) -> bool {
        let (old, more) = (self.header(), other.header());
        debug_assert!(old.codes[0] == old.codes[1] && more.codes[0] == more.codes[1], "pairs are not joined");
        let codes = if old.codes == more.codes { old.codes } else { [OWN; 2] };
        let own = Header::own(codes, more.count);
        let content = old.data() + Header::own(codes, old.count) + more.data() + own;
        if content + HEADER_MAX > CHUNK_BYTES_MAX {
            return false;
        }
        *self = self.moved(capacity_for(content), false, codes);
        let (mut header, memory) = self.parts_mut();
        let Iter { shared, codes, data, .. } = other.iter();
        memory[header.end..header.end + data.len()].copy_from_slice(data);
        let low = header.codes().start;
        let places = &mut memory[low - own..low];
        // Those that shared a code have each its own now, if the others have.
        if codes.is_empty() {
            places.fill(shared[0])
        } else {
            places.copy_from_slice(codes)
        }
        header.end += data.len();
        header.count += more.count;
        header.extra += more.extra;
        header.write(memory);
        true
    }

    /// As it is with some elements taken away, and another in their place. `None`: there is no room for it.
    fn exchanged(&self, elements: Range<usize>, with: Option<&Packed>) -> Option<Chunk> {
        let ((bytes, own), old) = (self.extent(&elements), self.header());
        let gone: usize = self.from(elements.start).take(elements.len()).map(|element| element.listpack_size()).sum();
        let count = old.count - elements.len() + with.is_some() as usize;
        let content = old.data() - bytes.len() + with.map_or(0, Packed::width) + Header::own(old.codes, count);
        if content + HEADER_MAX > CHUNK_BYTES_MAX {
            return None;
        }
        let mut new = Chunk::with_capacity(capacity_for(content));
        let (capacity, Iter { codes, data, .. }) = (new.heap_bytes(), self.iter());
        let start = header_bytes(capacity);
        let own_codes = Header::own(old.codes, count);
        let end = start + content - own_codes;
        let memory = new.parts_mut().1;
        let (head, tail) = (&data[..bytes.start], &data[bytes.end..]);
        memory[start..start + head.len()].copy_from_slice(head);
        memory[end - tail.len()..end].copy_from_slice(tail);
        // Codes stand in reverse.
        let (before, after) = (&codes[codes.len() - own.start..], &codes[..codes.len() - own.end]);
        memory[capacity - before.len()..].copy_from_slice(before);
        memory[capacity - own_codes..capacity - own_codes + after.len()].copy_from_slice(after);
        let mut extra = old.extra + bytes.len() - gone;
        if let Some(packed) = with {
            packed.write(&mut memory[start + head.len()..end - tail.len()]);
            if old.codes[elements.start & 1] == OWN {
                memory[capacity - before.len() - 1] = packed.code;
            }
            extra += packed.extra as usize;
        }
        Header { capacity, count, start, end, first: capacity - 1, extra, codes: old.codes }.write(memory);
        Some(new)
    }
}
