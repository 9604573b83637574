/**
 * The files of a program that runs from its sources: its threads are loaded from them whenever a part is started or
 * started again, so they must stay within reach of a user who is not root. The executable has them inside itself.
 */
import { fileURLToPath } from "node:url";

/** Where our own modules are. */
const FOLDERS = ["../", "../../plugins/"].map((folder) => fileURLToPath(new URL(folder, import.meta.url)));
/** The package that a part is made with, and one file of our own: of those a change of root would hide. */
const PACKAGE = "hono", PART = fileURLToPath(new URL("../part.ts", import.meta.url));

/** Whether the program's files are at the same paths below `root`, so that it can be confined to that folder. */
export function isInside(root: string): boolean {
  return [PART, packageFile()].every((path) => isSameFile(path, `${root}${path}`));
}

/** The first of the program's files that cannot be read, with the system's words; null when all can be. */
export function findUnreadable(): string | null {
  for (const path of [...FOLDERS, packageFile()]) {
    const fault = tryRead(path);
    if (fault !== null) return fault;
  }
  return null;
}

// Somewhere in Deno's cache, or in node_modules.
function packageFile(): string {
  return fileURLToPath(import.meta.resolve(PACKAGE));
}

function isSameFile(a: string, b: string): boolean {
  try {
    const one = Deno.statSync(a), other = Deno.statSync(b);
    return one.dev === other.dev && one.ino === other.ino;
  } catch {
    return false;
  }
}

// Of a folder: all modules in it.
function tryRead(path: string): string | null {
  try {
    if (!Deno.statSync(path).isDirectory) Deno.openSync(path).close();
    else {
      for (const { name, isDirectory } of Deno.readDirSync(path)) {
        const fault = isDirectory || name.endsWith(".ts") ? tryRead(`${path.replace(/\/$/, "")}/${name}`) : null;
        if (fault !== null) return fault;
      }
    }
    return null;
  } catch (error) {
    return `${path} (${error instanceof Error ? error.message : error})`;
  }
}
