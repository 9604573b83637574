/**
 * Whether a thread of plugins has reached the limit of its heap. The runtime then lets it have more, breaks off what it
 * is at, and ends it; but what was resumed after an `await` is broken off without an end, and the thread lives on without
 * it, a front without its loop.
 */
import { getHeapStatistics } from "node:v8";

/** Memory of the objects of a part that runs plugins; what is shared among the parts does not count. */
export const HEAP_MIB_MAX = 512;

const limitBytes = getHeapStatistics().heap_size_limit;

/** Whether this thread has reached the limit it started with. */
export function wasHeapFull(): boolean {
  return getHeapStatistics().heap_size_limit > limitBytes;
}
