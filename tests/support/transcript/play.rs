//! Plays a case against a `Peer`, and either checks the answers or writes them down.
//! Requests in a row on one connection are one write; whatever else the line after them is, it sends them.

use super::notation::{Action, Case, Step};
use super::pattern;
use super::text::{self, Variables};
use super::value::{self, Value};
use std::collections::BTreeMap;
use std::time::Duration;

/// Carries bytes to a server and back, and owns its clock.
pub trait Peer {
    /// An empty server, no connection, these settings.
    fn begin(&mut self, settings: &[(String, String)]) -> Result<(), String>;
    fn now_ms(&mut self) -> i64;
    fn pass(&mut self, ms: u64);
    /// Moves both clocks on to this time since 1970, where the clock is ours.
    fn set_clock(&mut self, _wall: Duration) {}
    /// Opens connection `n` if it is not open: its own address and the server's.
    fn open(&mut self, n: usize) -> (String, String);
    fn close(&mut self, n: usize);
    fn send(&mut self, n: usize, bytes: &[u8]);
    fn receive(&mut self, n: usize, patience: Patience) -> Received;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// An answer is due.
    Long,
    /// Probably nothing comes.
    Short,
}

#[derive(Debug)]
pub enum Received {
    Bytes(Vec<u8>),
    Closed,
    Nothing,
}

#[derive(Default)]
struct Line {
    unsent: Vec<u8>,
    received: Vec<u8>,
    closed: bool,
    /// Requests of which the reply has not been read; only a rewrite counts them.
    due: usize,
}

struct Play<'a> {
    peer: &'a mut dyn Peer,
    lines: BTreeMap<usize, Line>,
    variables: Variables,
}

/// Checks every answer of `case`. The error says the line, what was expected and what came.
pub fn check(case: &Case, peer: &mut dyn Peer) -> Result<(), String> {
    let mut play = Play::begin(case, peer)?;
    let mut last = String::new();
    for step in &case.steps {
        if matches!(step.action, Action::Words(..) | Action::Raw(..)) {
            last = step.text.clone();
        }
        play.check_step(step).map_err(|why| format!("line {}: after {}\n{why}", step.line, shorten(&last)))?;
    }
    play.flush();
    for (n, mut line) in std::mem::take(&mut play.lines) {
        while let Received::Bytes(more) = play.peer.receive(n, Patience::Short) {
            line.received.extend(more);
        }
        if !line.received.is_empty() {
            return Err(format!("at the end connection {n} had more: {}", shorten(&text::escape(&line.received))));
        }
    }
    Ok(())
}

/// Plays `case` and returns it with the answers that came. An expectation that matched keeps its text.
pub fn rewrite(case: &Case, peer: &mut dyn Peer) -> Result<Case, String> {
    let mut play = Play::begin(case, peer)?;
    let mut steps: Vec<Step> = Vec::new();
    let mut rest = case.steps.iter().enumerate().peekable();
    while let Some((at, step)) = rest.next() {
        play.act(step)?;
        steps.push(step.clone());
        if !step.action.sends() && !matches!(step.action, Action::Pass(_)) || is_inside_pipeline(&case.steps[at..]) {
            continue;
        }
        play.flush();
        let mut old = Vec::new();
        while let Some((_, step)) = rest.next_if(|(_, s)| s.action.is_answer()) {
            old.push(step.clone());
        }
        play.collect(old, &mut steps)?;
    }
    Ok(Case { steps, ..case.clone() })
}

/// True when the request at the front and the next one are one write. Plain requests with fewer than two answers
/// below them are a draft, not a pipeline: each gets its own answer.
fn is_inside_pipeline(steps: &[Step]) -> bool {
    let connection = steps[0].action.connection();
    let run = steps.iter().take_while(|s| s.action.sends() && s.action.connection() == connection).count();
    let answers = steps[run..].iter().take_while(|s| s.action.is_answer()).count();
    run > 1 && (answers > 1 || steps[..run].iter().any(|s| matches!(s.action, Action::Raw(..))))
}

impl Action {
    fn is_answer(&self) -> bool {
        matches!(self, Action::Reply(..) | Action::Closed(_))
    }

    fn connection(&self) -> Option<usize> {
        match self {
            Action::Words(n, _) | Action::Raw(n, _) | Action::Reply(n, _) => Some(*n),
            Action::Closed(n) | Action::Silent(n) | Action::Close(n) => Some(*n),
            Action::Note | Action::Pass(_) => None,
        }
    }

    fn sends(&self) -> bool {
        matches!(self, Action::Words(..) | Action::Raw(..))
    }
}

impl<'a> Play<'a> {
    fn begin(case: &Case, peer: &'a mut dyn Peer) -> Result<Self, String> {
        peer.begin(&case.marks.settings)?;
        let now = peer.now_ms();
        let variables = [("now", now / 1000), ("now_ms", now)].map(|(k, v)| (k.to_string(), v.to_string())).into();
        Ok(Self { peer, lines: BTreeMap::new(), variables })
    }

