/**
 * What comes back from slots. Plugins of plain JavaScript return what they like: what is not of the slot's kind is a fault
 * of theirs, before it becomes a client's.
 */
import type { PageBody } from "./api.ts";

/** The text that `slot` gave, or undefined for none: undefined, null and "". Throws an Error for anything else. */
export function textOf(slot: string, found: unknown): string | undefined {
  if (typeof found === "string") return found === "" ? undefined : found;
  if (found === undefined || found === null) return undefined;
  throw new Error(`${slot} must return text or nothing, and returned ${nameOf(found)}`);
}

/** Throws an Error when `slot`, which returns nothing, has returned a promise: it would go on when its turn is over. */
export function refusePromise(slot: string, found: unknown): void {
  if (found instanceof Promise) throw new Error(`${slot} must not wait, and returned ${nameOf(found)}`);
}

/** What a page gave. Throws an Error for anything but text, bytes, and a Response that was not sent before. */
export function pageBodyOf(found: unknown): PageBody {
  if (found instanceof Response && found.bodyUsed) throw new Error("a page must not return a Response that is used up");
  if (typeof found === "string" || found instanceof Uint8Array || found instanceof Response) return found;
  throw new Error(`a page must return text, bytes or a Response, and returned ${nameOf(found)}`);
}

// What a promise that is not waited for rejects with is no other fault.
function nameOf(found: unknown): string {
  if (!(found instanceof Promise)) {
    return typeof found === "boolean" || found === undefined || found === null
      ? String(found)
      : `a value of type ${typeof found}`;
  }
  found.catch(() => {});
  return "a promise";
}
