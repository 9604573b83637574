/**
 * Clients with addresses other than the loopback's, on one machine: inside a network namespace of its own, where every
 * address of 10.0.0.0/8 is local, and some of 2001:db8::/32. Nothing of it is seen outside, and it goes with its process.
 */
import assert from "node:assert/strict";
import net from "node:net";
import { testWith } from "./programs.ts";
import { UDP_CONNECT_PACKET } from "./shield.ts";

/** How a namespace is made: as root, or by anyone where the system lets everyone. */
const UNSHARES = [["-n"], ["-r", "-n"]] as const;
const PREPARE = "ip link set lo up && ip route add local 10.0.0.0/8 dev lo";
/** IPv6 addresses there are: two of one network of 64 bits, and one of another. */
export const ADDRESSES6 = ["2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:2::1"] as const;

const HOST = "127.0.0.1", HOST6 = "::1";
/** Longest that an answer on the loopback is waited for. */
const ANSWER_MS_MAX = 10_000;

/** A test that runs the tests of `file` (a name in test/e2e) in a namespace of their own. */
export function testInNamespace(name: string, file: string): void {
  const unshare = UNSHARES.find((options) => runs("unshare", ...options, "true"));
  if (unshare === undefined) return Deno.test.ignore(`${name} (needs the right to make a network namespace)`, () => {});
  testWith(["ip"], name, async () => {
    const addresses6 = ADDRESSES6.map((address) => `ip -6 addr add ${address}/128 dev lo nodad`).join(" && ");
    const inside = ["test", "--no-prompt", "-A", "--no-check", new URL(`../e2e/${file}`, import.meta.url).pathname];
    const shell = ["sh", "-c", `${PREPARE} && ${addresses6} && exec "$@"`, "sh", Deno.execPath(), ...inside];
    const command = new Deno.Command("unshare", {
      args: [...unshare, ...shell],
      env: { NO_COLOR: "1" },
      stdin: "null",
    });
    const { code, stdout, stderr } = await command.output(), decoder = new TextDecoder();
    assert.equal(code, 0, `${decoder.decode(stdout)}\n${decoder.decode(stderr)}`);
  });
}

function runs(command: string, ...args: string[]): boolean {
  try {
    return new Deno.Command(command, { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** A UDP client with an address of its own. */
export class UdpClient implements Disposable {
  readonly #socket: Deno.DatagramConn;
  readonly #to: Deno.NetAddr;

  constructor(address: string, port: number) {
    const isIpv6 = address.includes(":");
    this.#socket = Deno.listenDatagram({ transport: "udp", hostname: address, port: 0 });
    this.#to = { transport: "udp", hostname: isIpv6 ? HOST6 : HOST, port };
  }

  /** Sends and waits for nothing. */
  async send(packet: Uint8Array): Promise<void> {
    await this.#socket.send(packet, this.#to);
  }

  /** The answer to `packet`. Throws when there is none. */
  async ask(packet: Uint8Array): Promise<Uint8Array> {
    await this.send(packet);
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error("no answer")), ANSWER_MS_MAX);
    try {
      const [answer] = await Promise.race([this.#socket.receive(new Uint8Array(2048)), promise]);
      return answer.slice();
    } finally {
      clearTimeout(timer);
    }
  }

  /** A connection id. */
  async connect(): Promise<Uint8Array> {
    return (await this.ask(UDP_CONNECT_PACKET)).slice(8, 16);
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

/**
 * What came back on a connection from `address` until its end, when `request` was sent; one character a byte. `rest`: sent
 * when it is there.
 */
export function askHttpFrom(address: string, port: number, request: string, rest?: Promise<string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const host = address.includes(":") ? HOST6 : HOST;
    const socket = net.connect({ host, port, localAddress: address }), parts: string[] = [];
    socket.setEncoding("latin1").setTimeout(ANSWER_MS_MAX, () => socket.destroy(new Error("nothing more came")));
    socket.on("data", (part) => parts.push(String(part)));
    // A connection closed before its request was read ends with a reset.
    socket.on(
      "error",
      (error: Error & { code?: string }) => error.code === "ECONNRESET" ? resolve(parts.join("")) : reject(error),
    );
    socket.on("end", () => resolve(parts.join("")));
    socket.write(request, "latin1");
    void rest?.then((more) => socket.write(more, "latin1"));
  });
}

/** The tracker's figures, asked over the loopback, which nothing limits. */
// deno-lint-ignore no-explicit-any
export async function figures(port: number): Promise<any> {
  return await (await fetch(`http://${HOST}:${port}/stats?mode=json`)).json();
}
