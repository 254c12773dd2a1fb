//! The built server and the machine around its configuration: where it listens, which files it writes.
//! Each test has a server of its own, on a port of its own.

#[path = "support/process.rs"]
mod process;

use process::{Client, Server, eventually, free_port};
use std::net::{TcpListener, TcpStream};

fn config_set(client: &mut Client, pairs: &str) -> String {
    client.ask(format!("CONFIG SET {pairs}\r\n"))
}

fn config_get(client: &mut Client, name: &str) -> String {
    assert_eq!(client.ask(format!("CONFIG GET {name}\r\n")), "*2");
    client.bulk();
    String::from_utf8(client.bulk()).expect("text")
}

fn can_connect(address: &str, port: u16) -> bool {
    TcpStream::connect((address, port)).is_ok()
}

#[test]
fn the_port_changes_while_clients_stay() {
    let mut server = Server::start(&[]);
    let mut client = server.connect();
    let (old, new) = (server.port, free_port());
    assert_eq!(config_set(&mut client, &format!("port {new}")), "+OK");
    assert!(can_connect("127.0.0.1", new) && !can_connect("127.0.0.1", old));
    server.port = new;
    assert_eq!(server.connect().ask("PING\r\n"), "+PONG");
    assert_eq!(config_set(&mut client, "port 0"), "+OK");
    assert!(!can_connect("127.0.0.1", new));
    assert_eq!(config_set(&mut client, &format!("port {old}")), "+OK");
    assert!(can_connect("127.0.0.1", old));
    assert_eq!(client.ask("PING\r\n"), "+PONG");
}

#[test]
fn a_port_that_cannot_be_had_changes_nothing() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("an address").port();
    let refusal = "-ERR CONFIG SET failed (possibly related to argument 'port') - \
                   Unable to listen on this port. Check server logs.";
    assert_eq!(config_set(&mut client, &format!("timeout 99 port {port} maxclients 50")), refusal);
    assert_eq!(config_get(&mut client, "timeout"), "0");
    assert_eq!(config_get(&mut client, "maxclients"), "10000");
    assert_eq!(config_get(&mut client, "port"), server.port.to_string());
    assert_eq!(server.connect().ask("PING\r\n"), "+PONG");
    let said = format!("Cannot listen on 127.0.0.1, port {port}");
    eventually("the log says why", || server.log().contains(&said));
}

#[test]
fn addresses_change_while_clients_stay() {
    let server = Server::start(&["--bind", "127.0.0.1"]);
    let mut client = server.connect();
    let port = server.port;
    assert!(!can_connect("127.0.0.2", port));
    assert_eq!(config_set(&mut client, "bind '127.0.0.1 127.0.0.2'"), "+OK");
    assert!(can_connect("127.0.0.1", port) && can_connect("127.0.0.2", port));
    let refusal =
        "-ERR CONFIG SET failed (possibly related to argument 'bind') - Failed to bind to specified addresses.";
    // 192.0.2.0/24 is for documentation: no machine has such an address.
    assert_eq!(config_set(&mut client, "bind '127.0.0.3 192.0.2.1'"), refusal);
    assert_eq!(config_get(&mut client, "bind"), "127.0.0.1 127.0.0.2");
    assert!(can_connect("127.0.0.2", port) && !can_connect("127.0.0.3", port));
    assert_eq!(config_set(&mut client, "bind '127.0.0.3 -192.0.2.1'"), "+OK");
    assert!(can_connect("127.0.0.3", port) && !can_connect("127.0.0.1", port));
    // The whole is in the way of its parts, and they of it.
    assert_eq!(config_set(&mut client, "bind *"), "+OK");
    assert!(can_connect("127.0.0.1", port) && can_connect("127.0.0.3", port));
    assert_eq!(config_set(&mut client, "bind '127.0.0.1 -::1'"), "+OK");
    assert!(can_connect("127.0.0.1", port) && !can_connect("127.0.0.3", port));
    client.send("INFO server\r\n");
    let info = String::from_utf8(client.bulk()).expect("text");
    assert!(info.contains(&format!("listener0:name=tcp,bind=127.0.0.1,port={port}")), "{info}");
}
