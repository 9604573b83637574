/** What the doctor makes of the kernel's figures, on two captured machines and on what is put in their place. */
import assert from "node:assert/strict";
import { checkListenBacklog, checkPacketBacklog } from "../../src/doctor/backlogs.ts";
import { CHECKS } from "../../src/doctor/checks.ts";
import { checkClock } from "../../src/doctor/clock.ts";
import { checkConntrack } from "../../src/doctor/conntrack.ts";
import type { Examined } from "../../src/doctor/examined.ts";
import { checkFileLimit } from "../../src/doctor/file_limit.ts";
import type { Found } from "../../src/doctor/finding.ts";
import { checkFront } from "../../src/doctor/front_kind.ts";
import { checkIpv6 } from "../../src/doctor/ipv6.ts";
import { checkListenLosses, checkUdpLosses } from "../../src/doctor/losses.ts";
import { checkMemory } from "../../src/doctor/memory.ts";
import { checkSocketBuffers } from "../../src/doctor/socket_buffers.ts";
import { type Changes, lines, withMachine } from "../support/machine.ts";

/** One machine, one check, and what it is to find. */
interface Row extends Changes {
  readonly name: string;
  readonly machine?: "quiet" | "overrun" | null;
  readonly check: (examined: Examined) => readonly Found[];
  /** Beginnings of the lines found. */
  readonly want: readonly string[];
  /** Commands among those given. */
  readonly commands?: readonly string[];
}

const LIMITS = (soft: number, hard: number) => `Limit Soft Hard Units\nMax open files   ${soft}   ${hard}   files\n`;
const CONNTRACK = "/proc/sys/net/netfilter/nf_conntrack";
const RMEM = "/proc/sys/net/core/rmem_max";
const UNPRIVILEGED = { "/proc/self/status": "Uid:\t1000\t1000\t1000\t1000\nCapEff:\t0000000000000000\n" };

