/** The targets of HTTP announces and scrapes: BEP 3, BEP 23 (`compact`), BEP 48. Pure. */
import type { AnnounceQuestion } from "./question.ts";

/** The target of an announce: `target` of the tracker with the question added. */
export function announceTarget(target: string, question: AnnounceQuestion): string {
  const { infoHash, peerId, port, uploaded, downloaded, left, event, numwant, key } = question;
  const parameters = [
    `info_hash=${escapeBytes(infoHash)}`,
    `peer_id=${escapeBytes(peerId)}`,
    `port=${port}`,
    `uploaded=${uploaded}`,
    `downloaded=${downloaded}`,
    `left=${left}`,
    `key=${(key >>> 0).toString(16).padStart(8, "0")}`,
    "compact=1",
    ...(numwant === undefined ? [] : [`numwant=${numwant}`]),
    ...(event === "" ? [] : [`event=${event}`]),
  ];
  return addQuery(target, parameters);
}

/** The target of a scrape: `target` from `scrapeTarget` with the info hashes added. */
export function scrapeQueryTarget(target: string, infoHashes: readonly Uint8Array[]): string {
  return addQuery(target, infoHashes.map((infoHash) => `info_hash=${escapeBytes(infoHash)}`));
}

function addQuery(target: string, parameters: readonly string[]): string {
  return `${target}${target.includes("?") ? "&" : "?"}${parameters.join("&")}`;
}

/** Escapes every byte that is no letter, digit or one of `-._~`. */
function escapeBytes(bytes: Uint8Array): string {
  return [...bytes].map((byte) => {
    const letter = String.fromCharCode(byte);
    return /[A-Za-z0-9._~-]/.test(letter) ? letter : `%${byte.toString(16).padStart(2, "0")}`;
  }).join("");
}
