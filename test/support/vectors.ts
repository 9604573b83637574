/**
 * Reads the packets of test/vectors: one file a protocol, shared by every layer that is tested.
 *
 *   [name]                 begins a packet
 *   00 00 04 17   # text   bytes as pairs of hex digits; the rest of the line says what they are
 *   "GET /\r\n"            bytes as text, with the escapes of JSON; one byte a character
 *   00 * 20                the byte before, so many times in all
 */

const FOLDER = new URL("../vectors/", import.meta.url);
const TOKEN = /"(?:[^"\\]|\\.)*"|[^\s"]+/g;

/** The packets of one file by name, in its order. */
export function readVectors(fileName: string): ReadonlyMap<string, Uint8Array> {
  const text = Deno.readTextFileSync(new URL(fileName, FOLDER)), packets = new Map<string, number[]>();
  let bytes: number[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const heading = /^\[(.+)\]$/.exec(line.trim())?.[1];
    if (heading !== undefined) {
      if (packets.has(heading)) throw new Error(`${fileName}:${index + 1}: ${heading} stands twice`);
      packets.set(heading, bytes = []);
    } else if (!readLine(withoutComment(line), bytes)) throw new Error(`${fileName}:${index + 1}: ${line}`);
  }
  return new Map([...packets].map(([name, packet]) => [name, Uint8Array.from(packet)]));
}

/** One packet of a file. */
export function readVector(fileName: string, name: string): Uint8Array {
  const packet = readVectors(fileName).get(name);
  if (packet === undefined) throw new Error(`${fileName} has no packet ${name}`);
  return packet;
}

/** Bytes of text, one a character: `\xff` is the byte 255. */
export function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Text of bytes, one character each: what `latin1` takes. */
export function latin1Text(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function withoutComment(line: string): string {
  let isQuoted = false;
  for (let i = 0; i < line.length; i++) {
    if (line[i] === "\\") i++;
    else if (line[i] === '"') isQuoted = !isQuoted;
    else if (line[i] === "#" && !isQuoted) return line.slice(0, i);
  }
  return line;
}

// Appends the bytes of one line; false when it is not understood.
function readLine(line: string, bytes: number[]): boolean {
  const tokens = line.match(TOKEN) ?? [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token.startsWith('"')) bytes.push(...latin1(JSON.parse(token)));
    else if (/^[0-9a-f]{2}$/i.test(token)) bytes.push(parseInt(token, 16));
    else if (token === "*" && bytes.length > 0) {
      const times = Number(tokens[++i]);
      if (!(times >= 1)) return false;
      for (let k = 1; k < times; k++) bytes.push(bytes.at(-1)!);
    } else return false;
  }
  return true;
}
