//! MONITOR: a connection that is shown every command that runs. What it is shown, `command::monitor` writes.
use super::super::prelude::*;

// --- MONITOR
form! { pub Monitor {} }
impl<'a> Command<'a> for Monitor {
    const FACTS: Facts = facts(
        "MONITOR",
        "server",
        "1.0.0",
        ADMIN | NOSCRIPT | LOADING | STALE,
        "Shows each command that runs from now on.",
    );
    /// Who asks twice is not answered twice, as in Redis. RESET ends it.
    fn run(self, cx: &mut Context) -> Ran {
        if cx.at_once {
            return Err(Refusal::NoMonitorHere);
        }
        let id = cx.me().id;
        if cx.server.monitors.contains(&id) {
            return Ok(Outcome::Done);
        }
        cx.me_mut().monitors = true;
        cx.server.monitors.push(id);
        cx.server.notice_from = 0;
        cx.ok()
    }
}
