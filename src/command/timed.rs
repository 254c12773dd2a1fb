//! A command in slices, as it is counted: once, when it is done, with the time of all its slices. Between them others are
//! served, so that it holds up nobody for longer than a slice takes.
use super::context::Context;
use super::entry::Entry;
use super::monitor;
use super::notice::{attend, note, note_slice, words_to_note};
use super::outcome::Task;

struct Timed {
    entry: &'static Entry,
    task: Box<dyn Task>,
    /// As a log would have them.
    words: Vec<Box<[u8]>>,
    ticks: u64,
}

/// `ticks`: what its first slice took, which ran as the command did.
#[cold]
pub fn timed(entry: &'static Entry, task: Box<dyn Task>, ticks: u64, cx: &mut Context) -> Box<dyn Task> {
    let words = words_to_note(entry, cx.request);
    if attend(ticks, cx) {
        monitor::show(entry, cx.request, cx);
        note_slice(entry, ticks, cx);
    }
    Box::new(Timed { entry, task, words, ticks })
}

impl Task for Timed {
    fn go_on(&mut self, cx: &mut Context) -> bool {
        let done = self.task.go_on(cx);
        let tick = cx.host.ticks();
        let took = tick.saturating_sub(std::mem::replace(cx.since, tick));
        self.ticks += took;
        let tracked = cx.server.config.latency_tracking;
        let stats = &mut cx.server.stats.commands[self.entry.index as usize];
        stats.ticks += took;
        if done {
            stats.finished(self.ticks, tracked);
        }
        if took >= cx.server.notice_from && attend(took, cx) {
            note_slice(self.entry, took, cx);
        }
        if done && self.ticks >= cx.server.notice_from && attend(self.ticks, cx) {
            note(self.entry, &mut || std::mem::take(&mut self.words), self.ticks, cx);
        }
        done
    }
}
