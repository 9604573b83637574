/**
 * What a plugin is told that reaches for more than it was granted. The runtime's sentence ends in a flag of its own, which
 * a tracker does not take: the line of the config that grants it takes its place.
 */

/** The runtime's sentence, of a program run from its sources and of an executable. */
const DENIED =
  /(Requires (\w+) access to (?:"([^"]+)"|\S+)), (?:run again with the --allow-\w+ flag|specify the required permissions during compilation using `deno compile --allow-\w+`)/;
/** What the config can grant, and what stands for it where the runtime does not say it. */
const GRANTED: Readonly<Record<string, string>> = { read: "PATH", write: "PATH", net: "HOST:PORT" };

/** `sentence`, said of the plugin `name`, with the way to mend it; unchanged when it is about anything else. */
export function sayLackingGrant(name: string, sentence: string): string {
  return sentence.replace(DENIED, (_whole, denied: string, kind: string, what?: string) => {
    if (!Object.hasOwn(GRANTED, kind)) return `${denied}, which no plugin is granted`;
    return `${denied}; grant it with plugin.${name}.allow ${kind} ${what ?? GRANTED[kind]}`;
  });
}
