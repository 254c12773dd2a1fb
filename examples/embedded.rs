//! The server inside a program, third rung of the ladder (null.rs and echo.rs before it; src/engine/ and src/reactor/ after
//! it): no socket, and a clock that is moved by hand. What the reactor does with sockets, this does with slices of bytes:
//! it lends room, says what came, steps, and takes what is pending. Nothing sleeps, so a minute passes in no time.
//!
//!     cargo run --example embedded

use spindle::engine::{Address, Budget, ByHand, ClientId, Config, Engine, Now, Step};

/// Sends bytes, cut wherever they fall, and returns what the server says to them.
fn talk(engine: &mut Engine, host: &mut ByHand, client: ClientId, mut bytes: &[u8]) -> String {
    let mut said = vec![];
    loop {
        // A room may be smaller than what is to be sent, and empty while the client has too much unread output.
        let room = engine.space(client);
        let count = room.len().min(bytes.len());
        room[..count].copy_from_slice(&bytes[..count]);
        bytes = &bytes[count..];
        if count > 0 {
            engine.filled(client, count);
        }
        let mut now = host.now;
        let step = engine.step(client, &mut now, Budget::default(), host);
        // A socket might take only a part of what is pending; `wrote` says how much it took.
        let pending: Vec<u8> = engine.pending(client).flatten().copied().collect();
        engine.wrote(client, pending.len());
        said.extend(pending);
        if step != Step::More && bytes.is_empty() {
            return String::from_utf8_lossy(&said).into_owned();
        }
    }
}

fn main() {
    // The machine that the engine sees. Its clocks stand until they are told to go on.
    let mut host = ByHand::at(Now { wall_us: 1_700_000_000_000_000, mono_us: 0 });
    // 32 bytes that nobody can guess, where it matters; here a run is to be the same every time.
    let mut engine = Engine::new(Config::default(), [7; 32], host.now);
    let client = engine.open(Address::Embedded, host.now).expect("there is room for one");

    let say = |engine: &mut Engine, host: &mut ByHand, bytes: &str| {
        let reply = talk(engine, host, client, bytes.as_bytes());
        println!("> {}\n< {}", bytes.escape_debug(), reply.escape_debug());
    };
    say(&mut engine, &mut host, "PING\r\n");
    say(&mut engine, &mut host, "*3\r\n$3\r\nSET\r\n$4\r\nuser\r\n$9\r\nAlejandro\r\n");
    // Half a request is no request yet; it is finished by what comes next.
    say(&mut engine, &mut host, "*2\r\n$3\r\nGET\r\n$4\r\nus");
    say(&mut engine, &mut host, "er\r\n");
    say(&mut engine, &mut host, "SET user Alejandro EX 20\r\n");
    // Time passes: from each moment that the engine names to the next, until nothing is left that would happen by itself.
    // At once it counts what it has served; the last moment is the end of the key.
    while let Some(due) = engine.next_deadline(host.now) {
        host.pass(due.saturating_sub(host.now.mono_us));
        println!("({} s: timers run)", host.now.mono_us / 1_000_000);
        engine.tick(host.now, &mut host);
    }
    say(&mut engine, &mut host, "GET user\r\n");
}
