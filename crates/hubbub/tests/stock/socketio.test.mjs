// Unmodified socket.io-client on a real cluster, through both kinds of balancer and over every transport.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Cluster } from "./cluster.mjs";
import { BALANCERS, Scene, SETTINGS, TRANSPORTS } from "./socketio.mjs";
import { chat } from "./socketio-chat.mjs";
import { door } from "./socketio-door.mjs";
import { live } from "./socketio-live.mjs";

const CASES = Object.entries({ ...door, ...chat, ...live });
/** Cases that run at once: most of their time is waiting. */
const AT_ONCE = 8;

let cluster;
before(async () => (cluster = await Cluster.up(SETTINGS)));
after(() => cluster?.down());

for (const [balancer, place] of Object.entries(BALANCERS)) {
  test(`${balancer}: sessions are found, and the default transport is upgraded`, async (context) => {
    const scene = new Scene(cluster, `http://${cluster[place]}`);
    try {
      const earlier = await cluster.handedOn();
      const { a, b, chatId } = await scene.talk();
      for (const socket of [a, b]) {
        const { engine } = socket.socket.io;
        if (engine.transport.name !== "websocket") await new Promise((resolve) => engine.once("upgrade", resolve));
      }
      const polling = await scene.connect(await scene.person("Poller"), { transports: ["polling"] });
      for (let count = 0; count < 12; count++) await polling.tell("leave_room", 1);
      await a.tell("message:send", { chatId, content: "found" });
      assert.equal((await b.next("message:new")).content, "found");
      const handedOn = (await cluster.handedOn()) - earlier;
      context.diagnostic(`${handedOn} requests handed on between nodes`);
      assert.equal(handedOn > 0, balancer === "plain round robin");
    } finally {
      scene.close();
    }
  });
}

for (const [balancer, place] of Object.entries(BALANCERS)) {
  for (const [transport, transports] of Object.entries(TRANSPORTS)) {
    describe(`${balancer}, ${transport}`, { concurrency: AT_ONCE }, () => {
      let good = 0;
      after(() => console.log(`# socket.io-client, ${balancer}, ${transport}: ${good} of ${CASES.length}`));
      for (const [name, act] of CASES) {
        test(name, async () => {
          const scene = new Scene(cluster, `http://${cluster[place]}`, transports && { transports });
          try {
            await act(scene);
            good += 1;
          } finally {
            scene.close();
          }
        });
      }
    });
  }
}
