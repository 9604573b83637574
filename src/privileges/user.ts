/** Users of the system, as /etc/passwd has them. Pure. */

/** A user that a process can run as. */
export interface User {
  readonly name: string;
  readonly uid: number;
  /** Its primary group. */
  readonly gid: number;
}

/** Highest number of a user: the one above it stands for "no change" in the system's calls. */
const ID_MAX = 0xfffffffe;

/**
 * Finds `wanted`, a name or a number, in `passwd`, the text of /etc/passwd. A number that stands in no line is a user
 * all the same, as in containers, with the group of the same number. Null: there is no such user.
 */
export function findUser(passwd: string, wanted: string): User | null {
  const rows = passwd.split("\n").map((line) => line.split(":"));
  const row = rows.find(([name]) => name === wanted) ?? rows.find(([, , uid]) => uid === wanted);
  if (row !== undefined) return toUser(row[0]!, row[2], row[3]);
  return toUser(wanted, wanted, wanted);
}

function toUser(name: string, uid = "", gid = ""): User | null {
  const isNumber = (text: string) => /^\d{1,10}$/.test(text) && Number(text) <= ID_MAX;
  return isNumber(uid) && isNumber(gid) ? { name, uid: Number(uid), gid: Number(gid) } : null;
}
