// node-redis against a running server, in RESP2 and RESP3: node-redis.js PORT.
// Prints "ok NAME" or "not ok NAME: why" for each check; what commands answer in detail is for tests/transcripts.
"use strict";
const assert = require("node:assert/strict");
const redis = require("redis");

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
    assert.equal(await r.set("k", "w", { condition: "NX" }), null);
    assert.equal(await r.set("k", "w", { GET: true }), "v");
    assert.equal(await r.mSet({ a: "1", b: "2" }), "OK");
    assert.deepEqual(await r.mGet(["a", "missing", "b"]), ["1", null, "2"]);
    assert.equal(await r.incrBy("a", 41), 42);
    assert.equal(await r.incrByFloat("f", 1.5), "1.5");
    assert.equal(await r.getDel("k"), "w");
    assert.equal(await r.exists(["a", "b", "k"]), 2);
  },

  async "automatic pipelines"(r) {
    const all = Array.from({ length: 1000 }, (_, n) => r.set(`k${n}`, String(n)).then(() => r.get(`k${n}`)));
    assert.deepEqual(await Promise.all(all), Array.from({ length: 1000 }, (_, n) => String(n)));
    assert.deepEqual(await r.multi().set("s", "1").incr("s").get("s").execAsPipeline(), ["OK", 2, "2"]);
  },

  async expiry(r) {
    await r.set("k", "v", { expiration: { type: "EX", value: 100 } });
    assert.ok((await r.ttl("k")) > 90);
    assert.equal(await r.expire("k", 50, "GT"), 0);
    assert.equal(await r.persist("k"), 1);
    await r.set("k", "v", { expiration: { type: "PX", value: 20 } });
    await sleep(50);
    assert.equal(await r.get("k"), null);
  },

  async scanning(r) {
    const names = Array.from({ length: 300 }, (_, n) => `scan:${n}`);
    await r.mSet(Object.fromEntries(names.map((name) => [name, "1"])));
    const found = [];
    for await (const some of r.scanIterator({ MATCH: "scan:*", COUNT: 50 })) found.push(...some);
    assert.deepEqual([...new Set(found)].sort(), [...names].sort());
    assert.equal(await r.del(names), 300);
  },

  async binary(r) {
    const every = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
    const buffers = r.withTypeMapping({ [redis.RESP_TYPES.BLOB_STRING]: Buffer });
    await r.set(every, every);
    assert.deepEqual(await buffers.get(every), every);
    const large = Buffer.alloc(1 << 20, every);
    await r.set("large", large);
    assert.deepEqual(await buffers.get("large"), large);
  },

  async errors(r) {
    await r.set("k", "text");
    await assert.rejects(r.incr("k"), /not an integer/);
    await assert.rejects(r.sendCommand(["NOSUCH"]), /unknown command/);
    await assert.rejects(r.sendCommand(["GET"]), /wrong number of arguments/);
    assert.equal(await r.ping(), "PONG");
  },

  async transactions(r, connect) {
    assert.deepEqual(await r.multi().set("k", "1").incr("k").get("k").exec(), ["OK", 2, "2"]);
    const other = await connect({});
    await r.watch("k");
    await other.set("k", "5");
    await assert.rejects(r.multi().incr("k").exec(), redis.WatchError);
    assert.equal(await r.get("k"), "5");
    other.destroy();
  },

  async "publish and subscribe"(r, connect) {
    const subscriber = await connect({});
    const told = [];
    const heard = new Promise((done) => {
      const listen = (message, channel) => told.push(`${channel}: ${message}`) === 3 && done();
      subscriber.subscribe("news", listen).then(() => subscriber.pSubscribe("n?ws", listen)).then(async () => {
        assert.equal(await r.publish("news", "one"), 2);
        assert.equal(await r.publish("nows", "two"), 1);
        assert.equal(await r.publish("nobody", "three"), 0);
      });
    });
    await heard;
    assert.deepEqual(told.sort(), ["news: one", "news: one", "nows: two"]);
    await subscriber.unsubscribe();
    await subscriber.pUnsubscribe();
    assert.equal(String(await subscriber.ping()), "PONG");
    subscriber.destroy();
  },

  async "messages of shards, events, lost subscribers"(r, connect) {
    const subscriber = await connect({});
    const told = [];
    await subscriber.sSubscribe("near", (message, channel) => told.push(`${channel}: ${message}`));
    await subscriber.subscribe("news", (message, channel) => told.push(`${channel}: ${message}`));
    assert.equal(await r.sPublish("near", "one"), 1);
    await until(() => told.includes("near: one"));
    const own = /id=(\d+)/.exec(await r.sendCommand(["CLIENT", "LIST", "TYPE", "pubsub"]))[1];
    assert.equal(await r.sendCommand(["CLIENT", "KILL", "ID", own]), 1);
    await until(async () => (await r.publish("news", "again")) === 1);
    await until(() => told.includes("news: again"));
    await r.configSet("notify-keyspace-events", "Kl");
    await subscriber.pSubscribe("__keyspace@0__:*", (message, channel) => told.push(`${channel}: ${message}`));
    await r.rPush("queue", "x");
    await until(() => told.includes("__keyspace@0__:queue: rpush"));
    await r.configSet("notify-keyspace-events", "");
    subscriber.destroy();
  },

  async "lists that are waited for"(r, connect) {
    const clients = await Promise.all(Array.from({ length: 10 }, () => connect({})));
    const waits = clients.map((client) => client.blPop(["a", "b"], 20));
    await until(async () => /blocked_clients:10\r/.test(await r.info("clients")));
    await r.rPush("a", ["0", "1", "2", "3", "4"]);
    await r.rPush("b", ["5", "6", "7", "8", "9"]);
    const got = (await Promise.all(waits)).map(({ element }) => Number(element));
    assert.deepEqual(got.sort(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const move = clients[0].blMove("from", "to", "LEFT", "RIGHT", 20);
    await until(async () => /blocked_clients:1\r/.test(await r.info("clients")));
    assert.deepEqual(await r.multi().rPush("from", ["x", "y"]).lLen("from").exec(), [2, 2]);
    assert.equal(await move, "x");
    assert.equal(await clients[1].brPop("nothing", 0.02), null);
    clients.forEach((client) => client.destroy());
  },

  async "names and reconnecting"(r, connect) {
    const victim = await connect({ name: "checker", database: 2 });
    await victim.set("k", "before");
    assert.equal(await victim.clientGetName(), "checker");
    const id = await victim.clientId();
    assert.match(await r.sendCommand(["CLIENT", "LIST"]), new RegExp(`id=${id} .*name=checker .*db=2 `));
    const again = new Promise((done) => victim.once("ready", done));
    assert.equal(await r.sendCommand(["CLIENT", "KILL", "ID", String(id)]), 1);
    await again;
    assert.equal(await victim.get("k"), "before");
    assert.notEqual(await victim.clientId(), id);
    await victim.close();
  },

  async server(r) {
    assert.match(await r.info(), /redis_version:/);
    assert.deepEqual({ ...(await r.configGet("maxmemory")) }, { maxmemory: "0" });
    await r.set("k", "1");
    assert.equal(await r.dbSize(), 1);
    assert.equal(await r.flushAll(), "OK");
  },
};

async function main() {
  let failed = 0;
  for (const RESP of [2, 3]) {
    const connect = (options) =>
      redis
        .createClient({ RESP, socket: { host: "127.0.0.1", port, reconnectStrategy: 10 }, ...options })
        .on("error", () => {})
        .connect();
    for (const [name, check] of Object.entries(checks)) {
      const client = await connect({});
      try {
        await client.flushAll();
        await check(client, connect);
        console.log(`ok node-redis RESP${RESP} ${name}`);
      } catch (error) {
        failed += 1;
        console.log(`not ok node-redis RESP${RESP} ${name}: ${String(error.stack).split("\n").slice(0, 4).join(" ")}`);
      } finally {
        client.destroy();
      }
    }
  }
  process.exit(failed ? 1 : 0);
}

main();
