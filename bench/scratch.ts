/** Folders for what the programs of a run need on disk, removed at its end whatever that is. */

const folders = new Set<string>();

/** A new empty folder that every user may read: opentracker reads its list as nobody. */
export async function makeScratchFolder(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "tracker_bench_" });
  folders.add(folder);
  await Deno.chmod(folder, 0o755);
  return folder;
}

/** Removes every folder made so far. */
export function removeScratchFolders(): void {
  for (const folder of folders) Deno.removeSync(folder, { recursive: true });
  folders.clear();
}
