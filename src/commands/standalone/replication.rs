//! Replication as one sees it who has no replicas and follows nobody: ROLE, WAIT and WAITAOF, REPLICAOF NO ONE,
//! FAILOVER.
use crate::command::Block;
use crate::commands::prelude::*;

// --- FAILOVER [TO host port] [FORCE] [ABORT] [TIMEOUT milliseconds]
form! { pub Failover<'a> { [
    #[once] target: "TO" Target<'a>, #[once] force: "FORCE", #[once] abort: "ABORT",
    #[once] milliseconds: "TIMEOUT" FailoverTimeout,
] } }
form! { pub Target<'a> { host: Bytes<'a>, port: Late<'a, Int> } }
number! { FailoverTimeout: integer, else NotAnInteger; |n| n > 0, else FailoverTimeoutNotPositive }
impl<'a> Command<'a> for Failover<'a> {
    const FACTS: Facts =
        facts("FAILOVER", "server", "6.2.0", ADMIN | NOSCRIPT | STALE, "Would hand over to a replica, had it one.");
    fn run(self, _: &mut Context) -> Ran {
        let Failover { target, force, abort, milliseconds } = self;
        match abort {
            true if target.is_some() || force || milliseconds.is_some() => Err(Refusal::Syntax),
            true => Err(Refusal::NoFailover),
            false => {
                target.map(|target| target.port.read()).transpose()?;
                Err(Refusal::NoReplicas)
            }
        }
    }
}

// --- REPLICAOF host port | NO ONE
form! { pub ReplicaOf<'a> { host: Bytes<'a>, port: Late<'a, MasterPort> } }
number! { MasterPort: integer, else BadMasterPort; |n| (0..=65535).contains(&n), else BadMasterPort }
const FOLLOWS: u32 = ADMIN | NOSCRIPT | STALE | NO_ASYNC_LOADING;
impl<'a> Command<'a> for ReplicaOf<'a> {
    const FACTS: Facts = facts("REPLICAOF", "server", "5.0.0", FOLLOWS, "Makes the server follow nobody, as it does.");
    fn run(self, cx: &mut Context) -> Ran {
        follow(self.host, self.port, cx)
    }
}

/// Nobody is followed, so there is nothing to stop.
fn follow(host: Bytes, port: Late<MasterPort>, cx: &mut Context) -> Ran {
    let no_one =
        host.0.eq_ignore_ascii_case(b"no") && matches!(port, Late::Unread(word) if word.0.eq_ignore_ascii_case(b"one"));
    if no_one {
        return cx.ok();
    }
    port.read()?;
    Err(Refusal::NoReplication)
}

// --- ROLE
form! { pub Role {} }
impl<'a> Command<'a> for Role {
    const FACTS: Facts =
        facts("ROLE", "server", "2.8.12", NOSCRIPT | LOADING | STALE | FAST, "Says that the server is a master.")
            .and(category::ADMIN | category::DANGEROUS);
    /// Its name, how far it has written to replicas, and these.
    fn run(self, cx: &mut Context) -> Ran {
        cx.reply.array(3);
        cx.reply.text("master");
        cx.reply.integer(0);
        cx.reply.array(0);
        Ok(Outcome::Done)
    }
}

// --- SLAVEOF host port | NO ONE
form! { pub SlaveOf<'a> { host: Bytes<'a>, port: Late<'a, MasterPort> } }
impl<'a> Command<'a> for SlaveOf<'a> {
    const FACTS: Facts = facts("SLAVEOF", "server", "1.0.0", FOLLOWS, "Is REPLICAOF by an older name.");
    fn run(self, cx: &mut Context) -> Ran {
        follow(self.host, self.port, cx)
    }
}

// --- WAIT numreplicas timeout
form! { pub Wait { numreplicas: Int, timeout: WaitTimeout } }
number! { WaitTimeout: integer, else TimeoutNotAnInteger; |n| n >= 0, else TimeoutNegative }
impl<'a> Command<'a> for Wait {
    const FACTS: Facts = facts("WAIT", "generic", "3.0.0", BLOCKING, "Waits until replicas have the writes so far.")
        .and(category::CONNECTION)
        .but_not(category::KEYSPACE)
        .hint(&["request_policy:all_shards", "response_policy:agg_min"]);
    /// Whoever waits for replicas, of which there are none, waits to the end.
    fn run(self, cx: &mut Context) -> Ran {
        if self.numreplicas.0 <= 0 { cx.integer(0) } else { wait(self.timeout, nobody, cx) }
    }
}

fn nobody(cx: &mut Context) {
    cx.reply.integer(0);
}

/// A timeout of 0 has no end, but that the client goes or is unblocked.
fn wait(timeout: WaitTimeout, late: fn(&mut Context), cx: &mut Context) -> Ran {
    let deadline_us = match timeout.0 as u64 {
        0 => None,
        ms if ms > (i64::MAX - cx.now_ms()) as u64 => return Err(Refusal::TimeoutOutOfRange),
        ms => Some(cx.now.mono_us.saturating_add(ms.saturating_mul(1000))),
    };
    Ok(Outcome::Block(Box::new(Block { keys: vec![], wants: None, deadline_us, words: None, late })))
}

// --- WAITAOF numlocal numreplicas timeout
form! { pub WaitAof { numlocal: LocalCount, numreplicas: NotNegative, timeout: WaitTimeout } }
number! { LocalCount: integer, else NotAnInteger; |n| (0..=1).contains(&n), else NotZeroOrOne }
impl<'a> Command<'a> for WaitAof {
    const FACTS: Facts = facts("WAITAOF", "generic", "7.2.0", BLOCKING, "Waits until the writes so far are on disks.")
        .and(category::CONNECTION)
        .but_not(category::KEYSPACE)
        .hint(&["request_policy:all_shards", "response_policy:agg_min"]);
    fn run(self, cx: &mut Context) -> Ran {
        if self.numlocal.0 > 0 {
            return Err(Refusal::NoAppendOnly);
        }
        if self.numreplicas.0 > 0 {
            return wait(self.timeout, no_disk, cx);
        }
        no_disk(cx);
        Ok(Outcome::Done)
    }
}

fn no_disk(cx: &mut Context) {
    cx.reply.array(2);
    cx.reply.integer(0);
    cx.reply.integer(0);
}