const ROWS: readonly Row[] = [
  {
    name: "files are short of the connections",
    check: checkFileLimit,
    want: [
      "warning: a process started from here may open 20000 files, and http.connections_max 20000 with 2 fronts needs 20100",
    ],
    commands: ["ulimit -n 32768   # in the shell that starts it, where there is no unit"],
  },
  { name: "files are enough", check: checkFileLimit, config: "http.connections_max 10000", want: ["ok: "] },
  {
    name: "files are far from enough",
    check: checkFileLimit,
    files: { "/proc/self/limits": LIMITS(512, 1024) },
    want: ["problem: a process started from here may open 1024 files"],
  },
  {
    name: "portable fronts do not raise the lower limit",
    check: checkFileLimit,
    files: { "/proc/self/limits": LIMITS(1024, 524288) },
    examined: { portableBecause: "no glibc" },
    want: ["problem: a process started from here may open 1024 files"],
  },
  {
    name: "the system's own limit is in the way",
    check: checkFileLimit,
    config: "http.connections_max 1000000",
    files: { "/proc/sys/fs/nr_open": "524288\n" },
    want: ["problem: "],
    commands: ["sysctl -w fs.nr_open=1048576"],
  },
  {
    name: "the limit of the tracker that runs counts",
    check: checkFileLimit,
    files: { "/proc/77/comm": "tracker\n", "/proc/77/limits": LIMITS(1024, 1048576), "/proc/77/status": "" },
    links: { "/proc/77/fd/5": "socket:[4682386]" },
    want: ["ok: tracker (process 77) may open 1048576 files"],
  },
  {
    name: "buffers as the tracker wants them",
    check: checkSocketBuffers,
    want: ["ok: net.core.rmem_max is 4194304", "ok: net.core.wmem_max is 4194304"],
  },
  {
    name: "buffers as most systems have them",
    check: checkSocketBuffers,
    files: { [RMEM]: "212992\n", ...UNPRIVILEGED },
    want: ["warning: net.core.rmem_max is 212992, and the tracker asks for 4194304", "ok: "],
    commands: [
      "sysctl -w net.core.rmem_max=4194304",
      "echo 'net.core.rmem_max = 4194304' >> /etc/sysctl.d/90-tracker.conf   # so that it lasts",
    ],
  },
  {
    name: "small buffers do not hold a privileged tracker",
    check: checkSocketBuffers,
    files: { [RMEM]: "212992\n" },
    want: ["ok: net.core.rmem_max is 212992, and the tracker asks for 4194304, and gets it all the same", "ok: "],
  },
  {
    name: "the cores' queues have not overflowed",
    check: checkPacketBacklog,
    want: ["ok: net.core.netdev_max_backlog is 1000; the cores' queues dropped 0 of "],
  },
  {
    name: "the cores' queues have overflowed",
    check: checkPacketBacklog,
    files: { "/proc/net/softnet_stat": "000f4240 00000064 00000000\n000f4240 00000f00 00000000\n" },
    want: ["problem: net.core.netdev_max_backlog is 1000; the cores' queues dropped 3940 of 2003940 packets (0.197 %)"],
    commands: ["sysctl -w net.core.netdev_max_backlog=5000"],
  },
  {
    name: "a machine that lets 128 connections wait",
    machine: "overrun",
    check: checkListenBacklog,
    want: [
      "warning: net.core.somaxconn is 128; the tracker asks for 4096",
      "ok: net.ipv4.tcp_max_syn_backlog is 256; with SYN cookies on",
    ],
    commands: ["sysctl -w net.core.somaxconn=4096"],
  },
  {
    name: "without SYN cookies their queue counts",
    check: checkListenBacklog,
    files: { "/proc/sys/net/ipv4/tcp_syncookies": "0\n" },
    want: ["ok: net.core.somaxconn is 4096", "warning: net.ipv4.tcp_max_syn_backlog is "],
    commands: ["sysctl -w net.ipv4.tcp_syncookies=1"],
  },
  { name: "conntrack is empty", check: checkConntrack, want: ["ok: 0 of 262144 places"] },
  {
    name: "conntrack is half full",
    check: checkConntrack,
    config: "listen.udp 0.0.0.0:80",
    files: { [`${CONNTRACK}_count`]: "150000\n" },
    want: ["warning: 150000 of 262144 places in the table of connections are taken (57 %)"],
    commands: [
      "nft add rule inet tracker in udp dport '{ 6969, 80 }' notrack",
      "iptables -t raw -A PREROUTING -p udp -m multiport --dports 6969,80 -j CT --notrack   # these four where iptables is in use",
      "sysctl -w net.netfilter.nf_conntrack_max=1048576",
    ],
  },
  {
    name: "conntrack is full",
    check: checkConntrack,
    files: { [`${CONNTRACK}_count`]: "262144\n" },
    want: ["problem: 262144 of 262144 places"],
    commands: ["nft add rule inet tracker in udp dport 6969 notrack"],
  },
  {
    name: "conntrack was full once",
    check: checkConntrack,
    files: {
      "/proc/net/stat/nf_conntrack": "entries  found drop early_drop\n00000001 0 0000000a 00000000\n1 0 1 10\n",
    },
    want: ["problem: 0 of 262144 places in the table of connections are taken (0 %); it was full 27 times"],
  },
  {
    name: "conntrack is not there",
    check: checkConntrack,
    files: { "/proc/sys/net/netfilter": null },
    want: ["ok: connections are not tracked here"],
  },
  {
    name: "nothing was lost",
    check: checkUdpLosses,
    want: ["ok: no datagram was dropped on the UDP ports, by 2 sockets", "ok: RcvbufErrors is 0, of 40000 datagrams"],
  },
  {
    name: "sockets ran full",
    machine: "overrun",
    check: checkUdpLosses,
    files: { [RMEM]: "212992\n" },
    want: [
      "problem: 2188 datagrams were dropped on the UDP ports: the buffers were full (5.186 %)",
      "warning: RcvbufErrors is 2188, of 42188 datagrams since the machine started (5.186 %)",
    ],
    commands: ["sysctl -w net.core.rmem_max=4194304"],
  },
  {
    name: "others' sockets ran full",
    machine: "overrun",
    check: (examined) => checkUdpLosses({ ...examined, sockets: [{ ...examined.sockets[1]!, port: 7000 }] }),
    config: "tracker.workers 1",
    want: ["ok: no socket is bound on the UDP ports", "warning: RcvbufErrors is 2188"],
    commands: ["tracker.workers 2   # in its config: a front for each core"],
  },
  { name: "no connection was lost", check: checkListenLosses, want: ["ok: ListenOverflows is 0 and ListenDrops 0"] },
  {
    name: "listeners ran full",
    machine: "overrun",
    check: checkListenLosses,
    want: ["problem: ListenOverflows is 111 and ListenDrops 111, with 303 connections accepted (26.812 %)"],
    commands: ["sysctl -w net.core.somaxconn=4096"],
  },
  {
    name: "listeners ran full, and their queues are as long as they may be",
    machine: "overrun",
    check: checkListenLosses,
    files: { "/proc/sys/net/core/somaxconn": "4096\n" },
    config: "tracker.workers 1",
    want: ["problem: ListenOverflows is 111 and ListenDrops 111, with 303 connections accepted (26.812 %)"],
    commands: ["tracker.workers 2   # in its config: a front for each core"],
  },
  {
    name: "no public IPv6 address",
    check: checkIpv6,
    want: ["warning: [::] can be bound, bindv6only is 0, and the machine has no public IPv6 address"],
  },
  {
    name: "public IPv6 addresses",
    check: checkIpv6,
    files: {
      "/proc/net/if_inet6": ["20010db8000000000000000000000001", "fe800000000000000000000000000001"].map((a) =>
        `${a} 02 40 00 80 eth0\n`
      ).join(""),
    },
    want: ["ok: [::] can be bound, bindv6only is 0, and the machine has 2001:db8::1"],
  },
  {
    name: "a public IPv6 address that nothing listens on",
    check: (examined) =>
      checkIpv6({ ...examined, sockets: examined.sockets.map((socket) => ({ ...socket, address: "0.0.0.0" })) }),
    files: { "/proc/net/if_inet6": "20010db8000000000000000000000001 02 40 00 80 eth0\n" },
    want: ["warning: the machine has 2001:db8::1, and no listener has an IPv6 address"],
    commands: ["listen.tcp_udp [::]:6969   # in its config"],
  },
  {
    name: "IPv6 is switched off, and to be listened on",
    check: checkIpv6,
    files: { "/proc/sys/net/ipv6/conf/all/disable_ipv6": "1\n" },
    examined: { hasIpv6: false },
    want: ["problem: net.ipv6.conf.all.disable_ipv6 is 1, and tcp [::]:6969 is to be listened on"],
    commands: ["sysctl -w net.ipv6.conf.all.disable_ipv6=0"],
  },
  {
    name: "portable fronts go by bindv6only",
    check: checkIpv6,
    files: { "/proc/sys/net/ipv6/bindv6only": "1\n" },
    examined: { portableBecause: "no glibc" },
    want: ["problem: bindv6only is 1: portable fronts on [::] are not reached over IPv4"],
    commands: ["sysctl -w net.ipv6.bindv6only=0"],
  },
  {
    name: "memory is enough",
    check: checkMemory,
    want: ["ok: 1024 MiB for swarms come to 1156 MiB when full, and the machine has "],
  },
  {
    name: "the container has less memory than the machine",
    check: checkMemory,
    files: { "/sys/fs/cgroup/system.slice/tracker.service/memory.max": `${1024 * 1024 * 1024}\n` },
    want: ["problem: 1024 MiB for swarms come to 1156 MiB when full, and the container has 1024 MiB"],
    commands: ["tracker.memory 512   # in its config"],
  },
  {
    name: "a group above has the limit",
    check: checkMemory,
    files: {
      "/sys/fs/cgroup/system.slice/tracker.service/memory.max": "max\n",
      "/sys/fs/cgroup/system.slice/memory.max": `${1300 * 1024 * 1024}\n`,
    },
    want: ["warning: 1024 MiB for swarms come to 1156 MiB when full, and the container has 1300 MiB"],
  },
  {
    name: "control groups of the first version",
    check: checkMemory,
    files: {
      "/proc/self/cgroup": "5:devices:/\n4:cpu,memory:/docker/bee\n0::/\n",
      "/sys/fs/cgroup/memory/docker/bee/memory.limit_in_bytes": `${1400 * 1024 * 1024}\n`,
      "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
    },
    want: ["warning: 1024 MiB for swarms come to 1156 MiB when full, and the container has 1400 MiB"],
  },
  {
    name: "the kernel promises no more than it has",
    check: checkMemory,
    files: {
      "/proc/sys/vm/overcommit_memory": "2\n",
      "/proc/meminfo": "MemTotal: 8000000 kB\nCommitLimit: 4000000 kB\nCommitted_AS: 3500000 kB\n",
    },
    want: [
      "ok: ",
      "problem: vm.overcommit_memory is 2, and 488 MiB may still be reserved: 1024 MiB for swarms would be refused",
    ],
    commands: ["sysctl -w vm.overcommit_memory=0"],
  },
  {
    name: "a kept clock",
    check: checkClock,
    examined: { clock: { isKept: true, errorMs: 1.5 } },
    want: ["ok: the clock is kept, to 2 ms"],
  },
  {
    name: "a clock nobody keeps",
    check: checkClock,
    examined: { clock: { isKept: false, errorMs: 16000 } },
    want: ["warning: the kernel knows of nothing that keeps its clock"],
  },
  {
    name: "systemd has set the clock",
    check: checkClock,
    files: { "/run/systemd/timesync/synchronized": "" },
    examined: { clock: { isKept: false, errorMs: 16000 } },
    want: ["ok: systemd-timesyncd has set the clock"],
  },
  { name: "Linux fronts", check: checkFront, want: ["ok: 2 fronts of the fast kind (linux) on Deno 0.0.0"] },
  {
    name: "portable fronts where Linux fronts were wanted",
    check: checkFront,
    examined: { portableBecause: "the system is darwin" },
    want: [
      "warning: 2 fronts of the portable kind on Deno 0.0.0, about half as fast, and one thread answers UDP: the system is darwin",
    ],
  },
  {
    name: "portable fronts as asked for",
    check: checkFront,
    config: "tracker.front portable",
    examined: { portableBecause: "tracker.front is portable" },
    want: ["ok: 2 fronts of the portable kind"],
  },
];

