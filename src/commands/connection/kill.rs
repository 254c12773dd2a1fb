//! How one connection ends others, or itself: CLIENT KILL. It only asks; the engine closes them after the command.
use super::super::prelude::*;
use super::client::ClientType;
use crate::server::clients;
use crate::server::users::DEFAULT_USER;
use std::marker::PhantomData;
use std::mem::discriminant;

// --- CLIENT KILL ip:port | filter value [filter value ...]
form! { pub ClientKill<'a> { victims: Victims<'a> } }
choice! { pub Filter<'a> {
    "ID" => Id(Serial), "TYPE" => Type(ClientType), "USER" => User(User<'a>), "ADDR" => Address(Bytes<'a>),
    "LADDR" => LocalAddress(Bytes<'a>), "SKIPME" => SkipMe(YesNo), "MAXAGE" => MaxAge(MaxAge),
} }
choice! { pub YesNo { "YES" => Yes, "NO" => No } }
number! { Serial: integer, else ClientIdNotPositive; |n| n > 0, else ClientIdNotPositive }
number! { MaxAge: integer, else MaxAgeNotAnInteger; |n| n > 0, else MaxAgeNotPositive }

/// The name of a user that there is.
#[derive(Debug, PartialEq, Clone, Copy)]
pub struct User<'a>(pub Bytes<'a>);

impl<'a> Leaf<'a> for User<'a> {
    const KIND: Kind = Kind::String;
    const EXAMPLE: &'static str = DEFAULT_USER;
    fn read(word: &'a [u8]) -> Result<Self, Refusal> {
        if word == DEFAULT_USER.as_bytes() { Ok(User(Bytes(word))) } else { Err(Refusal::NoSuchUser) }
    }
    fn print(&self, to: &mut OwnedWords) {
        Leaf::print(&self.0, to);
    }
}

/// One word is an address, as it was once; more are filters. By hand, since no token tells them apart.
#[derive(Debug, PartialEq, Clone, Copy)]
pub enum Victims<'a> {
    At(Bytes<'a>),
    Matching(Many<'a, Filter<'a>>),
}

impl<'a> Grammar<'a> for Victims<'a> {
    const SYNTAX: Syntax = Syntax::One(&[
        Field::new("ip:port", &[], &[Bytes::SYNTAX], true),
        Field::new("filter", &[], &[Many::<Filter>::SYNTAX], true),
    ]);
    fn parse(words: &mut Words<'a>) -> Result<Self, Refusal> {
        match words.len() {
            1 => Bytes::parse(words).map(Victims::At),
            _ => {
                let filters = List::Read(words.first(words.len()), PhantomData);
                // One after the other: what is wrong with the first is said before what the last misses.
                while !words.is_empty() {
                    Filter::parse(words)?;
                }
                Ok(Victims::Matching(filters))
            }
        }
    }
    fn print(&self, to: &mut OwnedWords) {
        match self {
            Victims::At(address) => Leaf::print(address, to),
            Victims::Matching(filters) => filters.print(to),
        }
    }
}

impl<'a> Command<'a> for ClientKill<'a> {
    const FACTS: Facts =
        facts("CLIENT|KILL", "connection", "2.4.0", ADMIN | NOSCRIPT | LOADING | STALE, "Closes connections.");
    fn run(self, cx: &mut Context) -> Ran {
        let victims: Vec<clients::ClientId> = match self.victims {
            Victims::At(address) => {
                let found = cx.server.clients.iter().find(|client| !client.closing && is_at(client, address));
                vec![found.ok_or(Refusal::NoSuchClient)?.id]
            }
            Victims::Matching(filters) => {
                let filters = latest(filters);
                let matching = |client: &&clients::Client| !client.closing && matches(&filters, client, cx);
                let number =
                    filters.iter().find_map(|filter| if let Filter::Id(id) = filter { Some(id.0) } else { None });
                match number {
                    Some(number) => {
                        cx.server.clients.numbered(number).filter(matching).map(|one| one.id).into_iter().collect()
                    }
                    None => cx.server.clients.iter().filter(matching).map(|client| client.id).collect(),
                }
            }
        };
        for id in &victims {
            // Who ends itself is answered first.
            let is_me = id.key == cx.client;
            cx.ask(if is_me { Effect::CloseAfterReply(*id) } else { Effect::Kill(*id) });
        }
        match self.victims {
            Victims::At(_) => cx.ok(),
            Victims::Matching(_) => cx.count(victims.len()),
        }
    }
}

fn is_at(client: &clients::Client, address: Bytes) -> bool {
    client.address.peer().as_bytes() == address.0
}

/// Of two of a kind the last counts, as in Redis. Without SKIPME this client is spared.
fn latest<'a>(all: Many<'a, Filter<'a>>) -> Vec<Filter<'a>> {
    let mut latest = vec![Filter::SkipMe(YesNo::Yes)];
    for filter in all.iter() {
        latest.retain(|earlier| discriminant(earlier) != discriminant(&filter));
        latest.push(filter);
    }
    latest
}

/// All filters must hold.
fn matches(filters: &[Filter], client: &clients::Client, cx: &Context) -> bool {
    filters.iter().all(|filter| match filter {
        Filter::Id(id) => client.id.serial as i64 == id.0,
        Filter::Type(wanted) => wanted.is(client),
        Filter::User(_) => client.authenticated,
        Filter::Address(address) => is_at(client, *address),
        Filter::LocalAddress(address) => client.address.local().as_bytes() == address.0,
        Filter::SkipMe(skip) => *skip == YesNo::No || client.id.key != cx.client,
        Filter::MaxAge(age) => cx.now.mono_us.saturating_sub(client.opened_us) / 1_000_000 >= age.0 as u64,
    })
}
