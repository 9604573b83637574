/**
 * What a client is told when it asks wrongly or may not ask: fixed texts, no client input inside, so that they are
 * metric labels too. A refusal is a small number on the hot path; 0 is none.
 */

/** No refusal. */
export const NOT_REFUSED = 0;
/** Texts by refusal. The first two are opentracker's own wording, and so is the connection id's spelling. */
export const REFUSAL_TEXTS = [
  "",
  "Your client forgot to send your torrent's info_hash. Please upgrade your client.",
  "Requested download is not authorized for use with this tracker.",
  "Connection ID missmatch.",
  "info_hash must be 20 bytes, and given once",
  "port must be 1 to 65535",
  "left must be a whole number",
  "numwant must be a whole number",
  "compact must be a whole number",
  "peer_id must be 20 bytes",
  "malformed percent encoding",
  "refused by a rule of this tracker",
  "the tracker cannot decide; try again later",
  "your address asks too often; try again later",
  "your network is not served by this tracker",
] as const;
/** No info_hash. */
export const INFO_HASH_MISSING = 1;
/** The access lists say no. */
export const NOT_AUTHORIZED = 2;
/** UDP only. */
export const CONNECTION_ID_BAD = 3;
/** info_hash of another length, or twice. */
export const INFO_HASH_BAD = 4;
/** Port missing, 0, or not a port. */
export const PORT_BAD = 5;
/** left is not a number. */
export const LEFT_BAD = 6;
/** numwant is not a number. */
export const NUMWANT_BAD = 7;
/** compact is not a number. */
export const COMPACT_BAD = 8;
/** peer_id of another length. */
export const PEER_ID_BAD = 9;
/** A percent sign without two hex digits. */
export const PERCENT_BAD = 10;
/** A plugin refused; the client is told the plugin's own text. */
export const PLUGIN_REFUSED = 11;
/** A plugin that decides failed. */
export const PLUGIN_FAILED = 12;
/** The shield: more requests than one address may make. HTTP only; over UDP there is no answer. */
export const ASKED_TOO_OFTEN = 13;
/** access.deny_networks, behind a proxy; elsewhere there is no answer. */
export const NETWORK_DENIED = 14;
