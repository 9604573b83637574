/** The shape of a row of the table of settings, and the figures its rows share. */
/** What the table says of a setting beside its kind. */
export interface Entry {
  /** Heading it stands under in the sample file and the docs. */
  readonly group: Group;
  /** later: read and checked now, with a warning that it has no effect yet. */
  readonly status: "works" | "later";
  /** The command-line option that sets it too: its letter. */
  readonly option?: string;
  /** A value to show where there is no default. */
  readonly example?: string;
  /** One paragraph for operators. Neither range nor default, which are added to it. */
  readonly explanation: string;
}

/** Headings, in the order they are shown. */
export const GROUPS = ["Listeners", "Process", "Announces", "HTTP", "Access", "Plugins", "State", "Cluster"] as const;

/** A heading. */
export type Group = typeof GROUPS[number];

/** opentracker's port for TCP and UDP. */
export const PORT_DEFAULT = 6969;

/** Port of opentracker's live sync. */
export const LIVESYNC_PORT_DEFAULT = 9696;
