/**
 * What comes back from slots that may not wait. Plugins of plain JavaScript return what they like: a text, or nothing,
 * and all else is a fault of theirs, before it becomes a client's.
 */

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

// What a promise that is not waited for rejects with is no other fault.
function nameOf(found: unknown): string {
  if (!(found instanceof Promise)) {
    return typeof found === "boolean" ? String(found) : `a value of type ${typeof found}`;
  }
  found.catch(() => {});
  return "a promise";
}
