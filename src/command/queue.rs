//! What a transaction has queued: requests as they were sent, in pages, so that a million of them are neither a million
//! pieces of memory nor one that must be copied to grow. What they mean, it does not know.
use super::words::{OwnedWords, Request};

/// A page with so many bytes of words, or so many words, is full. A longer request has a page of its own.
const PAGE_BYTES: usize = 16 * 1024;
const PAGE_WORDS: usize = 2048;

/// By the slab key of the client. Most clients have none.
#[derive(Default)]
pub struct Queues {
    of: Vec<Option<Box<Queue>>>,
}

impl Queues {
    pub fn begin(&mut self, client: usize) {
        if self.of.len() <= client {
            self.of.resize_with(client + 1, || None);
        }
        self.of[client] = Some(Box::default());
    }

    pub fn get_mut(&mut self, client: usize) -> Option<&mut Queue> {
        self.of.get_mut(client)?.as_deref_mut()
    }

    pub fn take(&mut self, client: usize) -> Option<Box<Queue>> {
        self.of.get_mut(client)?.take()
    }
}

#[derive(Default)]
pub struct Queue {
    pages: Vec<Page>,
    full_pages_bytes: usize,
}

#[derive(Default)]
struct Page {
    words: OwnedWords,
    /// How many words there are up to the end of each request.
    ends: Vec<u32>,
}

impl Page {
    fn bytes(&self) -> usize {
        self.words.memory() + self.ends.capacity() * size_of::<u32>()
    }
}

impl Queue {
    pub fn push(&mut self, request: Request) {
        let bytes: usize = request.iter().map(<[u8]>::len).sum();
        let has_room = |page: &Page| {
            let words = page.words.request();
            page.words.bytes() + bytes <= PAGE_BYTES && words.len() + request.len() <= PAGE_WORDS
        };
        if !self.pages.last().is_some_and(has_room) {
            self.full_pages_bytes += self.pages.last().map_or(0, Page::bytes);
            self.pages.push(Page::default());
        }
        let page = self.pages.last_mut().expect("one was just seen to");
        page.words.append(request);
        page.ends.push(page.words.request().len() as u32);
    }

    /// The memory that it takes, large words included that it may share with others.
    pub fn bytes(&self) -> usize {
        self.full_pages_bytes + self.pages.last().map_or(0, Page::bytes)
    }

    /// Runs through the requests in order; a page is given back once its last request is done.
    pub fn drain(self, mut run: impl FnMut(Request)) {
        for page in self.pages {
            let mut start = 0;
            for end in page.ends {
                run(page.words.request().part(start..end as usize));
                start = end as usize;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_out_as_it_went_in() {
        let mut queue = Queue::default();
        let text = |n: usize| format!("{n} {}", "x".repeat(if n.is_multiple_of(7) { PAGE_BYTES + n } else { n % 300 }));
        for n in 0..5000 {
            let mut words = OwnedWords::default();
            words.text("SET").text(n).text(text(n));
            queue.push(words.request());
        }
        assert!(queue.bytes() > 700 * PAGE_BYTES);
        let mut n = 0;
        queue.drain(|request| {
            let told: Vec<&[u8]> = request.iter().collect();
            assert_eq!(told, [b"SET".as_slice(), n.to_string().as_bytes(), text(n).as_bytes()]);
            n += 1;
        });
        assert_eq!(n, 5000);
    }

    #[test]
    fn a_million_short_requests_take_little_more_than_their_words() {
        let (mut queue, mut words) = (Queue::default(), OwnedWords::default());
        words.text("INCR").text("k");
        (0..1_000_000).for_each(|_| queue.push(words.request()));
        let each = queue.bytes() as f64 / 1e6;
        assert!(each < 60.0, "{each} bytes each");
    }
}
