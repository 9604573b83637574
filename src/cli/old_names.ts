/**
 * BitTornado's program names: the executable called by one of them, through a link, acts as that tool. With `.py`, as
 * they were installed, or `.bittornado`, as Debian had them, or without.
 */

const OLD_NAMES: Readonly<Record<string, readonly string[]>> = {
  btmakemetafile: ["torrent", "make"],
  btcompletedir: ["torrent", "make-dir"],
  btshowmetainfo: ["torrent", "show"],
  btreannounce: ["torrent", "reannounce"],
  btcopyannounce: ["torrent", "copy-announce"],
};

/** The words that stand for the name the program was called by (`process.argv0`); none for any but the old names. */
export function wordsOfOldName(calledAs: string): readonly string[] {
  const name = calledAs.replace(/^.*[/\\]/s, "").replace(/\.(py|bittornado|exe)$/, "");
  return Object.hasOwn(OLD_NAMES, name) ? OLD_NAMES[name] : [];
}
