//! What was found in one moment and is told in slices: names, perhaps with scores. They are copies in two or three pieces of
//! memory, so the data may change meanwhile, and nothing is left to be freed slowly if the client goes.
use super::key::find::{Names, SLICE};
use super::sorted_set::{begin_list, write_score};
use crate::command::outcome::Task;
use crate::command::{Context, Outcome, Ran};
use crate::wire::reply::{Protocol, Reply};

/// No more bytes are told in one slice, but for the last name.
const BYTES_MAX: usize = 1 << 20;

#[derive(Default)]
pub struct Told {
    names: Names,
    /// Of each name, or of none.
    scores: Vec<f64>,
    /// What comes next.
    at: usize,
}

impl Told {
    pub fn push(&mut self, name: &[u8]) {
        self.names.push(name);
    }

    pub fn push_scored(&mut self, name: &[u8], score: f64) {
        self.names.push(name);
        self.scores.push(score);
    }

    /// Tells all as a set; its answer is that of the command.
    pub fn tell_set(self, cx: &mut Context) -> Ran {
        cx.reply.set(self.names.len());
        self.begin(cx)
    }

    /// The same as a list.
    pub fn tell_list(self, cx: &mut Context) -> Ran {
        begin_list(&mut cx.reply, self.names.len(), !self.scores.is_empty());
        self.begin(cx)
    }

    fn begin(mut self, cx: &mut Context) -> Ran {
        if self.go_on(cx) { Ok(Outcome::Done) } else { Ok(Outcome::Continue(Box::new(self))) }
    }

    fn tell_one(&self, at: usize, reply: &mut Reply) {
        let score = self.scores.get(at);
        if score.is_some() && reply.protocol() == Protocol::Resp3 {
            reply.array(2);
        }
        reply.bulk(self.names.get(at));
        score.into_iter().for_each(|score| write_score(reply, *score));
    }
}

impl Task for Told {
    fn go_on(&mut self, cx: &mut Context) -> bool {
        let (end, mut bytes) = (self.names.len().min(self.at + SLICE), 0);
        while self.at < end && bytes < BYTES_MAX {
            self.tell_one(self.at, &mut cx.reply);
            bytes += self.names.get(self.at).len();
            self.at += 1;
        }
        self.at == self.names.len()
    }
}
