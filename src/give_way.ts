/**
 * Lets a thread of a part that answers nobody give way to those that do: what is written to the disk or a plugin's list
 * then takes what the fronts leave, where it would take an equal share.
 */
import { setPriority } from "node:os";

/** Niceness of such threads: beside a front that wants the whole core they have about a tenth of it. */
export const NICENESS = 10;

/** The right to do it; given back when it is done. */
export const GIVE_WAY_PERMISSIONS: Deno.PermissionOptionsObject = { sys: ["setPriority"] };

/**
 * Lowers this thread's priority, and so that of threads it starts. Only on Linux: elsewhere it would be the process's.
 * A system that does not allow it leaves the thread as it is.
 */
export function giveWay(): void {
  try {
    if (Deno.build.os === "linux") setPriority(0, NICENESS);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    console.log(`keeps the priority of those that serve, and so may delay them a little: ${why}`);
  }
  Deno.permissions.revokeSync({ name: "sys" });
}
