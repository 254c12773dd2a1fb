//! What is known of each connection, and what it may say of itself: CLIENT, but for KILL.
use super::super::prelude::*;
use super::hello::{ClientName, is_plain};
use crate::server::clients::{self, Address};
use crate::server::pubsub::SPACES;
use crate::server::users::DEFAULT_USER;
use crate::wire::request::Request;
use std::fmt::Write;

// --- CLIENT subcommand [argument ...]
form! { pub Client<'a> { subcommand: Bytes<'a>, arguments: Any<'a, Bytes<'a>> } }
impl<'a> Command<'a> for Client<'a> {
    const FACTS: Facts =
        facts("CLIENT", "connection", "2.4.0", 0, "Shows connections, changes this one, closes others.");
    fn run(self, _: &mut Context) -> Ran {
        unreachable!("a container has no run")
    }
}

// --- CLIENT GETNAME
form! { pub ClientGetname {} }
impl<'a> Command<'a> for ClientGetname {
    const FACTS: Facts =
        facts("CLIENT|GETNAME", "connection", "2.6.9", NOSCRIPT | LOADING | STALE, "Returns the connection's name.");
    fn run(self, cx: &mut Context) -> Ran {
        match &*cx.server.clients.at(cx.client).name {
            [] => cx.reply.null(),
            name => cx.reply.bulk(name),
        }
        Ok(Outcome::Done)
    }
}

// --- CLIENT HELP
form! { pub ClientHelp {} }
impl<'a> Command<'a> for ClientHelp {
    const FACTS: Facts = facts("CLIENT|HELP", "connection", "5.0.0", LOADING | STALE, "Shows these lines.");
    fn run(self, cx: &mut Context) -> Ran {
        help("CLIENT", cx)
    }
}

// --- CLIENT ID
form! { pub ClientId {} }
impl<'a> Command<'a> for ClientId {
    const FACTS: Facts =
        facts("CLIENT|ID", "connection", "5.0.0", NOSCRIPT | LOADING | STALE, "Returns the connection's number.");
    fn run(self, cx: &mut Context) -> Ran {
        cx.integer(cx.me().id.serial as i64)
    }
}

// --- CLIENT INFO
form! { pub ClientInfo {} }
impl<'a> Command<'a> for ClientInfo {
    const FACTS: Facts = facts(
        "CLIENT|INFO",
        "connection",
        "6.2.0",
        NOSCRIPT | LOADING | STALE,
        "Returns what is known of this connection.",
    )
    .hint(&["nondeterministic_output"]);
    fn run(self, cx: &mut Context) -> Ran {
        let line = describe(cx.me(), Sent::of(cx.request), cx);
        cx.reply.verbatim("txt", &line);
        Ok(Outcome::Done)
    }
}

// --- CLIENT LIST [TYPE type | ID client-id [client-id ...]]
form! { pub ClientList<'a> { which: Option<Which<'a>> } }
choice! { pub Which<'a> { "TYPE" => Type(Alone<ClientType>), "ID" => Ids(Many<'a, ClientNumber>) } }
choice! { pub ClientType else UnknownClientType {
    "NORMAL" => Normal, "MASTER" => Master, "SLAVE" => Slave, "REPLICA" => Replica, "PUBSUB" => Pubsub,
} }
number! { ClientNumber: integer, else InvalidClientId }

/// The last word. That no other follows is said before what it says.
#[derive(Debug, PartialEq, Clone, Copy)]
pub struct Alone<T>(pub T);

impl<'a, T: Grammar<'a>> Grammar<'a> for Alone<T> {
    const SYNTAX: Syntax = T::SYNTAX;
    fn parse(words: &mut Words<'a>) -> Result<Self, Refusal> {
        if words.len() > 1 { Err(Refusal::Syntax) } else { T::parse(words).map(Alone) }
    }
    fn print(&self, to: &mut OwnedWords) {
        self.0.print(to);
    }
}

impl ClientType {
    pub fn is(self, client: &clients::Client) -> bool {
        self == if client.subscribed { ClientType::Pubsub } else { ClientType::Normal }
    }
}

impl<'a> Command<'a> for ClientList<'a> {
    const FACTS: Facts = facts(
        "CLIENT|LIST",
        "connection",
        "2.4.0",
        ADMIN | NOSCRIPT | LOADING | STALE,
        "Returns what is known of each connection.",
    )
    .hint(&["nondeterministic_output"]);
    fn run(self, cx: &mut Context) -> Ran {
        let sent = Sent::of(cx.request);
        let line = |client: &clients::Client| describe(client, sent, cx);
        // In the order of their numbers.
        let is_open = |client: &&clients::Client| !client.closing;
        let open = cx.server.clients.iter().filter(is_open);
        let text: String = match self.which {
            None => open.map(line).collect(),
            Some(Which::Type(Alone(wanted))) => open.filter(|client| wanted.is(client)).map(line).collect(),
            Some(Which::Ids(ids)) => {
                let find = |id: ClientNumber| cx.server.clients.numbered(id.0).filter(is_open);
                ids.iter().filter_map(find).map(line).collect()
            }
        };
        cx.reply.verbatim("txt", &text);
        Ok(Outcome::Done)
    }
}

