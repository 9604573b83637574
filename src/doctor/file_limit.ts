/** Files a process may have open, against the connections the tracker is told to hold. */
import { FILES_BASE, FILES_PER_FRONT } from "../listeners.ts";
import type { Examined } from "./examined.ts";
import { cannotTell, type Found, ok, problem, warning } from "./finding.ts";
import { describeProcess } from "./processes.ts";
import { setSysctl } from "./shell.ts";

/** Below this share of what is needed, an ordinary day is enough to run out. */
const NEEDED_SHARE_MIN = 0.5;

/** Compares the limit of the tracker that runs, or else of this process, with what the config asks for. */
export function checkFileLimit(
  { files, sockets, fronts, portableBecause, connectionsMax, running }: Examined,
): Found[] {
  const limits = files.text(`/proc/${running?.pid ?? "self"}/limits`) ?? "";
  const [, soft, hard] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(limits) ?? [];
  if (soft === undefined) return [cannotTell("the system does not say how many files a process may open")];
  // Linux fronts raise the lower limit to the upper one by themselves.
  const limit = toNumber(portableBecause === null ? hard! : soft);
  const needed = connectionsMax + sockets.length * fronts + FILES_BASE + FILES_PER_FRONT * fronts;
  const whose = running === null ? "a process started from here" : describeProcess(running);
  const has = `${whose} may open ${limit} files`;
  const asks = `http.connections_max ${connectionsMax} with ${fronts} fronts needs ${needed}`;
  if (limit >= needed) return [ok(`${has}; ${asks}`)];
  const says = `${has}, and ${asks}: above that, HTTP clients wait or are turned away`;
  const commands = [...raiseSystemLimit(files.number("/proc/sys/fs/nr_open"), needed), ...raiseLimit(needed)];
  return [limit < needed * NEEDED_SHARE_MIN ? problem(says, ...commands) : warning(says, ...commands)];
}

function raiseLimit(needed: number): readonly string[] {
  const files = 2 ** Math.ceil(Math.log2(needed));
  return [
    `LimitNOFILE=${files}   # in [Service] of its systemd unit, then: systemctl daemon-reload, and a restart`,
    `ulimit -n ${files}   # in the shell that starts it, where there is no unit`,
    `docker run --ulimit nofile=${files} ...   # in a container`,
  ];
}

// No process may be given more than the system's own limit.
function raiseSystemLimit(most: number | null, needed: number): readonly string[] {
  return most !== null && most < needed ? setSysctl("fs.nr_open", 2 ** Math.ceil(Math.log2(needed))) : [];
}

function toNumber(limit: string): number {
  return limit === "unlimited" ? Infinity : Number(limit);
}
