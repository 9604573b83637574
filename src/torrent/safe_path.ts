/**
 * Which names of files inside a torrent are safe to write below a folder, and how a name is shown on a terminal.
 * Torrents come from strangers: a name can climb out of the folder, or hold letters that steer a terminal. Pure.
 */

/**
 * Says why a path of `components` would leave the folder it is meant for, or null when it stays inside. A backslash
 * counts as a separator as well: on some systems it is one.
 */
export function pathFault(components: readonly string[]): string | null {
  for (const component of components) {
    const shown = JSON.stringify(component);
    if (component === "") return "a path holds an empty name";
    if (component.includes("/") || component.includes("\0")) return `a path holds the name ${shown}`;
    if (component.split("\\").some((part) => part === "." || part === "..")) {
      return `the name ${shown} would lead out of its folder`;
    }
  }
  return components.length === 0 ? "a path is empty" : null;
}

/** Makes text from a torrent or a tracker fit for a terminal: control letters and those that turn the direction of
 * writing become `\u{...}`. */
export function printable(text: string): string {
  return text.replace(STEERING, (letter) => `\\u{${letter.codePointAt(0)?.toString(16)}}`);
}

const STEERING = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;
