/**
 * Inputs of the fuzz targets on disk: test/fuzz/corpus/TARGET/ holds small ones to start from, under names of their own,
 * and every find, named by the beginning of its SHA-256. All of them are tried by the ordinary tests.
 */
import { createHash } from "node:crypto";

const FOLDER = new URL("../fuzz/corpus/", import.meta.url);
/** Letters of the hash that make a name. */
const NAME_CHARS = 16;

/** One file. */
export interface CorpusFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The files of one target in the order of their names; none where it has no folder. */
export function readCorpus(target: string, folder: URL = FOLDER): CorpusFile[] {
  const own = new URL(`${target}/`, folder);
  let names: string[];
  try {
    names = Array.from(Deno.readDirSync(own), ({ name }) => name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  return names.map((name) => ({ name, bytes: Deno.readFileSync(new URL(name, own)) }));
}

/** Names of the targets that have a folder. */
export function corpusTargets(): string[] {
  return Array.from(Deno.readDirSync(FOLDER), ({ name }) => name).sort();
}

/** Writes a find into the corpus. Returns its path. */
export function writeFind(target: string, input: Uint8Array, folder: URL = FOLDER): string {
  const own = new URL(`${target}/`, folder);
  Deno.mkdirSync(own, { recursive: true });
  const path = new URL(createHash("sha256").update(input).digest("hex").slice(0, NAME_CHARS), own);
  Deno.writeFileSync(path, input);
  return path.pathname;
}
