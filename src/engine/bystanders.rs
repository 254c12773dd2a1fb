//! The other sessions in the middle of a command. One that holds the data for long lets them be heard
//! (`Context::breathes_now`): what they send is served as ever (`command::serve`), which refuses most of it while the
//! server is busy. The session of the running command is in hand, so it is none of them.
use super::ahead::BATCH_MAX;
use super::input::{limit_input, violate};
use super::run::{limits, protocol};
use super::session::{Close, Sessions};
use super::{Address, ClientId, Config, Now, Refused};
use crate::command::host::{Around, Bystanders, Host, Others};
use crate::command::words::Request;
use crate::command::{Context, Outcome, serve};
use crate::wire::output::Output;
use crate::wire::parser::Batch;
use crate::wire::reply::Reply;

pub struct Rest<'a> {
    pub sessions: &'a mut Sessions,
    /// The shared room, if the running command's words stand in it.
    pub room: Option<&'a [u8]>,
}

impl Others for Rest<'_> {
    fn hear(&mut self, around: Around, host: &mut dyn Host) {
        // What was read before moves to its sessions: the room is lent again and again from now on.
        self.sessions.give_back(self.room);
        self.sessions.lend_other_room();
        host.breathe(&mut Breath { sessions: self.sessions, around });
    }
}

/// Whoever is served in the middle of a command does not let others be heard in turn.
struct Nobody;

impl Others for Nobody {
    fn hear(&mut self, _: Around, _: &mut dyn Host) {}
}

struct Breath<'a> {
    sessions: &'a mut Sessions,
    around: Around<'a>,
}

impl Bystanders for Breath<'_> {
    fn config(&self) -> &Config {
        &self.around.server.config
    }

    fn open(&mut self, address: Address, now: Now) -> Result<ClientId, Refused> {
        let id = self.around.server.open(address, now)?;
        self.sessions.open(id);
        // One that waits for nothing: it has signed in nowhere.
        while let Some(stranger) = self.around.server.surplus_stranger() {
            if let Some(session) = self.sessions.get_mut(stranger) {
                session.close = Some(Close::Now);
                self.around.server.unweigh(stranger);
                self.around.server.clients.at_mut(stranger.key).closing = true;
                self.sessions.touch(stranger);
            }
        }
        Ok(id)
    }

    fn has_descriptor(&mut self, id: ClientId, descriptor: i32) {
        self.around.server.clients.at_mut(id.key).descriptor = descriptor;
    }

    fn space(&mut self, id: ClientId) -> &mut [u8] {
        match self.sessions.get_mut(id) {
            Some(_) => self.sessions.space(id),
            None => &mut [],
        }
    }

    fn filled(&mut self, id: ClientId, count: usize) {
        self.around.server.received(id, count);
        self.sessions.filled(id, count);
        self.sessions.give_back(None);
    }

    fn answer(&mut self, id: ClientId, host: &mut dyn Host) {
        let Some(mut session) = self.sessions.take(id) else { return };
        session.foreseen = None;
        let mut now = host.now();
        let mut batch = Box::<Batch>::default();
        let mut input = self.sessions.take_input(&mut session);
        let mut commands = 0;
        while input.len() > 0 && !session.is_held() {
            let limits = limits(self.around.server, id);
            // One at a time: any of them may change how the next is read.
            let progress = session.parser.parse(input.bytes_mut(), &mut batch, &limits, 1);
            let broken = batch.broken.take();
            let came = !batch.requests.is_empty();
            if came {
                commands += 1;
                match self.around.serve(id, batch.request(0, input.bytes()), &mut session.output, now, host) {
                    Outcome::Done => {}
                    Outcome::Continue(task) => session.task = Some(task),
                    Outcome::Block(_) | Outcome::Postpone => {
                        unreachable!("what may be run by a busy server never waits")
                    }
                }
                batch.clear();
            }
            input.use_up(progress);
            if let Some(violation) = broken {
                violate(self.around.server, &mut session, violation);
            } else if !came {
                break;
            } else if commands % BATCH_MAX == 0 {
                now = host.now();
            }
        }
        self.sessions.put_input(&mut session, input);
        let kept = session.unread();
        let queued = self.around.server.served(id, commands, now, kept, session.output.len());
        limit_input(self.around.server, &mut session, kept.bytes + kept.room + queued);
        self.sessions.touch_taken(&mut session);
        self.sessions.put(session);
    }

    fn pending(&self, id: ClientId) -> Option<&[u8]> {
        self.sessions.get(id)?;
        self.sessions.pending(id).next()
    }

    fn wrote(&mut self, id: ClientId, count: usize) {
        let left = self.sessions.wrote(id, count);
        self.around.server.sent(id, count, left);
    }
}

impl Around<'_> {
    fn serve(&mut self, id: ClientId, request: Request, output: &mut Output, now: Now, host: &mut dyn Host) -> Outcome {
        let protocol = protocol(self.server, id);
        serve::serve(&mut Context {
            data: self.data,
            server: self.server,
            reply: Reply::new(output, protocol),
            request,
            found: None,
            client: id.key,
            now,
            now_ms: now.wall_ms(),
            since: &mut host.ticks(),
            table: self.table,
            effects: self.effects,
            record: self.record,
            queues: self.queues,
            host,
            others: &mut Nobody,
            at_once: false,
        })
    }
}
