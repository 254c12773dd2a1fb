//! Forms that are read only, by bytes made by hand, and bytes that real servers have written. What is wrong with a byte is
//! told by its name.
use super::*;

/// A payload: what is needed behind the body, by this version.
fn payload(version: u16, body: &[&[u8]]) -> Vec<u8> {
    let mut bytes = body.concat();
    bytes.extend(version.to_le_bytes());
    bytes.extend(Crc64::of(&bytes).to_le_bytes());
    bytes
}

/// A string as a file has it.
fn string(bytes: &[u8]) -> Vec<u8> {
    let mut string = Vec::new();
    encode::put_length(bytes.len() as u64, &mut string);
    string.extend_from_slice(bytes);
    string
}

fn read(version: u16, body: &[&[u8]]) -> Result<String, What> {
    let mut data = data();
    let mut loaded = restore(&payload(version, body), &limits(&data)).map_err(|trouble| trouble.what)?;
    data.open(0, b"k", 0).put(loaded.content(), NewExpiry::Never, Event::generic("restore"));
    Ok(shown(&data.peek(0, b"k", 0).expect("it was put there").value()))
}

fn is_read_as(version: u16, body: &[&[u8]], expected: &str) {
    assert_eq!(read(version, body).as_deref(), Ok(expected), "{body:02x?}");
}

// --- Rows, made by hand

/// An entry of a ziplist: its code and its bytes, behind the length of the one before it.
fn ziplist(entries: &[&[u8]]) -> Vec<u8> {
    let (mut body, mut before, mut tail) = (Vec::new(), 0, 10);
    for entry in entries {
        tail = 10 + body.len() as u32;
        body.extend([&[before as u8], *entry].concat());
        before = entry.len() + 1;
    }
    let total = 11 + body.len() as u32;
    [&total.to_le_bytes(), &tail.to_le_bytes(), &(entries.len() as u16).to_le_bytes()[..], &body, &[0xff]].concat()
}

fn listpack(elements: &[Element]) -> Vec<u8> {
    let mut row = super::super::listpack::Listpack::default();
    elements.iter().for_each(|element| row.push(*element));
    row.finish().to_vec()
}

use crate::store::value::list::Element::{self, Bytes as B, Integer as I};

/// A listpack has integers, and no -0; what is none keeps it, whatever came first.
#[test]
fn a_zero_keeps_its_sign_where_redis_keeps_it() {
    let of = |members: &[Vec<u8>]| {
        let pair = |member: &Vec<u8>| [&string(member), &(-0.0f64).to_le_bytes()[..]].concat();
        let body: Vec<u8> = members.iter().flat_map(pair).collect();
        read(9, &[&[types::ZSET_2, members.len() as u8], &body]).expect("it is sound")
    };
    let numbered = |count: u8| (10..10 + count).map(|n| n.to_string().into_bytes()).collect::<Vec<_>>();
    let few = of(&numbered(3));
    assert!(few.contains("listpack") && !few.contains("-0.0"), "{few}");
    for members in [[numbered(2), vec![vec![b'x'; 300]]].concat(), [vec![vec![b'x'; 300]], numbered(2)].concat()] {
        let long = of(&members);
        assert!(long.contains("skiplist") && long.matches("-0.0").count() == 3, "{long}");
    }
    assert_eq!(
        read(9, &[&[types::ZSET_2, 2], &[&string(b"a")[..], &[0; 7], &[0x80]].concat().repeat(2)]),
        Err(What::Duplicate)
    );
}