    fn line(&mut self, n: usize) -> &mut Line {
        if !self.lines.contains_key(&n) {
            let (own, servers) = self.peer.open(n);
            self.variables.insert(format!("addr{n}"), own);
            self.variables.insert(format!("laddr{n}"), servers);
        }
        self.lines.entry(n).or_default()
    }

    /// What a step does to the server, in both modes.
    fn act(&mut self, step: &Step) -> Result<(), String> {
        if let Some(n) = step.action.connection() {
            self.line(n);
            self.flush_others(n);
        }
        match &step.action {
            Action::Words(n, words) => {
                let words = text::words(words, &self.variables).map_err(|why| format!("line {}: {why}", step.line))?;
                let line = self.line(*n);
                line.unsent.extend(text::request(&words));
                line.due += 1;
            }
            Action::Raw(n, raw) => {
                let bytes = text::unescape(raw, &self.variables).map_err(|why| format!("line {}: {why}", step.line))?;
                self.line(*n).unsent.extend(bytes);
            }
            Action::Note => {}
            Action::Pass(ms) => {
                self.flush();
                self.peer.pass(*ms);
            }
            Action::Close(n) => {
                self.flush();
                self.peer.close(*n);
                self.lines.remove(n);
            }
            Action::Reply(..) | Action::Closed(_) | Action::Silent(_) => self.flush(),
        }
        Ok(())
    }

    fn check_step(&mut self, step: &Step) -> Result<(), String> {
        self.act(step)?;
        match &step.action {
            Action::Reply(n, pattern) => match self.reply(*n, Patience::Long)? {
                Some(value) if pattern.matches(&value, &mut self.variables)? => Ok(()),
                Some(value) => Err(format!("  expected {}\n  received < {}", step.text, pattern::print(&value))),
                None => Err(format!("  expected {}\n  received {}", shorten(&step.text), self.describe(*n))),
            },
            Action::Closed(n) => match self.reply(*n, Patience::Long)? {
                None if self.line(*n).closed => Ok(()),
                None => Err(format!("  expected a close\n  received {}", self.describe(*n))),
                Some(value) => Err(format!("  expected a close\n  received < {}", pattern::print(&value))),
            },
            Action::Silent(n) => match self.reply(*n, Patience::Short)? {
                None if !self.line(*n).closed => Ok(()),
                None => Err("  expected silence\n  received a close".into()),
                Some(value) => Err(format!("  expected silence\n  received < {}", pattern::print(&value))),
            },
            _ => Ok(()),
        }
    }

    /// Reads what has come on every connection, and writes it after the steps that caused it.
    fn collect(&mut self, old: Vec<Step>, steps: &mut Vec<Step>) -> Result<(), String> {
        let mut old: Vec<Option<Step>> = old.into_iter().map(Some).collect();
        for n in self.lines.keys().copied().collect::<Vec<_>>() {
            if self.line(n).closed {
                continue;
            }
            loop {
                let patience = if self.line(n).due > 0 { Patience::Long } else { Patience::Short };
                let prefix = if n == 1 { String::new() } else { n.to_string() };
                let was = old.iter_mut().find(|s| s.as_ref().is_some_and(|s| s.action.connection() == Some(n)));
                let was = was.and_then(Option::take);
                let Some(value) = self.reply(n, patience)? else {
                    if self.line(n).closed {
                        let text = format!("{prefix}! closed");
                        steps.push(Step { line: 0, text, action: Action::Closed(n) });
                    }
                    break;
                };
                let line = self.line(n);
                line.due = line.due.saturating_sub(1);
                if let Some(was) = was
                    && let Action::Reply(_, pattern) = &was.action
                    && pattern.matches(&value, &mut self.variables)?
                {
                    steps.push(was);
                    continue;
                }
                let text = format!("{prefix}< {}", pattern::print(&value));
                steps.push(Step { line: 0, text, action: Action::Note });
            }
        }
        Ok(())
    }

    fn reply(&mut self, n: usize, patience: Patience) -> Result<Option<Value>, String> {
        loop {
            let line = self.line(n);
            if let Some((value, length)) = value::decode(&line.received)? {
                line.received.drain(..length);
                return Ok(Some(value));
            }
            match self.peer.receive(n, patience) {
                Received::Bytes(more) => self.line(n).received.extend(more),
                Received::Nothing => return Ok(None),
                Received::Closed => {
                    self.line(n).closed = true;
                    return Ok(None);
                }
            }
        }
    }

    fn describe(&mut self, n: usize) -> String {
        let line = self.line(n);
        let what = if line.closed { "a close" } else { "nothing more" };
        format!("{what} (unread: {:?})", shorten(&text::escape(&line.received)))
    }

    fn flush(&mut self) {
        self.flush_others(0);
    }

    fn flush_others(&mut self, but: usize) {
        for (n, line) in &mut self.lines {
            if *n != but && !line.unsent.is_empty() {
                self.peer.send(*n, &std::mem::take(&mut line.unsent));
            }
        }
    }
}

fn shorten(text: &str) -> String {
    if text.len() <= 300 { text.to_string() } else { format!("{}...", text.chars().take(300).collect::<String>()) }
}