for (const { name, machine = "quiet", check, want, commands = [], ...changes } of ROWS) {
  Deno.test(`doctor: ${name}`, async () => {
    await withMachine(machine, changes, (examined) => {
      const found = check(examined), said = lines(found);
      assert.equal(said.length, want.length, said.join("\n"));
      for (const [index, line] of want.entries()) {
        assert.ok(said[index]!.startsWith(line), `${said[index]}\n  should begin with\n${line}`);
      }
      const given = found.flatMap(({ commands }) => commands);
      for (const command of commands) {
        assert.ok(given.includes(command), `${command}\n  is not among\n${given.join("\n")}`);
      }
      if (commands.length === 0 && found.every(({ state }) => state === "ok")) assert.deepEqual(given, []);
    });
  });
}

Deno.test("doctor: a system that says nothing gets no verdict, and no exception", async () => {
  await withMachine(null, {}, async (examined) => {
    const silent = ["file limit", "socket buffers", "packet backlog", "listen backlog", "conntrack", "udp losses"];
    for (const { name, run } of CHECKS) {
      // These ask the real machine.
      if (["listeners", "plugins"].includes(name)) continue;
      const found = await run(examined);
      if (silent.includes(name)) {
        assert.deepEqual([...new Set(found.map(({ state }) => state))], ["cannot tell"], name);
      }
    }
  });
});
