/**
 * Puts a file in place whole or not at all: writes a temporary file beside it, syncs it, renames it over the old one,
 * and syncs the folder. A full disk or a kill at any moment leaves the old file as it was. It never waits between the
 * steps, so that a signal handled by this program cannot come between them.
 */
import { basename, dirname, join } from "node:path";
import { diskFault } from "./disk_fault.ts";

/** Bits of a mode that are permissions. */
const MODE_BITS = 0o7777;

/** Replaces or creates `path` with `bytes`. A link stays a link: the file it leads to is replaced. A replaced file keeps
 * its mode and, when we may, its owner. Returns null, or the end of a sentence that says what failed. */
export function replaceFile(path: string, bytes: Uint8Array): string | null {
  let temporary: string | null = null;
  try {
    const old = statusOf(path);
    const target = old === null ? path : Deno.realPathSync(path);
    const beside = temporaryBeside(target);
    // Whoever may not read the old file may not read the new one either, not even for a moment.
    const file = Deno.openSync(beside, { write: true, createNew: true, mode: old === null ? 0o666 : 0o600 });
    temporary = beside;
    try {
      for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
      if (old !== null) keepOwnerAndMode(beside, old);
      file.syncSync();
    } finally {
      file.close();
    }
    Deno.renameSync(beside, target);
    temporary = null;
    syncFolder(dirname(target));
    return null;
  } catch (error) {
    if (temporary !== null) removeQuietly(temporary);
    return diskFault(error);
  }
}

/** Says why `replaceFile` would fail already, before a long work ends in it: the folder is not there or not ours. */
export function placeFault(path: string): string | null {
  try {
    const beside = temporaryBeside(statusOf(path) === null ? path : Deno.realPathSync(path));
    Deno.openSync(beside, { write: true, createNew: true }).close();
    Deno.removeSync(beside);
    return null;
  } catch (error) {
    return diskFault(error);
  }
}

function temporaryBeside(target: string): string {
  return join(dirname(target), `.${basename(target)}.${crypto.randomUUID()}.tmp`);
}

function statusOf(path: string): Deno.FileInfo | null {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function keepOwnerAndMode(path: string, { mode, uid, gid }: Deno.FileInfo): void {
  if (mode === null) return;
  try {
    // Changing the owner takes some bits of the mode away, so it comes first.
    Deno.chownSync(path, uid, gid);
  } catch (error) {
    // Only root may give files away; the file then belongs to who wrote it.
    diskFault(error);
  }
  Deno.chmodSync(path, mode & MODE_BITS);
}

function syncFolder(path: string): void {
  if (Deno.build.os === "windows") return;
  try {
    const folder = Deno.openSync(path);
    try {
      folder.syncSync();
    } finally {
      folder.close();
    }
  } catch (error) {
    // Some file systems cannot sync a folder. The new file is in place already.
    diskFault(error);
  }
}

function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    diskFault(error);
  }
}