/// A line of CLIENT LIST, with Redis's fields. What Spindle does not have is 0.
fn describe(client: &clients::Client, sent: Sent, cx: &Context) -> String {
    let clients::Client { id, address, descriptor, name, library, library_version, database, resp, .. } = client;
    let clients::Client { unread, unread_room, .. } = client;
    let unsent = cx.server.clients.traffic(client.id.key).unsent;
    let is_me = id.key == cx.client;
    let seconds_since = |at_us: u64| cx.now.mono_us.saturating_sub(at_us) / 1_000_000;
    let idle = if is_me { 0 } else { seconds_since(client.active_us) };
    let is_unix = matches!(address, Address::Unix(_));
    let [sub, psub, ssub] = SPACES.map(|space| cx.server.pubsub.count(space, *id));
    let is_broken = cx.server.watch.is_broken(*id);
    let flags = [
        (client.monitors, 'O'),
        (client.subscribed, 'P'),
        (client.transaction.is_some(), 'x'),
        (client.blocked, 'b'),
        (is_broken, 'd'),
        (is_unix, 'U'),
        (client.no_evict, 'e'),
        (client.no_touch, 'T'),
    ];
    let mut flags: String = flags.iter().filter(|(has, _)| *has).map(|(_, flag)| flag).collect();
    if flags.is_empty() {
        flags.push('N');
    }
    let (watched, watch_bytes) = cx.server.watch.of(*id);
    let queued = client.transaction.map_or(-1, |transaction| transaction.queued as i64);
    let transaction_bytes = client.transaction.map_or(0, |transaction| transaction.bytes + watch_bytes);
    // What this client has sent and is not done with is this very request.
    let (request_bytes, unread) = if is_me { (sent.words, sent.whole) } else { (0, *unread) };
    let words = request_bytes + client.kept.words;
    let command =
        client.invoker.or(client.last_command).map_or("NULL".into(), |row| cx.table.entries[row as usize].lower_name());
    let (peer, local, age) = (address.peer(), address.local(), seconds_since(client.opened_us));
    let [name, library, version] = [name, library, library_version].map(|word| String::from_utf8_lossy(word));
    let (id, chunks, events) = (id.serial, (unsent > 0) as u8, if unsent > 0 { "rw" } else { "r" });
    let total = cx.server.weight(client, unread + unread_room + unsent + request_bytes);
    let mut line =
        format!("id={id} addr={peer} laddr={local} fd={descriptor} name={name} age={age} idle={idle} flags={flags}");
    let mut add = |part: std::fmt::Arguments| line.write_fmt(part).expect("a string takes all");
    add(format_args!(" db={database} sub={sub} psub={psub} ssub={ssub} multi={queued} watch={watched}"));
    add(format_args!(" qbuf={unread} qbuf-free={unread_room} argv-mem={words} multi-mem={transaction_bytes}"));
    add(format_args!(" rbs=0 rbp=0 obl=0 oll={chunks} omem={unsent}"));
    add(format_args!(" tot-mem={total} events={events} cmd={command} user={DEFAULT_USER} redir=-1 resp={resp}"));
    add(format_args!(" lib-name={library} lib-ver={version} io-thread=0\n"));
    line
}

/// How long a request is. Reckoned once for all lines: it may name its client as often as it has words.
#[derive(Clone, Copy)]
struct Sent {
    words: usize,
    /// As an array of bulk strings.
    whole: usize,
}

impl Sent {
    fn of(request: Request) -> Sent {
        let line = |number: usize| 3 + number.to_string().len();
        let words = request.iter().map(<[u8]>::len).sum();
        let heads: usize = request.iter().map(|word| line(word.len()) + 2).sum();
        Sent { words, whole: line(request.len()) + heads + words }
    }
}

// --- CLIENT SETINFO LIB-NAME name | LIB-VER version
form! { pub ClientSetinfo<'a> { attr: Attribute<'a> } }
choice! { pub Attribute<'a> else UnknownClientOption {
    "LIB-NAME" => Library(Bytes<'a>), "LIB-VER" => LibraryVersion(Bytes<'a>),
} }
impl<'a> Command<'a> for ClientSetinfo<'a> {
    const FACTS: Facts = facts(
        "CLIENT|SETINFO",
        "connection",
        "7.2.0",
        NOSCRIPT | LOADING | STALE,
        "Says which library uses this connection.",
    )
    .hint(&["request_policy:all_nodes", "response_policy:all_succeeded"]);
    fn run(self, cx: &mut Context) -> Ran {
        let (Attribute::Library(Bytes(text)) | Attribute::LibraryVersion(Bytes(text))) = self.attr;
        if !is_plain(text) {
            let option = String::from_utf8_lossy(cx.request.get(2).unwrap_or_default());
            return cx.error(&format!("ERR {option} cannot contain spaces, newlines or special characters."));
        }
        let me = cx.me_mut();
        match self.attr {
            Attribute::Library(_) => me.library = text.into(),
            Attribute::LibraryVersion(_) => me.library_version = text.into(),
        }
        cx.ok()
    }
}

// --- CLIENT SETNAME name
form! { pub ClientSetname<'a> { connection_name: ClientName<'a> } }
impl<'a> Command<'a> for ClientSetname<'a> {
    const FACTS: Facts =
        facts("CLIENT|SETNAME", "connection", "2.6.9", NOSCRIPT | LOADING | STALE, "Names the connection.")
            .hint(&["request_policy:all_nodes", "response_policy:all_succeeded"]);
    fn run(self, cx: &mut Context) -> Ran {
        cx.me_mut().name = self.connection_name.0.0.into();
        cx.ok()
    }
}
