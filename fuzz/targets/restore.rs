//! Payloads and files must be taken or refused, whatever their bytes are, and what was taken must come back as it is. The first
//! byte of an input is the version.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spindle::engine::Config;
use spindle::persist::format::{Crc64, Options, Reader, dump, restore};
use spindle::store::value::list::Fill;
use spindle::store::{Event, Keyspace, NewExpiry};

fuzz_target!(|input: &[u8]| {
    let Some((version, body)) = input.split_first() else { return };
    let mut data = Keyspace::new(1, [1, 2, 3, 4]);
    let limits = Config::default().limits(data.hasher());
    let mut payload = [body, &[*version, 0]].concat();
    payload.extend(Crc64::of(&payload).to_le_bytes());
    if let Ok(mut loaded) = restore(&payload, &limits) {
        data.open(0, b"k", 0).renew(loaded.content(), NewExpiry::Never, Event::generic("restore"));
        let value = data.peek(0, b"k", 0).expect("it was put there").value();
        let payload = dump(&value, Options { compress: true, fill: Fill(-2) }, 0).expect("it has elements");
        assert!(restore(&payload, &limits).is_ok());
        data.check();
    }
    let file = [b"REDIS0012", body].concat();
    if let Ok(mut reader) = Reader::open(&file[..], 16, limits) {
        while let Ok(Some(_)) = reader.read() {}
    }
});
