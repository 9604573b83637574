/** Whether something keeps the machine's clock right. */
import type { Examined } from "./examined.ts";
import { cannotTell, type Found, ok, warning } from "./finding.ts";

/** systemd makes this file when it has set the clock. */
const TIMESYNC_FILE = "/run/systemd/timesync/synchronized";

/** Asks the kernel, and looks for systemd's sign. */
export function checkClock({ files, clock }: Examined): Found[] {
  if (clock?.isKept) return [ok(`the clock is kept, to ${Math.ceil(clock.errorMs)} ms as the kernel says`)];
  if (files.text(TIMESYNC_FILE) !== null) return [ok("systemd-timesyncd has set the clock")];
  if (clock === null) return [cannotTell("the system does not say whether its clock is kept")];
  return [
    warning(
      "the kernel knows of nothing that keeps its clock: peers kept over a restart would be aged wrongly",
      "timedatectl set-ntp true   # or: apt install chrony",
    ),
  ];
}
