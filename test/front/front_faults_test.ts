/** Faults inside a Linux front: a door that throws for one client, and a system that is short when a listener rests. */
import assert from "node:assert/strict";
import { Acceptor } from "../../src/front/linux/acceptor.ts";
import { Connections } from "../../src/front/linux/connections.ts";
import { EPOLL_CTL_ADD, EPOLLIN } from "../../src/front/linux/libc.ts";
import { startLinuxFront } from "../../src/front/linux/linux_front.ts";
import { bindNative, type Native } from "../../src/front/linux/native.ts";
import { Poller } from "../../src/front/linux/poller.ts";
import { LinuxUdp } from "../../src/front/linux/udp_socket.ts";
import { COUNTER } from "../../src/stats/counters.ts";
import { UdpDoor } from "../../src/tracker/udp_door.ts";
import { ConnectionIds } from "../../src/wire/connection_id.ts";
import { announceRequest, exchange } from "../support/app.ts";
import { bindOpen, CONNECTIONS_MAX, frontStart, NUMWANT_MAX } from "../support/front.ts";
import { newTracker } from "../support/tracker.ts";

const OPTIONS = { ignore: Deno.build.os !== "linux", sanitizeOps: false, sanitizeResources: false };
/** Transaction id of the datagrams for which a door is made to throw. */
const CURSED = 0xff;

Deno.test("a datagram whose answer throws takes no other with it, and leaves the batch ready", OPTIONS, async () => {
  const [four, six] = bindOpen("udp", ["127.0.0.1", "::1"]), native = bindNative(CONNECTIONS_MAX, NUMWANT_MAX);
  const tracker = newTracker(), { input, output } = native.udp;
  class CursedDoor extends UdpDoor {
    override answer(at: number, length: number, outAt: number): number {
      if (input.view.getUint32(at + 12) === CURSED) throw new Error("cursed");
      return super.answer(at, length, outAt);
    }
  }
  const ids = new ConnectionIds(new Int32Array(4), 3600);
  const udp = new LinuxUdp(native, tracker, new CursedDoor(tracker, ids, input, output));
  tracker.beginBatch();
  using client4 = new UdpClient("127.0.0.1", four!.port);
  for (const id of [1, CURSED, 2, CURSED, 3]) await client4.connect(id);
  assert.throws(() => udp.serve(four!.descriptor), /cursed/);
  assert.deepEqual(await client4.answered(), [1, 2, 3]);
  assert.equal(tracker.counters[COUNTER.faults], 1, "one of two: the front counts what is thrown");
  // Longer addresses than those before, in the same places.
  using client6 = new UdpClient("::1", six!.port);
  for (const id of [4, 5, 6, 7, 8]) await client6.connect(id);
  assert.equal(udp.serve(six!.descriptor), 5);
  assert.deepEqual(await client6.answered(), [4, 5, 6, 7, 8]);
  for (const { descriptor } of [four!, six!]) native.calls.close(descriptor);
});

Deno.test("a front that throws for one client counts it and answers all others", OPTIONS, async () => {
  const sockets = [...bindOpen("tcp", ["127.0.0.1"]), ...bindOpen("udp", ["127.0.0.1"])],
    { port1, port2 } = new MessageChannel();
  const front = startLinuxFront(frontStart(sockets), bindNative(CONNECTIONS_MAX, NUMWANT_MAX), port1);
  const { tracker } = front, announce = tracker.announce.bind(tracker), [tcp, udp] = sockets;
  tracker.announce = (reply, peersMax) => {
    if (tracker.request.infoHash[0] === 0x78787878) throw new Error("made for the client of torrent x");
    announce(reply, peersMax);
  };
  const said = takeErrors();
  try {
    using cursed = await Deno.connect({ hostname: "127.0.0.1", port: tcp!.port });
    // Others are served meanwhile, and once at least.
    const faults = async (count: number) => {
      do await exchange(tcp!.port, announceRequest("a", 1)); while (tracker.counters[COUNTER.faults]! < count);
    };
    await cursed.write(new TextEncoder().encode(announceRequest("x", 1)));
    await faults(1);
    using client = new UdpClient("127.0.0.1", udp!.port);
    await client.announce("x", CURSED);
    await client.announce("a", 2);
    // Answered, and so counted: what comes over TCP meanwhile might be served first.
    assert.equal((await client.socket.receive())[0][7], 2);
    await faults(2);
    assert.match(await exchange(tcp!.port, announceRequest("a", 2)), /10:incompletei3e/, "two and one over UDP");
  } finally {
    said.giveBack();
    await front.stop();
    port2.close();
  }
  assert.equal(tracker.counters[COUNTER.faults], 2);
  assert.match(said.text, /front: a turn of the loop failed.*made for the client of torrent x/s);
});

