/** Tests that need programs of other people: skipped, with the program's name, where one is missing; failed in CI. */

/** Runs a program to its end. Returns exit code and what it printed, stderr after stdout. */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Record<string, string> } = {},
): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command(command, { args: [...args], ...options, stdin: "null" })
    .output();
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** Python with libtorrent, which is no program of its own. */
export const LIBTORRENT_PYTHON = "/usr/bin/python3";

const PROBES: Readonly<Record<string, readonly string[]>> = {
  "python3-libtorrent": [LIBTORRENT_PYTHON, "-c", "import libtorrent"],
};

/** A test that needs `programs`: names on the path, or "python3-libtorrent". */
export function testWith(
  programs: readonly string[],
  name: string,
  test: (context: Deno.TestContext) => Promise<void>,
): void {
  const missing = programs.filter((program) => !isThere(program));
  if (missing.length === 0) return Deno.test(name, test);
  const label = `${name} (needs ${missing.join(", ")})`;
  if (Deno.env.get("CI") === "true") {
    Deno.test(label, () => {
      throw new Error(`CI must have ${missing.join(", ")}`);
    });
  } else {
    Deno.test.ignore(label, test);
  }
}

function isThere(program: string): boolean {
  const [command, ...args] = PROBES[program] ?? ["sh", "-c", 'command -v "$0"', program];
  try {
    return new Deno.Command(command, { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
