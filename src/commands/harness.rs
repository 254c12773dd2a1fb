//! For the tests of the families: one client, no machine, time moved by hand. Commands run as lines, and tell their
//! reply, the events of their keys and what was recorded.
use crate::base::time::Now;
use crate::command::by_hand::ByHand;
use crate::command::context::Context;
use crate::command::host::{Around, Host, Others};
use crate::command::record::Record;
use crate::command::serve::serve;
use crate::command::words::OwnedWords;
use crate::commands::COMMANDS;
use crate::server::Server;
use crate::server::clients::{Address, ClientId};
use crate::server::config::Config;
use crate::store::{Change, Keyspace};
use crate::wire::output::Output;
use crate::wire::reply::{Protocol, Reply};

pub const NOW: Now = Now { wall_us: 1_750_000_000_123_456, mono_us: 5_000_000 };

/// There are no other clients.
struct Nobody;
impl Others for Nobody {
    fn hear(&mut self, _: Around, _: &mut dyn Host) {}
}

pub struct World {
    pub data: Keyspace,
    pub server: Server,
    pub client: ClientId,
    pub record: Record,
    pub now: Now,
}

impl World {
    pub fn new() -> World {
        let mut data = Keyspace::new(16, [1, 2, 3, 4]);
        data.ledger.observed = true;
        let mut server = Server::new(Config::default(), [7; 32], NOW, COMMANDS.entries.len());
        let client = server.clients.open(Address::Unix("test".into()), NOW, true);
        World { data, server, client, record: Record { wanted: true, ..Record::default() }, now: NOW }
    }

    /// The reply, the events (`set k`, and `1:set k` outside database 0) and what was recorded.
    pub fn run(&mut self, line: &str) -> (String, String, String) {
        let mut words = OwnedWords::default();
        line.split(' ').for_each(|word| _ = words.word(word.trim_matches('"').as_bytes()));
        let mut output = Output::default();
        serve(&mut Context {
            data: &mut self.data,
            server: &mut self.server,
            reply: Reply::new(&mut output, Protocol::Resp2),
            request: words.request(),
            found: None,
            client: self.client.key,
            now: self.now,
            now_ms: self.now.wall_ms(),
            since: &mut 0,
            table: &COMMANDS,
            effects: &mut vec![],
            record: &mut self.record,
            queues: &mut Default::default(),
            host: &mut ByHand::at(NOW),
            others: &mut Nobody,
            at_once: false,
        });
        self.data.check();
        let event = |change: &Change| {
            let database = if change.database == 0 { String::new() } else { format!("{}:", change.database) };
            format!("{database}{} {}", change.event.name, change.key.escape_ascii()).trim_end().to_string()
        };
        let events: Vec<String> = self.data.ledger.journal.drain(..).map(|change| event(&change)).collect();
        let recorded: Vec<String> =
            self.record.entries.drain(..).map(|(_, words)| words.request().to_string()).collect();
        let reply = output.pending().flatten().map(|byte| *byte as char).collect();
        (reply, events.join(", "), recorded.join("; "))
    }
}

/// Runs lines of `command => events => record`; a record of `=` is the command's own words. `+ 50` moves the clock by
/// milliseconds.
pub fn play(lines: &str) {
    let mut world = World::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut columns = line.split("=>").map(str::trim);
        let command = columns.next().unwrap();
        if let Some(ms) = command.strip_prefix("+ ") {
            world.now = world.now.later(ms.parse::<u64>().unwrap() * 1000);
            continue;
        }
        let (reply, events, recorded) = world.run(command);
        assert_eq!(events, columns.next().unwrap_or_default(), "events of {command}, which answers {reply:?}");
        let expected = columns.next().unwrap_or_default();
        let own = command.replace('"', "");
        assert_eq!(recorded, if expected == "=" { &own } else { expected }, "record of {command}");
    }
}