Deno.test(
  "a listener that rests for want of memory is heard of again, whatever epoll then lacks",
  OPTIONS,
  async () => {
    const [socket] = bindOpen("tcp", ["127.0.0.1"]), bound = bindNative(CONNECTIONS_MAX, NUMWANT_MAX), ENOMEM = 12;
    let isShort = false;
    const native: Native = {
      ...bound,
      calls: {
        ...bound.calls,
        accept4: (...words) => isShort ? -1 : bound.calls.accept4(...words),
        epoll_ctl: (...words) => isShort && words[1] === EPOLL_CTL_ADD ? -1 : bound.calls.epoll_ctl(...words),
      },
      errno: () => isShort ? ENOMEM : bound.errno(),
    };
    const poller = new Poller(native), tracker = newTracker(), connections = table();
    const acceptor = new Acceptor(frontStart([socket!]), native, poller, tracker, connections, {
      onOpened: () => {},
      dismiss: () => {},
      evict: () => false,
    });
    assert.ok(poller.add(socket!.descriptor, EPOLLIN, 0, 0));
    using client = await Deno.connect({ hostname: "127.0.0.1", port: socket!.port });
    await client.write(new TextEncoder().encode("GET"));
    assert.equal(await poller.waitOutside(10_000), 1);
    isShort = true;
    acceptor.accept(socket!.descriptor);
    assert.equal(poller.wait(0), 0, "it rests");
    assert.equal(await poller.waitOutside(10_000), 1, "and is heard of again");
    isShort = false;
    acceptor.accept(socket!.descriptor);
    assert.equal(connections.count, 1);
    acceptor.close();
    for (const descriptor of [connections.descriptor[0]!, socket!.descriptor, poller.descriptor]) {
      native.calls.close(descriptor);
    }
  },
);

Deno.test("a front that epoll lets watch nothing does not start", OPTIONS, () => {
  const [socket] = bindOpen("udp", ["127.0.0.1"]), bound = bindNative(CONNECTIONS_MAX, NUMWANT_MAX);
  const native: Native = { ...bound, calls: { ...bound.calls, epoll_ctl: () => -1 }, errno: () => 28 };
  const { port1, port2 } = new MessageChannel();
  assert.throws(
    () => startLinuxFront(frontStart([socket!]), native, port1),
    /Cannot listen on udp 127\.0\.0\.1:\d+: epoll refuses to watch it \(error 28\)/,
  );
  port1.close();
  port2.close();
  bound.calls.close(socket!.descriptor);
});

function table(): Connections {
  return new Connections(new Int32Array(CONNECTIONS_MAX), CONNECTIONS_MAX);
}

// What is said of errors until it is given back.
function takeErrors(): { readonly text: string; giveBack(): void } {
  const { error } = console, lines: string[] = [];
  console.error = (...words) => void lines.push(words.map((word) => word?.stack ?? word).join(" "));
  return {
    get text() {
      return lines.join("\n");
    },
    giveBack: () => console.error = error,
  };
}

/** A socket on the loopback, and another from which it is told that nothing more is to come. */
class UdpClient implements Disposable {
  readonly socket: Deno.DatagramConn;
  readonly #end: Deno.DatagramConn;

  /** For the tracker at `hostname` and `port`. */
  constructor(readonly hostname: string, readonly port: number) {
    this.socket = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
    this.#end = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
  }

  async connect(transactionId: number): Promise<void> {
    await this.#send(Uint8Array.of(0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80, 0, 0, 0, 0, 0, 0, 0, transactionId));
  }

  /** Connects, and announces a leecher of the torrent whose hash is 20 times `letter`. */
  async announce(letter: string, transactionId: number): Promise<void> {
    await this.connect(1);
    const [connected] = await this.socket.receive(), packet = new Uint8Array(98), view = new DataView(packet.buffer);
    packet.set(connected.subarray(8, 16));
    view.setUint32(8, 1);
    view.setUint32(12, transactionId);
    packet.fill(letter.charCodeAt(0), 16, 36);
    view.setUint32(68, 1);
    view.setInt32(92, -1);
    view.setUint16(96, 6881);
    await this.#send(packet);
  }

  /** Transaction ids of the answers that have come. */
  async answered(): Promise<number[]> {
    const { port } = this.socket.addr as Deno.NetAddr, ids: number[] = [];
    await this.#end.send(new Uint8Array(1), { transport: "udp", hostname: this.hostname, port });
    for (;;) {
      const [answer] = await this.socket.receive();
      if (answer.length === 1) return ids;
      ids.push(answer[7]!);
    }
  }

  [Symbol.dispose](): void {
    this.socket.close();
    this.#end.close();
  }

  async #send(packet: Uint8Array): Promise<void> {
    await this.socket.send(packet, { transport: "udp", hostname: this.hostname, port: this.port });
  }
}
