// ioredis against a running server, in RESP2 and RESP3: check.js PORT.
// Prints "ok NAME" or "not ok NAME: why" for each check; what commands answer in detail is for tests/transcripts.
"use strict";
const assert = require("node:assert/strict");
const Redis = require("ioredis");

const port = Number(process.argv[2]);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const until = async (condition) => {
  for (const end = Date.now() + 15_000; !(await condition()); await sleep(5)) {
    assert.ok(Date.now() < end, "it does not come to that");
  }
};

const checks = {
  async strings(r) {
    assert.equal(await r.set("k", "v"), "OK");
    assert.equal(await r.get("k"), "v");
    assert.equal(await r.get("missing"), null);
    assert.equal(await r.set("k", "w", "NX"), null);
    assert.equal(await r.set("k", "w", "GET"), "v");
    assert.equal(await r.mset({ a: 1, b: 2 }), "OK");
    assert.deepEqual(await r.mget("a", "missing", "b"), ["1", null, "2"]);
    assert.equal(await r.incrby("a", 41), 42);
    assert.equal(await r.incrbyfloat("f", 1.5), "1.5");
    assert.equal(await r.append("k", "x"), 2);
    assert.equal(await r.getdel("k"), "wx");
    assert.equal(await r.exists("a", "b", "k"), 2);
  },

  async pipelines(r) {
    const p = r.pipeline();
    for (let n = 0; n < 1000; n++) p.set(`k${n}`, n).incr(`k${n}`);
    const answers = await p.exec();
    assert.equal(answers.length, 2000);
    assert.deepEqual(answers[1999], [null, 1000]);
    const [first, second, third] = await r.pipeline().set("s", "x").incr("s").get("s").exec();
    assert.deepEqual([first, third], [[null, "OK"], [null, "x"]]);
    assert.match(second[0].message, /not an integer/);
  },

  async "automatic pipelines"(r, connect) {
    const auto = connect({ enableAutoPipelining: true });
    const all = Array.from({ length: 100 }, (_, n) => auto.set(`k${n}`, n).then(() => auto.get(`k${n}`)));
    assert.deepEqual(await Promise.all(all), Array.from({ length: 100 }, (_, n) => String(n)));
    auto.disconnect();
  },

  async expiry(r) {
    await r.set("k", "v", "EX", 100);
    assert.ok((await r.ttl("k")) > 90);
    assert.equal(await r.expire("k", 50, "GT"), 0);
    assert.equal(await r.persist("k"), 1);
    assert.equal(await r.ttl("k"), -1);
    await r.set("k", "v", "PX", 20);
    await sleep(50);
    assert.equal(await r.get("k"), null);
  },

  async scanning(r) {
    const names = Array.from({ length: 300 }, (_, n) => `scan:${n}`);
    await r.mset(Object.fromEntries(names.map((name) => [name, 1])));
    const found = [];
    for await (const some of r.scanStream({ match: "scan:*", count: 50 })) found.push(...some);
    assert.deepEqual([...new Set(found)].sort(), [...names].sort());
    assert.equal(await r.del(...names), 300);
  },

  async binary(r) {
    const every = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
    await r.set(every, every);
    assert.deepEqual(await r.getBuffer(every), every);
    const large = Buffer.alloc(1 << 20, every);
    await r.set("large", large);
    assert.deepEqual(await r.getBuffer("large"), large);
    await r.set("t", "grüß dich");
    assert.equal(await r.get("t"), "grüß dich");
  },

  async errors(r) {
    await r.set("k", "text");
    await assert.rejects(r.incr("k"), /not an integer/);
    await assert.rejects(r.call("NOSUCH"), /unknown command/);
    await assert.rejects(r.call("GET"), /wrong number of arguments/);
    await assert.rejects(r.set("k", "v", "NX", "XX"), /syntax error/);
    assert.equal(await r.ping(), "PONG");
  },

  async transactions(r, connect) {
    assert.deepEqual(await r.multi().set("k", 1).incr("k").get("k").exec(), [[null, "OK"], [null, 2], [null, "2"]]);
    const other = connect({});
    await r.watch("k");
    await other.set("k", 5);
    assert.equal(await r.multi().incr("k").exec(), null);
    await r.watch("k");
    assert.deepEqual(await r.multi().incr("k").exec(), [[null, 6]]);
    const answers = await r.multi().set("s", "x").incr("s").get("s").exec();
    assert.match(answers[1][0].message, /not an integer/);
    assert.deepEqual([answers[0], answers[2]], [[null, "OK"], [null, "x"]]);
    await assert.rejects(r.multi().set("k", 1).call("NOSUCH").exec(), /EXECABORT/);
    assert.equal(await r.get("k"), "6");
    other.disconnect();
  },

  async "publish and subscribe"(r, connect) {
    const subscriber = connect({ retryStrategy: () => 10 });
    const told = [];
    const at = (count) => until(() => told.length >= count);
    subscriber.on("message", (channel, message) => told.push(`${channel}: ${message}`));
    subscriber.on("pmessage", (pattern, channel, message) => told.push(`${pattern} ${channel}: ${message}`));
    subscriber.on("smessage", (channel, message) => told.push(`shard ${channel}: ${message}`));
    assert.equal(await subscriber.subscribe("news", "sport"), 2);
    await subscriber.psubscribe("n*");
    await subscriber.ssubscribe("near");
    assert.equal(await r.publish("news", "one"), 2);
    assert.equal(await r.publish("nobody", "two"), 1);
    assert.equal(await r.spublish("near", "three"), 1);
    await at(4);
    assert.deepEqual(told, ["news: one", "n* news: one", "n* nobody: two", "shard near: three"]);
    // It subscribes again when its connection was lost.
    const own = /id=(\d+)/.exec(await r.client("LIST", "TYPE", "pubsub"))[1];
    assert.equal(await r.client("KILL", "ID", own), 1);
    await until(async () => (await r.publish("sport", "again")) === 1);
    await at(5);
    assert.equal(told[4], "sport: again");
    await r.config("SET", "notify-keyspace-events", "Ex");
    await subscriber.subscribe("__keyevent@0__:expired");
    await r.set("k", "v", "PX", 20);
    await until(() => told.includes("__keyevent@0__:expired: k"));
    await r.config("SET", "notify-keyspace-events", "");
    subscriber.disconnect();
  },

  async "lists that are waited for"(r, connect) {
    const clients = Array.from({ length: 20 }, () => connect({}));
    const waits = clients.map((client) => client.blpop("a", "b", 20));
    await until(async () => /blocked_clients:20\r/.test(await r.info("clients")));
    await r.rpush("a", ...Array.from({ length: 10 }, (_, n) => n));
    await r.rpush("b", ...Array.from({ length: 10 }, (_, n) => n + 10));
    const got = (await Promise.all(waits)).map(([, value]) => Number(value));
    assert.deepEqual(got.sort((a, b) => a - b), Array.from({ length: 20 }, (_, n) => n));
    const move = clients[0].blmove("from", "to", "LEFT", "RIGHT", 20);
    await until(async () => /blocked_clients:1\r/.test(await r.info("clients")));
    assert.deepEqual(await r.multi().rpush("from", "x", "y").llen("from").exec(), [[null, 2], [null, 2]]);
    assert.equal(await move, "x");
    assert.deepEqual(await r.lrange("to", 0, -1), ["x"]);
    assert.equal(await clients[1].brpop("nothing", 0.02), null);
    clients.forEach((client) => client.disconnect());
    // Who is cut off while he waits asks again.
    const victim = connect({ retryStrategy: () => 10, autoResendUnfulfilledCommands: true });
    const id = await victim.client("ID");
    const late = victim.blpop("late", 20);
    await until(async () => /blocked_clients:1\r/.test(await r.info("clients")));
    assert.equal(await r.client("KILL", "ID", id), 1);
    await until(async () => new RegExp(`id=(?!${id} ).* flags=b `).test(await r.client("LIST")));
    await r.rpush("late", "at last");
    assert.deepEqual(await late, ["late", "at last"]);
    victim.disconnect();
  },

  async "names and reconnecting"(r, connect) {
    const victim = connect({ connectionName: "checker", db: 2, retryStrategy: () => 10 });
    await victim.set("k", "before");
    assert.equal(await victim.client("GETNAME"), "checker");
    const id = await victim.client("ID");
    const list = await r.client("LIST");
    assert.match(list, new RegExp(`id=${id} .*name=checker .*db=2 `));
    // Redis 7.0 does not have the field.
    assert.ok(!list.includes("lib-name=") || list.includes("lib-name=ioredis"), list);
    const again = new Promise((done) => victim.once("ready", done));
    assert.equal(await r.client("KILL", "ID", id), 1);
    await again;
    assert.equal(await victim.get("k"), "before");
    assert.notEqual(await victim.client("ID"), id);
    assert.equal(await victim.quit(), "OK");
  },

  async server(r) {
    assert.match(await r.info(), /redis_version:/);
    assert.deepEqual([await r.config("GET", "maxmemory")].flat(), ["maxmemory", "0"]);
    assert.equal((await r.time()).length, 2);
    await r.set("k", 1);
    assert.equal(await r.dbsize(), 1);
    assert.equal(await r.flushall(), "OK");
    assert.equal(await r.dbsize(), 0);
  },
};

async function main() {
  let failed = 0;
  for (const protocol of [2, 3]) {
    const connect = (options) => {
      const client = new Redis({ host: "127.0.0.1", port, protocol, maxRetriesPerRequest: 20, ...options });
      client.on("error", () => {});
      return client;
    };
    for (const [name, check] of Object.entries(checks)) {
      const client = connect({});
      try {
        await client.flushall();
        assert.match(await client.client("INFO"), new RegExp(`resp=${protocol}`));
        await check(client, connect);
        console.log(`ok ioredis RESP${protocol} ${name}`);
      } catch (error) {
        failed += 1;
        console.log(`not ok ioredis RESP${protocol} ${name}: ${String(error.message).split("\n").slice(0, 4).join(" ")}`);
      }
      client.disconnect();
    }
  }
  process.exit(failed ? 1 : 0);
}

main();
