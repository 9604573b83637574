/**
 * The `Forwarded` header (RFC 7239 §4): a list of elements, one from each proxy, of pairs whose values may be quoted
 * strings (RFC 9110 §5.6.4). What is inside quotes is a value whatever it looks like: a client can have its own text
 * put there, as the host it asks for.
 *
 *   Forwarded: for=192.0.2.43;host="example.org", for="[2001:db8::1]:4711";proto=http
 */

const NAME = "for";
const COMMA = ",", SEMICOLON = ";", QUOTE = '"', BACKSLASH = "\\";

/**
 * The `for` of each element, in order, without quotes; undefined where an element has none, more than one, or is none.
 * A header with a quoted string that never ends says nothing of anybody: no elements. One pass.
 */
export function forwardedFor(header: string): readonly (string | undefined)[] {
  const found: (string | undefined)[] = [];
  let element = new Element(), at = 0;
  while (at <= header.length) {
    const char = header[at++];
    if (char === QUOTE) {
      const end = endOfQuoted(header, at);
      if (end < 0) return [];
      element.takeQuoted(header.slice(at, end - 1));
      at = end;
    } else if (char === SEMICOLON) element.endPair();
    else if (char === COMMA || char === undefined) {
      element.endPair();
      // Lists may have empty elements (RFC 9110 §5.6.1).
      if (!element.isEmpty) found.push(element.value);
      element = new Element();
    } else element.takeChar(char);
  }
  return found;
}

// Behind the quote that ends the string which begins at `at`; -1 when none does.
function endOfQuoted(header: string, at: number): number {
  for (let i = at; i < header.length; i++) {
    if (header[i] === BACKSLASH) i++;
    else if (header[i] === QUOTE) return i + 1;
  }
  return -1;
}

/** An element, as far as it has been read. */
class Element {
  isEmpty = true;
  #isBad = false;
  #found: string | undefined;
  /** Of the pair at hand: what stands outside quotes, and inside. */
  #plain = "";
  #quoted: string | undefined;

  /** The one `for`. */
  get value(): string | undefined {
    return this.#isBad ? undefined : this.#found;
  }

  takeChar(char: string): void {
    this.#plain += char;
    // Nothing comes behind a quoted string but the end of its pair.
    if (this.#quoted !== undefined && char.trim() !== "") this.#isBad = true;
  }

  takeQuoted(text: string): void {
    if (this.#quoted !== undefined || !this.#plain.trimEnd().endsWith("=")) this.#isBad = true;
    this.#quoted = text.replace(/\\(.)/g, "$1");
    this.isEmpty = false;
  }

  endPair(): void {
    const plain = this.#plain.trim(), equals = plain.indexOf("="), quoted = this.#quoted;
    this.#plain = "";
    this.#quoted = undefined;
    if (plain === "") return;
    this.isEmpty = false;
    if (equals <= 0) this.#isBad = true;
    else if (plain.slice(0, equals).trimEnd().toLowerCase() === NAME) {
      if (this.#found !== undefined) this.#isBad = true;
      this.#found = quoted ?? plain.slice(equals + 1).trim();
    }
  }
}
