/** Hands the requests of some networks to the office, for an operator who wants to look at them (`mode=fulllog`). */
import { type NetworkRange, NetworkSet } from "../access/networks.ts";
import { formatAddress } from "../bittorrent/address.ts";
import { COUNTER } from "../stats/counters.ts";
import type { Tracker } from "../tracker/tracker.ts";
import type { OfficeLink } from "./office_link.ts";

const latin1 = new TextDecoder("latin1");

/** What a door is to call with every whole request; nothing when no network is to be looked at. */
export function requestLogger(
  ranges: readonly NetworkRange[],
  tracker: Tracker,
  office: OfficeLink,
): ((bytes: Uint8Array, start: number, end: number) => void) | undefined {
  if (ranges.length === 0) return undefined;
  const networks = new NetworkSet(ranges);
  return (bytes, start, end) => {
    const { addressBytes, family } = tracker.request, address = addressBytes.subarray(0, family === 4 ? 4 : 16);
    if (!networks.has(address)) return;
    if (!office.log(formatAddress(address), latin1.decode(bytes.slice(start, end)))) {
      tracker.counters[COUNTER.requestLogDrops]!++;
    }
  };
}
