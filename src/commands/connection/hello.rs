//! Who speaks, and in which protocol: AUTH and HELLO.
use super::super::prelude::*;
use crate::server::users::DEFAULT_USER;
use crate::server::{NAME_FOR_CLIENTS, REDIS_VERSION};

// --- AUTH [username] password
form! { pub Auth<'a> { credentials: Credentials<'a> } }

/// One word is a password, two are a user's name before it. By hand, since what may be left out comes first.
#[derive(Debug, PartialEq, Clone, Copy)]
pub enum Credentials<'a> {
    Password(Bytes<'a>),
    Both(Login<'a>),
}

form! { pub Login<'a> { username: Bytes<'a>, password: Bytes<'a> } }

impl<'a> Grammar<'a> for Credentials<'a> {
    const SYNTAX: Syntax = Syntax::One(&[
        Field::new("password", &[], &[Bytes::SYNTAX], true),
        Field::new("login", &[], &[Login::SYNTAX], true),
    ]);
    fn parse(words: &mut Words<'a>) -> Result<Self, Refusal> {
        match words.len() {
            1 => Bytes::parse(words).map(Credentials::Password),
            _ => Login::parse(words).map(Credentials::Both),
        }
    }
    fn print(&self, to: &mut OwnedWords) {
        match self {
            Credentials::Password(password) => Leaf::print(password, to),
            Credentials::Both(login) => Grammar::print(login, to),
        }
    }
}

impl<'a> Command<'a> for Auth<'a> {
    const FACTS: Facts = facts(
        "AUTH",
        "connection",
        "1.0.0",
        NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY,
        "Signs the connection in.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        let login = match self.credentials {
            // With the name alone any password is good for a user that needs none; without it, it is a mistake.
            Credentials::Password(_) if cx.server.config.requirepass.is_empty() => return Err(Refusal::NoPasswordSet),
            Credentials::Password(password) => Login { username: Bytes(DEFAULT_USER.as_bytes()), password },
            Credentials::Both(login) => login,
        };
        sign_in(login, cx)?;
        cx.ok()
    }
}

/// A wrong password leaves who has signed in before as it was.
fn sign_in(login: Login, cx: &mut Context) -> Result<(), Refusal> {
    if !cx.server.admits(login.username.0, login.password.0) {
        cx.server.stats.refused_logins += 1;
        return Err(Refusal::WrongPassword);
    }
    cx.server.set_authenticated(cx.me().id, true);
    Ok(())
}

// --- HELLO [protover [AUTH username password] [SETNAME clientname]]
form! { pub Hello<'a> { greeting: Option<Greeting<'a>> } }
number! { ProtocolVersion: integer like "3", else NotAProtocol; |n| n == 2 || n == 3, else NoSuchProtocol }

#[derive(Debug, PartialEq, Clone, Copy)]
pub struct Greeting<'a> {
    protover: ProtocolVersion,
    auth: Option<Login<'a>>,
    clientname: Option<ClientName<'a>>,
}

/// By hand: an option that misses words is refused by its own name, not as a syntax error.
impl<'a> Grammar<'a> for Greeting<'a> {
    const SYNTAX: Syntax = Syntax::All(&[
        Field::new("protover", &[], &[ProtocolVersion::SYNTAX], true),
        Field::new(
            "",
            &[],
            &[Syntax::Options(&[
                Field::new("auth", &["AUTH"], &[Login::SYNTAX], false),
                Field::new("clientname", &["SETNAME"], &[ClientName::SYNTAX], false),
            ])],
            true,
        ),
    ]);
    fn parse(words: &mut Words<'a>) -> Result<Self, Refusal> {
        let mut greeting = Greeting { protover: Grammar::parse(words)?, auth: None, clientname: None };
        while !words.is_empty() {
            if words.len() > 2 && words.take("AUTH") {
                greeting.auth = Some(Login::parse(words)?);
            } else if words.len() > 1 && words.take("SETNAME") {
                greeting.clientname = Some(Grammar::parse(words)?);
            } else {
                words.read()?;
                return Err(Refusal::BadHelloOption);
            }
        }
        Ok(greeting)
    }
    fn print(&self, to: &mut OwnedWords) {
        Grammar::print(&self.protover, to);
        if let Some(login) = &self.auth {
            Grammar::print(login, to.text("AUTH"));
        }
        if let Some(name) = &self.clientname {
            Grammar::print(name, to.text("SETNAME"));
        }
    }
}

/// A word that can stand in a line of CLIENT LIST: printable, and without blanks.
#[derive(Debug, PartialEq, Clone, Copy)]
pub struct ClientName<'a>(pub Bytes<'a>);

impl<'a> Leaf<'a> for ClientName<'a> {
    const KIND: Kind = Kind::String;
    const EXAMPLE: &'static str = "name";
    fn read(word: &'a [u8]) -> Result<Self, Refusal> {
        if is_plain(word) { Ok(ClientName(Bytes(word))) } else { Err(Refusal::BadClientName) }
    }
    fn print(&self, to: &mut OwnedWords) {
        Leaf::print(&self.0, to);
    }
}

pub fn is_plain(word: &[u8]) -> bool {
    word.iter().all(u8::is_ascii_graphic)
}

impl<'a> Command<'a> for Hello<'a> {
    const FACTS: Facts = facts(
        "HELLO",
        "connection",
        "6.0.0",
        NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY,
        "Says who answers; chooses the protocol, signs in and names the connection.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        if let Some(login) = self.greeting.and_then(|greeting| greeting.auth) {
            sign_in(login, cx)?;
        }
        if !cx.me().authenticated {
            return Err(Refusal::HelloNotAuthenticated);
        }
        if let Some(Greeting { protover, clientname, .. }) = self.greeting {
            if let Some(name) = clientname {
                cx.me_mut().name = name.0.0.into();
            }
            cx.me_mut().resp = protover.0 as u8;
            cx.reply.speak(if protover.0 == 3 { Protocol::Resp3 } else { Protocol::Resp2 });
        }
        let (id, resp) = (cx.me().id.serial as i64, cx.me().resp as i64);
        let reply = &mut cx.reply;
        reply.map(7);
        reply.text("server");
        reply.text(NAME_FOR_CLIENTS);
        reply.text("version");
        reply.text(REDIS_VERSION);
        reply.text("proto");
        reply.integer(resp);
        reply.text("id");
        reply.integer(id);
        reply.text("mode");
        reply.text("standalone");
        reply.text("role");
        reply.text("master");
        reply.text("modules");
        reply.array(0);
        Ok(Outcome::Done)
    }
}
