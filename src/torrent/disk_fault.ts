/** What went wrong with a file, in the words of the operating system, for the end of a sentence. */

/**
 * The reason inside an error of `Deno`, such as "permission denied". Any other error is a fault of ours and is thrown
 * again; so a `catch` that lets a disk have its faults still calls this.
 */
export function diskFault(error: unknown): string {
  if (error instanceof Deno.errors.NotCapable) {
    return "this program may not touch it, as with everything in /dev, /proc and /sys";
  }
  const found = error instanceof Error ? /^(.*?) \(os error \d+\)/.exec(error.message) : null;
  if (found === null) throw error;
  return found[1].charAt(0).toLowerCase() + found[1].slice(1);
}
