//! The transcripts against a real server: do they say what Redis does?
//! `cargo test --test transcripts_real -- --ignored` starts the redis-server on PATH; `REDIS_PORT=n` names a running
//! server instead, which is emptied again and again. With `UPDATE_TRANSCRIPTS=1` its answers are written into the files.
//! `ONLY=string/set` limits both to paths that contain the text. Redis 8.0 is the reference; Valkey answers for the
//! cases marked `@valkey`, Spindle for all. Ignored, since some cases let real milliseconds pass.

#[path = "support/redis_server.rs"]
mod redis_server;
#[path = "support/transcript/mod.rs"]
mod transcript;

use redis_server::RedisServer;
use transcript::notation::{self, Marks};
use transcript::play;
use transcript::tcp::{About, Server};

#[test]
#[ignore = "real time passes"]
fn a_real_server_answers_as_the_transcripts_say() {
    let own = std::env::var("REDIS_PORT").is_err().then(|| RedisServer::start(&["--enable-debug-command", "yes"]));
    let port = own.as_ref().map_or_else(|| std::env::var("REDIS_PORT").unwrap(), |own| own.port.to_string());
    let mut server = Server::connect(port.parse().expect("REDIS_PORT is a number"));
    let update = std::env::var("UPDATE_TRANSCRIPTS").is_ok_and(|v| v == "1");
    let only = std::env::var("ONLY").unwrap_or_default();
    let (mut played, mut failures) = (0, 0);
    for path in transcript::files() {
        let name = transcript::short_name(&path);
        if !name.contains(&only) {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let mut cases = notation::parse(&text).unwrap_or_else(|why| panic!("{name}: {why}"));
        let about = server.about;
        for case in cases.iter_mut().filter(|case| applies(&case.marks, about)) {
            played += 1;
            let outcome = if update {
                play::rewrite(case, &mut server).map(|new| *case = new)
            } else {
                play::check(case, &mut server)
            };
            if let Err(why) = outcome {
                failures += 1;
                eprintln!("--- {name}:{} {}\n{why}", case.line, case.title());
            }
        }
        if update {
            std::fs::write(&path, notation::print(&cases)).unwrap();
        }
    }
    println!("{played} cases, {failures} failed, against {:?}", server.about);
    assert!(played > 0, "no case applies to {:?}", server.about);
    assert_eq!(failures, 0, "the transcripts and {:?} disagree", server.about);
}

fn applies(marks: &Marks, about: About) -> bool {
    match about {
        _ if marks.engine => false,
        About::Spindle => !marks.redis,
        About::Valkey => marks.valkey,
        About::Redis { major } => !marks.valkey && (major >= 8 || !marks.since_8),
    }
}
