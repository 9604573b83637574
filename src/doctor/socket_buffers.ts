/** How large the kernel lets a UDP socket's buffers be, against what the tracker asks for. */
import { UDP_BUFFER_BYTES } from "../front/linux/bind.ts";
import type { Examined } from "./examined.ts";
import { cannotTell, type Found, ok, warning } from "./finding.ts";
import { CAP_NET_ADMIN, hasCapability } from "./processes.ts";
import { setSysctl, sysctlPath } from "./shell.ts";

const LIMITS = [
  { key: "net.core.rmem_max", what: "requests that wait to be read" },
  { key: "net.core.wmem_max", what: "replies that wait to be sent" },
];

/** Looks at both limits. */
export function checkSocketBuffers({ files, sockets, running, portableBecause, uid }: Examined): Found[] {
  if (!sockets.some(({ protocol }) => protocol === "udp")) return [ok("no UDP listener")];
  if (portableBecause !== null) return [ok("portable fronts take the buffers the system gives")];
  // The tracker asks in the privileged way first, which no limit holds for.
  const isFree = hasCapability(files, running?.pid ?? "self", CAP_NET_ADMIN);
  return LIMITS.map(({ key, what }) => {
    const bytes = files.number(sysctlPath(key));
    if (bytes === null) return cannotTell(`the system does not say ${key}`);
    if (bytes >= UDP_BUFFER_BYTES) return ok(`${key} is ${bytes}; the tracker asks for ${UDP_BUFFER_BYTES}`);
    const found = `${key} is ${bytes}, and the tracker asks for ${UDP_BUFFER_BYTES}`;
    if (isFree) return ok(`${found}, and gets it all the same: it has CAP_NET_ADMIN`);
    // One that has given root up since shows nothing of it.
    const unless = running !== null && uid === 0 ? ", unless it was started as root" : "";
    return warning(`${found}: a burst of ${what} is lost sooner${unless}`, ...setSysctl(key, UDP_BUFFER_BYTES));
  });
}
