/**
 * What a plugin must look like, checked before anything of it is used: the module's object in the thread that loads it,
 * and the plain data it says of itself again in the supervisor, which takes nothing on trust from such a thread.
 */
import { type PluginManifest, SLOTS } from "./plugin_set.ts";

/** Members that are no slots. */
const MEMBERS = ["name", "summary", "settings", "permissions", "prepare"];
const NAME = /^[a-z][a-z0-9_]{0,31}$/;
/** Keys of settings, as those of the tracker. */
const SETTING = /^[A-Za-z][A-Za-z0-9_]*$/;
/** Keys of `permissions`. */
const PERMISSIONS = ["read", "write", "net"];
/** Paths that never come to a page: the root, what begins with more than one slash, and announces. */
const LOST_PATH = /^\/(?:$|\/|a)/;

type Fields = Readonly<Record<string, unknown>>;

/** Why `found` is not the plugin `name`, or null. */
export function refuseShape(found: unknown, name: string): string | null {
  if (!isFields(found)) return "has no default export that is an object";
  if (typeof found.name !== "string" || !NAME.test(found.name)) {
    return "its name must be lower case letters, digits and _, a letter first, at most 32";
  }
  if (found.name !== name) return `its name must be that of its file, ${name}, and is ${found.name}`;
  for (const key of membersOf(found)) {
    const value = found[key];
    if (value === undefined || MEMBERS.includes(key)) continue;
    if (!SLOTS.includes(key as never)) return `${key} is not a slot; there are prepare, ${SLOTS.join(", ")}`;
    const why = key === "stats" || key === "routes" ? refusePages(key, value) : refuseFunction(key, value);
    if (why !== null) return why;
  }
  if (found.prepare !== undefined && typeof found.prepare !== "function") return "prepare must be a function";
  return refuseSummary(found.summary) ?? refuseSettings(found.settings) ?? refusePermissions(found.permissions);
}

/** Why `found`, which came out of a thread that runs plugins, is no manifest, or null. */
export function refuseManifest(found: unknown): string | null {
  if (!isFields(found)) return "says nothing of itself";
  const { slots, modes, paths, summary, settings, permissions } = found as Partial<PluginManifest>;
  if (!isTexts(slots) || !slots.every((slot) => SLOTS.includes(slot)) || !isTexts(modes) || !isTexts(paths)) {
    return "says what its slots are in no way that is known";
  }
  return refuseSummary(summary) ?? refuseSettings(settings) ?? refusePermissions(permissions);
}

// Its own, and those of its class: methods stand in prototypes.
function membersOf(found: object): Set<string> {
  const members = new Set<string>();
  for (let of: object | null = found; of !== null && of !== Object.prototype; of = Object.getPrototypeOf(of)) {
    for (const key of Object.getOwnPropertyNames(of)) if (of === found || key !== "constructor") members.add(key);
  }
  return members;
}

function refuseFunction(key: string, value: unknown): string | null {
  return typeof value === "function" ? null : `${key} must be a function`;
}

function refusePages(key: string, pages: unknown): string | null {
  if (!isFields(pages)) return `${key} must be an object of functions`;
  for (const [name, page] of Object.entries(pages)) {
    const why = refuseFunction(`${key}.${name}`, page);
    if (why !== null) return why;
    if (key === "routes" && LOST_PATH.test(name)) {
      return `routes: ${
        JSON.stringify(name)
      } can never be reached: / is the tracker's own, every path that begins with ` +
        "/a is an announce, and of many slashes one is left";
    }
  }
  return null;
}

function refuseSummary(summary: unknown): string | null {
  return summary === undefined || typeof summary === "string" ? null : "summary must be text";
}

function refusePermissions(permissions: unknown): string | null {
  if (permissions === undefined) return null;
  if (!isFields(permissions)) return "permissions must be an object of lists";
  for (const [kind, list] of Object.entries(permissions)) {
    if (!PERMISSIONS.includes(kind)) return `permissions.${kind} is not known; there are ${PERMISSIONS.join(", ")}`;
    if (list !== undefined && !isTexts(list)) return `permissions.${kind} must be a list of texts`;
  }
  return null;
}

function refuseSettings(settings: unknown): string | null {
  if (settings === undefined) return null;
  if (!isFields(settings)) return "settings must be an object of settings";
  for (const [key, setting] of Object.entries(settings)) {
    if (!SETTING.test(key)) {
      return `settings: ${JSON.stringify(key)} must be letters, digits and _, a letter first`;
    }
    const wish = isFields(setting) ? wishOf(setting) : "be an object with kind, explanation and default";
    if (wish !== null) return `settings.${key} must ${wish}`;
  }
  return null;
}

/** By kind: what a setting of it must be or have besides, or null. */
const WISHES: Readonly<Record<string, (setting: Fields) => string | null>> = {
  integer: ({ min, max, default: value }) =>
    [min, max, value].every(Number.isSafeInteger) && Number(min) <= Number(value) && Number(value) <= Number(max)
      ? null
      : "have whole numbers min, max and default, the default between them",
  boolean: ({ default: value }) => typeof value === "boolean" ? null : "have true or false as default",
  choice: ({ choices, default: value }) =>
    isTexts(choices) && choices.includes(value as string) ? null : "have texts as choices, and one of them as default",
  text: wishText,
  path: (setting) =>
    wishText(setting) ?? ([setting.write, setting.fifo].every(isFlag) ? null : "have true or false as write and fifo"),
  texts: wishNoDefault,
  networks: wishNoDefault,
};

/** What settings of every kind may have. */
const SETTING_MEMBERS = ["kind", "explanation", "from", "example"];
/** By kind: what a setting of it may have besides. */
const MORE_SETTING_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  integer: ["min", "max", "default"],
  boolean: ["default"],
  choice: ["choices", "default"],
  text: ["default"],
  path: ["default", "write", "fifo"],
};

function wishOf(setting: Fields): string | null {
  const { kind, explanation, from, example } = setting;
  if (typeof kind !== "string" || !Object.hasOwn(WISHES, kind)) {
    return `have a kind, one of ${Object.keys(WISHES).join(", ")}`;
  }
  if (explanation !== undefined && typeof explanation !== "string") return "have text as explanation";
  if (from !== undefined && typeof from !== "string") return "name a setting of the tracker as from";
  if (example !== undefined && typeof example !== "string") return "have text as example";
  return WISHES[kind]!(setting) ?? wishNoMore(setting, [...SETTING_MEMBERS, ...MORE_SETTING_MEMBERS[kind] ?? []]);
}

function wishNoMore(setting: Fields, members: readonly string[]): string | null {
  const more = Object.keys(setting).find((key) => setting[key] !== undefined && !members.includes(key));
  return more === undefined ? null : `not have ${more}; there are ${members.join(", ")}`;
}

function wishText({ default: value }: Fields): string | null {
  return value === null || typeof value === "string" ? null : "have text or null as default";
}

// Without lines such a setting is empty.
function wishNoDefault({ default: value }: Fields): string | null {
  return value === undefined ? null : "not have a default";
}

function isFlag(value: unknown): boolean {
  return value === undefined || typeof value === "boolean";
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === "string");
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}
