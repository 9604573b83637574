/** The signals a tracker obeys. */

/**
 * Resolves when the tracker is to stop: SIGINT, SIGTERM, or a successor that has taken over. `reload`: SIGHUP.
 * `handOver`: SIGUSR2; resolves to whether a successor has taken over.
 */
export function untilSignalled(reload: () => Promise<void>, handOver: () => Promise<boolean>): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of Deno.build.os === "windows" ? ["SIGINT"] as const : ["SIGINT", "SIGTERM"] as const) {
      Deno.addSignalListener(signal, resolve);
    }
    if (Deno.build.os === "windows") return;
    Deno.addSignalListener("SIGHUP", () => void reload());
    Deno.addSignalListener("SIGUSR2", async () => {
      if (await handOver()) resolve();
    });
  });
}

/** Resolves with what was thrown when the supervisor itself fails: in no call of ours that would catch it. */
export function untilFailed(): Promise<unknown> {
  return new Promise((resolve) => {
    addEventListener("error", (event) => {
      event.preventDefault();
      resolve(event.error ?? event.message);
    });
    addEventListener("unhandledrejection", (event) => {
      event.preventDefault();
      resolve(event.reason);
    });
  });
}
