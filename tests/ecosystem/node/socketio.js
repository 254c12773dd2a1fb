// Socket.IO's Redis adapter on a running server: socketio.js PORT. Two servers of Socket.IO, which know of each other
// only by publish and subscribe; what one of them sends has to reach the clients of the other.
"use strict";
const assert = require("node:assert/strict");
const http = require("node:http");
const redis = require("redis");
const { Server } = require("socket.io");
const { io } = require("socket.io-client");
const { createAdapter } = require("@socket.io/redis-adapter");

const port = Number(process.argv[2]);
const event = (emitter, name) => new Promise((done) => emitter.once(name, done));

const checks = {
  async "a broadcast reaches the clients of both servers"({ servers, clients }) {
    const heard = Promise.all(clients.map((client) => event(client, "news")));
    servers[0].emit("news", { number: 7, bytes: Buffer.from([0, 255]) });
    for (const { number, bytes } of await heard) {
      assert.equal(number, 7);
      assert.deepEqual([...new Uint8Array(bytes)], [0, 255]);
    }
  },

  async "a room has members on both servers"({ servers, clients }) {
    await Promise.all(servers.map((server) => server.local.socketsJoin("room")));
    const heard = Promise.all(clients.map((client) => event(client, "room")));
    servers[1].to("room").emit("room", "hello");
    assert.deepEqual(await heard, ["hello", "hello"]);
  },

  async "servers are asked who is there"({ servers }) {
    assert.equal((await servers[0].fetchSockets()).length, 2);
    assert.equal((await servers[1].in("room").fetchSockets()).length, 2);
  },

  async "servers ask each other"({ servers }) {
    servers[1].on("sum", (a, b, answer) => answer(a + b));
    assert.deepEqual(await servers[0].serverSideEmitWithAck("sum", 20, 22), [42]);
  },

  async "a client that acknowledges"({ servers, clients }) {
    clients.forEach((client, number) => client.on("who", (answer) => answer(number)));
    const answers = await servers[0].timeout(30_000).emitWithAck("who");
    assert.deepEqual(answers.sort(), [0, 1]);
  },
};

async function start() {
  const publisher = redis.createClient({ socket: { host: "127.0.0.1", port } });
  const subscriber = publisher.duplicate();
  await Promise.all([publisher.connect(), subscriber.connect()]);
  const web = http.createServer();
  const server = new Server(web, { adapter: createAdapter(publisher, subscriber) });
  await new Promise((done) => web.listen(0, "127.0.0.1", done));
  const client = io(`http://127.0.0.1:${web.address().port}`, { transports: ["websocket"] });
  await event(client, "connect");
  return { server, client, publisher };
}

// Both adapters have subscribed when each is heard by the other.
async function main() {
  let failed = 0;
  const both = await Promise.all([start(), start()]);
  const known = async () => (await both[0].publisher.sendCommand(["PUBSUB", "NUMSUB", "socket.io-request#/#"]))[1];
  while (Number(await known()) < 2) await new Promise((done) => setTimeout(done, 10));
  const world = { servers: both.map((one) => one.server), clients: both.map((one) => one.client) };
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check(world);
      console.log(`ok socket.io ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`not ok socket.io ${name}: ${String(error.stack).split("\n").slice(0, 4).join(" ")}`);
    }
  }
  process.exit(failed ? 1 : 0);
}

main();
