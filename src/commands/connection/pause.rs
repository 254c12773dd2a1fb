//! How clients are held up, and let go: CLIENT PAUSE and UNPAUSE for all, CLIENT UNBLOCK for one that waits.
use super::super::prelude::*;
use crate::server::Pause;
use crate::server::clients::Client;

/// What may stand at the end. It is judged before what stands before it.
#[derive(Debug, PartialEq, Clone, Copy)]
pub struct Ending<T>(pub Option<T>);

impl<'a, T: Grammar<'a>> Grammar<'a> for Ending<T> {
    const SYNTAX: Syntax = <Option<T> as Grammar>::SYNTAX;
    fn parse(words: &mut Words<'a>) -> Result<Self, Refusal> {
        match words.len() {
            0 => Ok(Ending(None)),
            1 => T::parse(words).map(|last| Ending(Some(last))),
            _ => Err(Refusal::ClientUsage),
        }
    }
    fn print(&self, to: &mut OwnedWords) {
        self.0.print(to);
    }
}

// --- CLIENT PAUSE timeout [WRITE | ALL]
form! { pub ClientPause<'a> { timeout: Late<'a, Milliseconds>, mode: Ending<PauseMode> } }
choice! { pub PauseMode else BadPauseMode { "WRITE" => Write, "ALL" => All } }
number! { Milliseconds: integer, else TimeoutNotAnInteger; |n| n >= 0, else TimeoutNegative }
impl<'a> Command<'a> for ClientPause<'a> {
    const FACTS: Facts = facts(
        "CLIENT|PAUSE",
        "connection",
        "3.0.0",
        ADMIN | NOSCRIPT | LOADING | STALE,
        "Lets all clients wait for a while: with what changes data, or with everything.",
    );
    /// A pause can become longer and stricter by another, never shorter. One whose time is over, though nobody has seen
    /// to that yet, ends first.
    fn run(self, cx: &mut Context) -> Ran {
        let us = (self.timeout.read()?.0 as u64).checked_mul(1000).filter(|us| *us <= i64::MAX as u64);
        let until_us = us.ok_or(Refusal::TimeoutOutOfRange)? + cx.now.mono_us;
        let over = cx.server.pause.take_if(|pause| pause.until_us <= cx.now.mono_us);
        if over.is_some() {
            cx.ask(Effect::Resume);
        }
        let before = cx.server.pause.unwrap_or(Pause { until_us: 0, all: false });
        let all = self.mode.0 != Some(PauseMode::Write) || before.all;
        cx.server.pause = Some(Pause { until_us: until_us.max(before.until_us), all });
        cx.data.paused = true;
        cx.ok()
    }
}

// --- CLIENT UNBLOCK client-id [TIMEOUT | ERROR]
form! { pub ClientUnblock<'a> { client_id: Late<'a, Int>, unblock_type: Ending<UnblockType> } }
choice! { pub UnblockType else BadUnblockType { "TIMEOUT" => Timeout, "ERROR" => Error } }
impl<'a> Command<'a> for ClientUnblock<'a> {
    const FACTS: Facts = facts(
        "CLIENT|UNBLOCK",
        "connection",
        "5.0.0",
        ADMIN | NOSCRIPT | LOADING | STALE,
        "Ends the wait of another connection.",
    );
    /// Who waits for the end of a pause has not begun to wait for anything of its own.
    fn run(self, cx: &mut Context) -> Ran {
        let wanted = self.client_id.read()?.0;
        let waits = |client: &&Client| client.blocked && !client.postponed && !client.closing;
        let found = cx.server.clients.numbered(wanted).filter(waits).map(|client| client.id);
        if let Some(client) = found {
            // Whoever asks again in the same transaction is told that it does not wait.
            cx.server.clients.at_mut(client.key).blocked = false;
        }
        if let Some(client) = found {
            cx.ask(Effect::Unblock { client, error: self.unblock_type.0 == Some(UnblockType::Error) });
        }
        cx.count(found.is_some() as usize)
    }
}

// --- CLIENT UNPAUSE
form! { pub ClientUnpause {} }
impl<'a> Command<'a> for ClientUnpause {
    const FACTS: Facts = facts(
        "CLIENT|UNPAUSE",
        "connection",
        "6.2.0",
        ADMIN | NOSCRIPT | LOADING | STALE,
        "Ends a pause before its time.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        cx.server.pause = None;
        cx.ask(Effect::Resume);
        cx.ok()
    }
}
