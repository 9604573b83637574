/**
 * A front on Deno's own sockets. TCP is shared among fronts by SO_REUSEPORT where the system has it; UDP cannot be, so
 * the first front answers it alone.
 */
import { HttpDoor } from "../../tracker/http_door.ts";
import { buildTracker } from "../build_tracker.ts";
import { HttpReplyWriter } from "../../wire/http_reply.ts";
import { Life } from "../../plugin/life.ts";
import type { LoadedPlugin } from "../../plugin/load.ts";
import { BindFault, type Front, type FrontSocket, type FrontStart } from "../front_start.ts";
import { LoopLateness } from "../loop_lateness.ts";
import { OfficeLink } from "../office_link.ts";
import { requestLogger } from "../request_logger.ts";
import { SWEEP_TICK_MS, SweepPace } from "../sweep_pace.ts";
import { PortableHttpServer } from "./http_server.ts";
import { serveUdp } from "./udp_socket.ts";

// Taken before a plugin is loaded, when they are gone from the thread's globals (plugin/confine.ts).
const { listen, listenDatagram } = Deno;

/** Starts a front. Throws a BindFault when an address cannot be had. */
export function startPortableFront(
  start: FrontStart,
  officePort: MessagePort,
  plugins: readonly LoadedPlugin[] = [],
  life = new Life(),
): Front {
  const { tracker, ids } = buildTracker(start, plugins, life), office = new OfficeLink(officePort);
  const output = new Uint8Array(HttpReplyWriter.bufferBytes(start.policy.numwantMax));
  const door = new HttpDoor(tracker, output), server = new PortableHttpServer(tracker, door, office, start);
  door.onRequest = requestLogger(start.logNetworks, tracker, office);
  const open: Listening[] = [];
  const bound: FrontSocket[] = [];
  const loops: Promise<void>[] = [];
  for (const socket of start.sockets) {
    const listening = bind(socket);
    open.push(listening);
    loops.push(
      "accept" in listening
        ? server.accept(listening, socket.proxyProtocol === true)
        : serveUdp(listening, tracker, ids),
    );
    bound.push({ ...socket, port: (listening.addr as Deno.NetAddr).port });
  }
  const pace = new SweepPace(tracker, start.index, start.fronts);
  const lateness = new LoopLateness(tracker.counters, SWEEP_TICK_MS);
  const sweep = setInterval(() => (lateness.tick(), pace.tick()), SWEEP_TICK_MS);
  return {
    tracker,
    sockets: bound,
    linkOffice: (port, oldFinishes) => office.relink(port, oldFinishes),
    running: Promise.all(loops).then(() => {}),
    stop: async () => {
      clearInterval(sweep);
      for (const socket of open) socket.close();
      server.stop();
      office.close();
      await Promise.all(loops);
    },
  };
}

/** Linux fronts get theirs from the supervisor, which binds before root is given up. */
const AS_USER = "portable fronts bind as the tracker's user, whatever user started it: name a port that this one may " +
  "bind, or lower net.ipv4.ip_unprivileged_port_start";

type Listening = Deno.TcpListener | Deno.DatagramConn;

function bind(socket: FrontSocket): Listening {
  const where = { hostname: socket.address, port: socket.port };
  try {
    return socket.protocol === "tcp"
      ? listen({ ...where, reusePort: Deno.build.os === "linux" })
      : listenDatagram({ ...where, transport: "udp" });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new BindFault(socket, error instanceof Deno.errors.PermissionDenied ? `${why}; ${AS_USER}` : why);
  }
}
