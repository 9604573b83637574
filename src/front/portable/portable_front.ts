/**
 * A front on Deno's own sockets. TCP is shared among fronts by SO_REUSEPORT where the system has it; UDP cannot be, so
 * the first front answers it alone.
 */
import { HttpDoor } from "../../tracker/http_door.ts";
import { buildTracker } from "../build_tracker.ts";
import { HttpReplyWriter } from "../../wire/http_reply.ts";
import { BindFault, type Front, type FrontSocket, type FrontStart } from "../front_start.ts";
import { OfficeLink } from "../office_link.ts";
import { SWEEP_TICK_MS, SweepPace } from "../sweep_pace.ts";
import { PortableHttpServer } from "./http_server.ts";
import { serveUdp } from "./udp_socket.ts";

/** Starts a front. Throws a BindFault when an address cannot be had. */
export function startPortableFront(start: FrontStart, officePort: MessagePort): Front {
  const { tracker, ids } = buildTracker(start), office = new OfficeLink(officePort);
  const output = new Uint8Array(HttpReplyWriter.bufferBytes(start.policy.numwantMax));
  const server = new PortableHttpServer(tracker, new HttpDoor(tracker, output), office, start.http);
  const open: Listening[] = [];
  const bound: FrontSocket[] = [];
  const loops: Promise<void>[] = [];
  for (const socket of start.sockets) {
    const listening = bind(socket);
    open.push(listening);
    loops.push("accept" in listening ? server.accept(listening) : serveUdp(listening, tracker, ids));
    bound.push({ ...socket, port: (listening.addr as Deno.NetAddr).port });
  }
  const pace = new SweepPace(tracker, start.index, start.fronts);
  const sweep = setInterval(() => pace.tick(), SWEEP_TICK_MS);
  return {
    sockets: bound,
    linkOffice: (port) => office.relink(port),
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

type Listening = Deno.TcpListener | Deno.DatagramConn;

function bind(socket: FrontSocket): Listening {
  const where = { hostname: socket.address, port: socket.port };
  try {
    return socket.protocol === "tcp"
      ? Deno.listen({ ...where, reusePort: Deno.build.os === "linux" })
      : Deno.listenDatagram({ ...where, transport: "udp" });
  } catch (error) {
    throw new BindFault(socket, error instanceof Error ? error.message : String(error));
  }
}
