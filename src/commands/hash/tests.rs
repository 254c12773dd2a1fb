//! What is recorded of fields that expire, and that they go in time though nobody asks for them.
use crate::base::time::Now;
use crate::commands::harness::{World, play};

#[test]
fn moments_are_recorded_in_absolute_form() {
    play(
        "
        HSET h a 1 b 2 c 3 d 4 => new h, hset h => =
        HEXPIRE h 10 FIELDS 2 a none => hexpire h => HPEXPIREAT h 1750000010123 FIELDS 1 a
        HPEXPIRE h 5000 LT FIELDS 2 a b => hexpire h => HPEXPIREAT h 1750000005123 FIELDS 2 a b
        HEXPIRE h 5 GT FIELDS 1 a
        HEXPIREAT h 1 FIELDS 1 d => hdel h => HDEL h d
        HINCRBYFLOAT h a 0.5 => hincrbyfloat h => HSETEX h KEEPTTL FIELDS 1 a 1.5
        HINCRBYFLOAT h c 0.5 => hincrbyfloat h => HSET h c 3.5
        HINCRBY h b 1 => hincrby h => =
        HGETEX h PERSIST FIELDS 2 a c => hpersist h => HPERSIST h FIELDS 1 a
        HGETEX h EX 7 FIELDS 2 c none => hexpire h => HPEXPIREAT h 1750000007123 FIELDS 1 c
        HGETEX h FIELDS 1 c
        HSETEX h FXX EX 8 FIELDS 1 c 5 => hset h, hexpire h => HSETEX h PXAT 1750000008123 FIELDS 1 c 5
        HSETEX h FNX FIELDS 1 c 5
        HSETEX h PXAT 1 FIELDS 2 c 5 x 6 => hset h, hdel h => HDEL h c x
        HSETEX h FIELDS 1 x 6 => hset h => =
        HGETDEL h FIELDS 2 none x => hdel h => HDEL h x
        HPERSIST h FIELDS 1 a
        HPERSIST h FIELDS 1 b => hpersist h => =
        HPEXPIRE h 50 FIELDS 1 b => hexpire h => HPEXPIREAT h 1750000000173 FIELDS 1 b
        + 100
        HGET h b => hexpired h
        HPEXPIRE h 50 FIELDS 1 a => hexpire h => HPEXPIREAT h 1750000000273 FIELDS 1 a
        + 100
        HLEN h => hexpired h, del h
        ",
    );
}

#[test]
fn fields_go_when_they_are_due() {
    let mut world = World::new();
    world.data.ledger.lapsed = Some(vec![]);
    let fields: String = (0..3_000).map(|n| format!(" f{n} v")).collect();
    world.run(&format!("HSETEX many PX 1000 FIELDS 3000{fields}"));
    world.run("HSET many g v");
    (0..7).for_each(|n| _ = world.run(&format!("HSETEX few{n} PX 2000 FIELDS 1 f v")));
    world.run("HSET few0 g v");
    world.run("EXPIRE few1 1");
    world.data.check();
    let go_on = |world: &mut World, ms: i64| {
        world.now = Now { wall_us: world.now.wall_us + 1000 * ms, ..world.now };
        while world.data.expire_due(world.now.wall_ms(), || false) {}
        world.data.check();
        let fields: Vec<usize> =
            world.data.ledger.lapsed.as_mut().unwrap().drain(..).map(|one| one.fields.len()).collect();
        fields
    };
    assert!(world.data.next_deadline_ms().is_some());
    // What is due together goes some at a time; no field is told twice.
    let gone = [go_on(&mut world, 1200), go_on(&mut world, 10), go_on(&mut world, 10)];
    assert!(gone.iter().flatten().all(|fields| *fields <= 1024), "{gone:?}");
    assert_eq!(gone.iter().flatten().filter(|fields| **fields == 0).count(), 1, "the key few1");
    assert_eq!(gone.iter().flatten().sum::<usize>(), 3_000, "{gone:?}");
    assert_eq!(world.run("HLEN many").0, ":1\r\n");
    go_on(&mut world, 1000);
    assert_eq!(world.run("EXISTS many few0 few1 few2").0, ":2\r\n");
    assert_eq!(world.data.next_deadline_ms(), None);
}

/// Who reads a hash does not see such fields, nor the hash when they were all it had.
#[test]
fn who_looks_finds_none_that_is_due() {
    let mut world = World::new();
    world.run("HSETEX h PX 100 FIELDS 2 a 1 b 2");
    world.run("COPY h copy");
    world.run("RENAME h g");
    world.data.check();
    world.now = Now { wall_us: world.now.wall_us + 200_000, ..world.now };
    assert_eq!(world.run("HLEN g").0, ":0\r\n");
    assert_eq!(world.run("HLEN copy").0, ":0\r\n");
    assert_eq!(world.run("EXISTS g copy").0, ":0\r\n");
    world.data.check();
}
