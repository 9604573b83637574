/** Breaks prose into lines. */

/** The lines of `text`, each at most `chars` long unless one word is longer. A line end in `text` stays one. */
export function wrapText(text: string, chars: number): string[] {
  return text.split("\n").flatMap((paragraph) => {
    const lines = [""];
    for (const word of paragraph.split(" ")) {
      const line = lines[lines.length - 1];
      if (line === "") lines[lines.length - 1] = word;
      else if (line.length + 1 + word.length <= chars) lines[lines.length - 1] = `${line} ${word}`;
      else lines.push(word);
    }
    return lines;
  });
}
