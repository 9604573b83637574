/** The version of this program: the one place it is written. */

/** Version as in CHANGELOG.md. */
export const VERSION = "0.1.0";

/** What `-v` prints: one line, no line end. */
export const VERSION_LINE = `waggle ${VERSION}`;
