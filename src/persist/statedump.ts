/**
 * One line of opentracker's state dump (`mode=statedump`), to text and back:
 *
 *   40 hex digits : minutes since 1970 of the last announce : completed downloads
 */
import { COMPLETED_MAX } from "../swarm/layout.ts";

/** A torrent without its peers. */
export interface DumpedTorrent {
  /** 20 bytes. */
  readonly infoHash: Uint8Array;
  readonly completed: number;
  /** Minutes since 1970 of the last announce. */
  readonly touched: number;
}

/** opentracker reads what stands before the second number's end, and ignores the rest of the line. */
const LINE = /^([0-9a-f]{40}):(\d{1,10}):(\d{1,10})(?!\d)/i;

/** The line of one torrent, without its end. */
export function formatDumpLine({ infoHash, completed, touched }: DumpedTorrent): string {
  return `${infoHash.toHex().toUpperCase()}:${touched}:${completed}`;
}

/** The torrent of one line, or null when the line is not one. Never throws. */
export function parseDumpLine(line: string): DumpedTorrent | null {
  const [, hash, touched, completed] = LINE.exec(line) ?? [];
  if (hash === undefined || Number(completed) > COMPLETED_MAX) return null;
  return { infoHash: Uint8Array.fromHex(hash), touched: Number(touched), completed: Number(completed) };
}
