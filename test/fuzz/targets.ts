/** Everything that is fuzzed: what reads bytes from strangers, and what reads files and lines of operators. */
import type { FuzzTarget } from "../support/fuzz.ts";
import { accessFifo, accessTorrents } from "./targets/access_files.ts";
import { addresses } from "./targets/addresses.ts";
import { clientHttp, clientUdp } from "./targets/client_answers.ts";
import { config, pluginSettings } from "./targets/config.ts";
import { connectionId } from "./targets/connection_id.ts";
import { hashLines } from "./targets/hash_lines.ts";
import { httpDoor, httpRequest, office } from "./targets/http.ts";
import { httpConnection } from "./targets/http_connection.ts";
import { networkLines } from "./targets/network_lines.ts";
import { dnsRecords, newtrackonHttp, newtrackonUdp } from "./targets/newtrackon.ts";
import { proxyProtocol } from "./targets/proxy_protocol.ts";
import { query } from "./targets/query.ts";
import { forwarded, rules } from "./targets/rules.ts";
import { historyBlocks, stateRows } from "./targets/state_blobs.ts";
import { stateLines } from "./targets/state_lines.ts";
import { bencode, torrent, trackerUrls } from "./targets/torrents.ts";
import { udp, udpDoor } from "./targets/udp.ts";

/** The targets, in the order of the report. */
export const TARGETS: readonly FuzzTarget[] = [
  udp,
  udpDoor,
  connectionId,
  httpRequest,
  query,
  httpDoor,
  httpConnection,
  proxyProtocol,
  forwarded,
  rules,
  office,
  addresses,
  config,
  pluginSettings,
  hashLines,
  accessTorrents,
  accessFifo,
  networkLines,
  bencode,
  torrent,
  trackerUrls,
  stateLines,
  stateRows,
  historyBlocks,
  clientHttp,
  clientUdp,
  newtrackonHttp,
  newtrackonUdp,
  dnsRecords,
];