#[test]
fn ziplists_are_read() {
    // From <https://rdb.fnordig.de/file_format.html>: 9223372036854775807, 65535, 16380, 63.
    let row = b"\x23\0\0\0\x1e\0\0\0\x04\0\0\xe0\xff\xff\xff\xff\xff\xff\xff\x7f\x0a\xd0\xff\xff\0\0\x06\xc0\xfc\x3f\x04\xc0\x3f\0\xff";
    let listed = "listpack [Integer(9223372036854775807), Integer(65535), Integer(16380), Integer(63)]";
    is_read_as(9, &[&[types::LIST_ZIPLIST], &string(row)], &listed.replace("listpack", "quicklist"));
    is_read_as(9, &[&[types::LIST_QUICKLIST, 1], &string(row)], listed);
    is_read_as(
        9,
        &[&[types::LIST_QUICKLIST, 2], &string(row), &string(&ziplist(&[]))],
        &listed.replace("listpack", "quicklist"),
    );
    // Codes for small integers, one, two, three, four and eight bytes, and for strings of three lengths.
    let long = [&[0x40, 100][..], &[b'x'; 100]].concat();
    let longer = [&[0x80, 0, 0, 0, 3][..], b"abc"].concat();
    let all: &[&[u8]] = &[
        b"\xf1",
        b"\xfd",
        b"\xfe\x80",
        b"\xc0\0\x80",
        b"\xf0\0\0\x80",
        b"\xd0\0\0\0\x80",
        b"\xe0\0\0\0\0\0\0\0\x80",
        b"\x01a",
        &long,
        &longer,
    ];
    let expected = format!(
        "quicklist [Integer(0), Integer(12), Integer(-128), Integer(-32768), Integer(-8388608), Integer(-2147483648), \
         Integer(-9223372036854775808), Bytes({:?}), Bytes({:?}), Bytes({:?})]",
        b"a", [b'x'; 100], b"abc"
    );
    is_read_as(9, &[&[types::LIST_ZIPLIST], &string(&ziplist(all))], &expected);
    is_read_as(9, &[&[types::HASH_ZIPLIST], &string(&ziplist(&[b"\x01f", b"\xf2"]))], r#"listpack ["f 1 None"]"#);
    let scores = ziplist(&[b"\x01a", b"\x041.25", b"\x01b", b"\x03inf"]);
    is_read_as(9, &[&[types::ZSET_ZIPLIST], &string(&scores)], "listpack {Bytes([97]): 1.25, Bytes([98]): inf}");
}

#[test]
fn each_byte_of_a_ziplist_counts() {
    let sound = ziplist(&[b"\x01a", b"\xc0\x39\x30", b"\x02bc"]);
    let list = |row: &[u8]| read(9, &[&[types::LIST_ZIPLIST], &string(row)]);
    let expected = list(&sound).unwrap();
    for at in 0..sound.len() {
        for byte in 0..=255 {
            let mut other = sound.clone();
            other[at] = byte;
            // If it is taken for one at all, it is another.
            let shown = list(&other);
            let is_told = shown == Err(What::Ziplist) || shown.is_ok_and(|shown| shown != expected);
            assert!(is_told || byte == sound[at], "{byte} at {at}");
        }
        assert_eq!(list(&sound[..at]), Err(What::Ziplist));
    }
}

#[test]
fn zipmaps_and_intsets_are_read() {
    // From <https://rdb.fnordig.de/file_format.html>
    let map = b"\x02\x06MKD1G6\x01\x002\x05YNNXK\x04\x00F7TI\xff";
    is_read_as(2, &[&[types::HASH_ZIPMAP], &string(map)], r#"listpack ["MKD1G6 2 None", "YNNXK F7TI None"]"#);
    // Two bytes behind a value are not in use.
    is_read_as(2, &[&[types::HASH_ZIPMAP], &string(b"\x01\x01f\x01\x02vxx\xff")], r#"listpack ["f v None"]"#);
    for broken in
        [&b"\x02\x01f\x01\x00v\xff"[..], b"\x01\x01f\x01\x00v", b"\x01\x01f\x01\x00v\xff\xff", b"\x01\x01f\xff"]
    {
        assert_eq!(read(2, &[&[types::HASH_ZIPMAP], &string(broken)]), Err(What::Zipmap));
    }
    let set = b"\x04\0\0\0\x03\0\0\0\xfc\xff\0\0\xfd\xff\0\0\xfe\xff\0\0";
    is_read_as(2, &[&[types::SET_INTSET], &string(set)], r#"intset ["65532", "65533", "65534"]"#);
    let intset = |bytes: &[u8]| read(2, &[&[types::SET_INTSET], &string(bytes)]);
    assert_eq!(intset(b"\x02\0\0\0\x02\0\0\0\x05\0\x04\0"), Err(What::Order));
    assert_eq!(intset(b"\x02\0\0\0\x02\0\0\0\x05\0\x05\0"), Err(What::Order));
    assert_eq!(intset(b"\x03\0\0\0\x01\0\0\0\x05\0\0"), Err(What::Intset));
    assert_eq!(intset(b"\x02\0\0\0\x02\0\0\0\x05\0"), Err(What::Intset));
    assert_eq!(intset(b"\x02\0\0\0\0\0\0\0"), Err(What::Empty));
}

/// As Redis takes it over: integers that are wider than they must be stay so.
#[test]
fn an_intset_is_taken_over_as_it_is() {
    let integers: Vec<u8> = (-2..2i32).flat_map(i32::to_le_bytes).collect();
    let wide = payload(10, &[&[types::SET_INTSET], &string(&[b"\x04\0\0\0\x04\0\0\0", &integers[..]].concat())]);
    let Ok(Loaded::Collection(Held::Set(set))) = restore(&wide, &limits(&data())) else { panic!("it is sound") };
    // Header and integers; with two bytes each they would take 16.
    assert_eq!((set.encoding(), set.len(), set.heap_bytes()), ("intset", 4, 32));
}

#[test]
fn plain_forms_are_read() {
    is_read_as(1, &[&[types::LIST, 2], b"\x01a\xc0\x05"], "listpack [Bytes([97]), Integer(5)]");
    is_read_as(1, &[&[types::SET, 2], b"\x01a\xc0\x05"], r#"listpack ["5", "a"]"#);
    is_read_as(1, &[&[types::HASH, 1], b"\x01a\xc0\x05"], r#"listpack ["a 5 None"]"#);
    is_read_as(1, &[&[types::ZSET, 2], b"\x01a\x031.5\x01b\xff"], "listpack {Bytes([98]): -inf, Bytes([97]): 1.5}");
    is_read_as(
        1,
        &[&[types::STRING], b"\xc3\x09\x40\x46\x01xx\xe0\x39\0\x01xx"],
        &format!("raw {:?}", ["x".repeat(70)]),
    );
    assert_eq!(read(1, &[&[types::ZSET, 1], b"\x01a\xfd"]), Err(What::Score));
    assert_eq!(read(1, &[&[types::ZSET, 1], b"\x01a\x01x"]), Err(What::Score));
    assert_eq!(read(8, &[&[types::ZSET_2, 1], b"\x01a", &f64::NAN.to_le_bytes()]), Err(What::Score));
    for (form, again) in [
        (types::SET, &b"\x01a\x01a"[..]),
        (types::HASH, b"\x01a\x01b\x01a\x01c"),
        (types::ZSET, b"\x01a\x011\x01a\x012"),
    ] {
        assert_eq!(read(1, &[&[form, 2], again]), Err(What::Duplicate));
        assert_eq!(read(1, &[&[form, 0]]), Err(What::Empty));
        assert_eq!(read(1, &[&[form, 200]]), Err(What::Length));
        assert_eq!(read(1, &[&[form, 3], again]).map(|_| ()), Err(What::Duplicate));
        assert_eq!(read(1, &[&[form, 0x81, 0xff, 0, 0, 0, 0, 0, 0, 0]]), Err(What::Truncated));
    }
}

#[test]
fn rows_are_read_and_judged() {
    let set = |elements: &[Element]| read(11, &[&[types::SET_LISTPACK], &string(&listpack(elements))]);
    assert_eq!(set(&[B(b"a"), I(5)]).as_deref(), Ok(r#"listpack ["5", "a"]"#));
    assert_eq!(set(&[I(5), I(6)]).as_deref(), Ok(r#"listpack ["5", "6"]"#));
    assert_eq!(set(&[I(5), B(b"5")]), Err(What::Duplicate));
    assert_eq!(set(&[]), Err(What::Empty));
    let hash = |elements: &[Element]| read(10, &[&[types::HASH_LISTPACK], &string(&listpack(elements))]);
    assert_eq!(hash(&[B(b"a"), B(&[b'x'; 70])]).map(|shown| shown[..8].to_string()).as_deref(), Ok("listpack"));
    assert_eq!(hash(&[B(b"a"), I(1), B(b"b")]), Err(What::Odd));
    assert_eq!(hash(&[B(b"a"), I(1), B(b"a"), I(2)]), Err(What::Duplicate));
    let sorted = |elements: &[Element]| read(10, &[&[types::ZSET_LISTPACK], &string(&listpack(elements))]);
    assert_eq!(
        sorted(&[B(b"a"), I(1), B(b"b"), B(b"1.5")]).as_deref(),
        Ok("listpack {Bytes([97]): 1.0, Bytes([98]): 1.5}")
    );
    assert_eq!(sorted(&[B(b"a"), I(2), B(b"b"), I(1)]), Err(What::Order));
    assert_eq!(sorted(&[B(b"b"), I(1), B(b"a"), I(1)]), Err(What::Order));
    assert_eq!(sorted(&[B(b"a"), I(1), B(b"a"), I(2)]), Err(What::Duplicate));
    assert_eq!(sorted(&[B(b"a"), B(b"nan")]), Err(What::Score));
    assert_eq!(sorted(&[B(b"a")]), Err(What::Odd));
    let node = |kind: u8, bytes: &[u8]| read(10, &[&[types::LIST_QUICKLIST_2, 1, kind], &string(bytes)]);
    assert_eq!(node(1, b"abc").as_deref(), Ok("quicklist [Bytes([97, 98, 99])]"));
    assert_eq!(node(2, &listpack(&[I(7)])).as_deref(), Ok("listpack [Integer(7)]"));
    assert_eq!(node(2, &listpack(&[])), Err(What::Empty));
    assert_eq!(node(1, b""), Err(What::Length));
    assert_eq!(node(3, b"abc"), Err(What::Node(3)));
}

#[test]
fn each_byte_of_a_listpack_counts() {
    let long = [b'x'; 200];
    let sound = listpack(&[I(5), B(b"ab"), I(-4096), I(70_000), B(&long), I(i64::MIN)]);
    let list = |row: &[u8]| read(10, &[&[types::LIST_QUICKLIST_2, 1, 2], &string(row)]);
    let expected = list(&sound).unwrap();
    for at in 0..sound.len() {
        for bit in 0..8 {
            let mut other = sound.clone();
            other[at] ^= 1 << bit;
            // If it is taken for one at all, it is another.
            let shown = list(&other);
            assert!(shown == Err(What::Listpack) || shown.is_ok_and(|shown| shown != expected), "bit {bit} of {at}");
        }
        assert_eq!(list(&sound[..at]), Err(What::Listpack));
    }
}

#[test]
fn fields_that_expire_are_read_as_each_server_writes_them() {
    // HSET h f v g 7 e w, HPEXPIREAT of f and e: as Redis 8.0 and Valkey 9.1 dump it.
    let row = b"\x2e\x2e\0\0\0\x09\0\x81f\x02\x81v\x02\xf4\0\x38\xd3\x60\xba\x01\0\0\x09\x81e\x02\x81w\x02\xf4\xf4\x39\xd3\x60\xba\x01\0\0\x09\x81g\x02\x07\x01\0\x01\xff";
    let earliest = 1_900_000_000_000i64.to_le_bytes();
    let expected = r#"listpackex ["e w Some(1900000000500)", "f v Some(1900000000000)", "g 7 None"]"#;
    is_read_as(12, &[&[types::HASH_LISTPACK_EX], &earliest, row], expected);
    is_read_as(12, &[&[types::HASH_LISTPACK_EX_BEFORE], row], expected);
    is_read_as(
        12,
        &[&[types::HASH_METADATA], &earliest, b"\x03\0\x01g\xc0\x07\x01\x01f\x01v\x41\xf5\x01e\x01w"],
        expected,
    );
    let valkey = [
        &b"\x03\x01f\x01v"[..],
        &earliest,
        b"\x01g\xc0\x07\xff\xff\xff\xff\xff\xff\xff\xff\x01e\x01w\xf4\x39\xd3\x60\xba\x01\0\0",
    ]
    .concat();
    is_read_as(80, &[&[types::VALKEY_HASH_2], &valkey], expected);
    // HPEXPIREAT h 9223372036854775807 FIELDS 1 f: that is refused by Redis, not by Valkey.
    let late = [&b"\x01\x01f\x01v"[..], &i64::MAX.to_le_bytes()].concat();
    is_read_as(80, &[&[types::VALKEY_HASH_2], &late], r#"listpackex ["f v Some(70368744177663)"]"#);
    let late = [&(1i64 << 62).to_le_bytes()[..], b"\x01\x02\x01a\x01b"].concat();
    assert_eq!(read(12, &[&[types::HASH_METADATA], &late]), Err(What::Expiry));
    let ex = |elements: &[Element]| read(12, &[&[types::HASH_LISTPACK_EX], &earliest, &string(&listpack(elements))]);
    assert_eq!(ex(&[B(b"a"), I(1), I(0)]).as_deref(), Ok(r#"listpackex ["a 1 None"]"#));
    assert_eq!(ex(&[B(b"a"), I(1), I(0), B(b"b"), I(1), I(5)]), Err(What::Order));
    assert_eq!(ex(&[B(b"a"), I(1), I(-5)]), Err(What::Order));
    assert_eq!(ex(&[B(b"a"), I(1), B(b"x")]), Err(What::Expiry));
    assert_eq!(ex(&[B(b"a"), I(1)]), Err(What::Odd));
}

#[test]
fn a_payload_is_judged_by_its_frame_first() {
    let sound = payload(10, &[b"\x00\x03abc"]);
    let restored = |bytes: &[u8]| restore(bytes, &limits(&data())).map(|_| ()).map_err(|trouble| trouble.what);
    assert_eq!(restored(&sound), Ok(()));
    for at in 0..sound.len() {
        let mut broken = sound.clone();
        broken[at] ^= 0x10;
        let what = restored(&broken).unwrap_err();
        assert!(matches!(what, What::Checksum | What::Version(_)), "{what:?}");
        assert!(restored(&sound[..at]).is_err());
    }
    for (version, is_known) in
        [(0, true), (1, true), (9, true), (11, true), (12, true), (13, false), (79, false), (80, true), (81, false)]
    {
        let expected = if is_known { Ok(()) } else { Err(What::Version(version as u32)) };
        assert_eq!(restored(&payload(version, &[b"\x00\x03abc"])), expected);
    }
    assert_eq!(restored(&payload(10, &[b"\x00\x03abcd"])), Err(What::Surplus));
    assert_eq!(restored(&payload(10, &[])), Err(What::Truncated));
    for (form, what) in
        [(7, What::Module), (15, What::Stream), (21, What::Stream), (8, What::Type(8)), (255, What::Type(255))]
    {
        assert_eq!(restored(&payload(10, &[&[form], b"\x01a"])), Err(what));
    }
}

// --- Files

fn items(bytes: &[u8]) -> Result<Vec<Item>, Trouble> {
    let mut reader = Reader::open(bytes, 16, limits(&data()))?;
    let mut items = Vec::new();
    while let Some(item) = reader.read()? {
        items.push(item);
    }
    Ok(items)
}

fn file(header: &[u8], body: &[u8]) -> Vec<u8> {
    let mut bytes = [header, body, &[types::END]].concat();
    bytes.extend(Crc64::of(&bytes).to_le_bytes());
    bytes
}

#[test]
fn what_stands_beside_the_keys_is_told_or_skipped() {
    let body = b"\xfa\x04name\xc0\x05\
        \xf7\x81\0\0\0\0\0\0\0\x01\x02\x02\x05\x03abc\x02\x05\x04\x01\x02\x03\x04\x05\x06\x07\x08\x03\x01\x02\x03\x04\0\
        \xf5\x03lib\
        \xfe\x05\xfb\x02\x01\
        \xfd\x01\x02\x03\x04\x00\x01a\x01b\
        \xf8\x41\x00\xf9\x07\xfc\x01\0\0\0\0\0\0\0\x00\x01c\x01d\
        \xf4\x01\x02\x03\
        \x02\x03set\x00";
    let shown: Vec<String> = items(&file(b"REDIS0011", body)).unwrap().iter().map(|item| format!("{item:?}")).collect();
    let expected = [
        "Aux { name: [110, 97, 109, 101], value: [53] }",
        "Skipped(ModuleData)",
        "Skipped(Functions)",
        "Sizes { database: 5, keys: 2, volatile: 1 }",
        "Entry(LoadedEntry { database: 5, key: [97], value: String([98]), expires_ms: Some(67305985000), usage: None })",
        "Entry(LoadedEntry { database: 5, key: [99], value: String([100]), expires_ms: Some(1), usage: Some(Frequency(7)) })",
        "Skipped(EmptyKey([115, 101, 116]))",
    ];
    assert_eq!(shown, expected);
}

/// As Redis 7.0 and 8.0 and Valkey 9.1 take it. In seconds -1 is a moment, before 1970.
#[test]
fn an_expiry_of_minus_one_is_none() {
    let expiry = |body: &[u8]| match &items(&file(b"REDIS0011", &[body, b"\x00\x01a\x01b"].concat())).unwrap()[..] {
        [Item::Entry(entry)] => entry.expires_ms,
        other => panic!("{other:?}"),
    };
    assert_eq!(expiry(b"\xfc\xff\xff\xff\xff\xff\xff\xff\xff"), None);
    assert_eq!(expiry(b"\xfc\xfe\xff\xff\xff\xff\xff\xff\xff"), Some(-2));
    assert_eq!(expiry(b"\xfd\xff\xff\xff\xff"), Some(-1000));
}

#[test]
fn a_file_is_judged_by_its_frame() {
    let trouble =
        |bytes: &[u8]| items(bytes).map(|items| items.len()).map_err(|trouble| (trouble.what, trouble.offset));
    assert_eq!(trouble(&file(b"REDIS0010", b"")), Ok(0));
    assert_eq!(trouble(&file(b"VALKEY080", b"\x00\x01a\x01b")), Ok(1));
    assert_eq!(trouble(b"REDIS0004\x00\x01a\x01b\xff"), Ok(1));
    assert_eq!(trouble(b"REDIS0009\xff\0\0\0\0\0\0\0\0"), Ok(0));
    assert_eq!(trouble(b""), Err((What::NotRdb, 0)));
    assert_eq!(trouble(b"REDIS00"), Err((What::NotRdb, 0)));
    assert_eq!(trouble(b"GARBAGE90"), Err((What::NotRdb, 0)));
    assert_eq!(trouble(b"REDIS001x"), Err((What::NotRdb, 0)));
    for header in [&b"REDIS0013"[..], b"REDIS0080", b"VALKEY012", b"REDIS0000"] {
        assert!(matches!(trouble(&file(header, b"")), Err((What::Version(_), 5))));
    }
    assert_eq!(trouble(b"REDIS0010\xff\x01\0\0\0\0\0\0\0"), Err((What::Checksum, 10)));
    assert_eq!(trouble(b"REDIS0010\xff\x01\0\0"), Err((What::Truncated, 13)));
    assert_eq!(trouble(b"REDIS0010"), Err((What::Truncated, 9)));
    assert_eq!(trouble(b"REDIS0010\xfe\x10"), Err((What::Database(16), 11)));
    assert_eq!(trouble(b"REDIS0010\xf6\x10"), Err((What::Opcode(0xf6), 10)));
    assert_eq!(trouble(b"REDIS0010\x80\x10"), Err((What::Opcode(0x80), 10)));
    assert_eq!(trouble(b"REDIS0010\x0f\x01a"), Err((What::Stream, 12)));
    assert_eq!(trouble(b"REDIS0010\x00\x01a\x05b"), Err((What::Truncated, 14)));

    struct Torn;
    impl Source for Torn {
        fn fill(&mut self, _: &mut [u8]) -> Result<usize, Unreadable> {
            Err(Unreadable)
        }
    }
    let torn = Reader::open(Torn, 16, limits(&data())).err();
    assert_eq!(torn, Some(Trouble { what: What::Unreadable, offset: 0 }));
}
