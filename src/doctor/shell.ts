/** Lines for a shell. Pure. */

/** Where settings of the kernel last over a restart. */
const SYSCTL_FILE = "/etc/sysctl.d/90-tracker.conf";

/** `text` as one word of a shell. */
export function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Sets `key` to `value`, now and after the next restart of the machine. */
export function setSysctl(key: string, value: number): readonly string[] {
  return [`sysctl -w ${key}=${value}`, `echo '${key} = ${value}' >> ${SYSCTL_FILE}   # so that it lasts`];
}

/** The file of a kernel setting. */
export function sysctlPath(key: string): string {
  return `/proc/sys/${key.replaceAll(".", "/")}`;
}
