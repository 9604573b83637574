/**
 * What the tidy test knows of one source file: its imports, functions, exports and the names it takes from the
 * runtime. Parsed by Deno's own linter, which hands its syntax tree to plugins; that works under `deno test` only.
 */

/** One import, of any form. */
export interface Import {
  readonly specifier: string;
  /** static: loaded with the file. dynamic: `import()`. url: `new URL(it, import.meta.url)`, as for a worker. */
  readonly kind: "static" | "dynamic" | "url";
  readonly line: number;
}

/** Something with a name, at a line. */
export interface Named {
  readonly name: string;
  readonly line: number;
}

/** One file. Lines count from 1. */
export interface SourceFile {
  /** From the root of the project, with slashes. */
  readonly path: string;
  readonly text: string;
  readonly lineCount: number;
  readonly imports: readonly Import[];
  /** Every function, method and arrow, and how many lines it takes. */
  readonly functions: readonly (Named & { readonly lineCount: number })[];
  /** Exported declarations without a doc comment. */
  readonly undocumented: readonly Named[];
  /** Exports of what another file declares. */
  readonly reexports: readonly Named[];
  /** Uses of the runtime, timers, clock and chance: `Deno`, `setTimeout`, `Date.now`. */
  readonly rimUses: readonly Named[];
}

/** Globals that reach out of a pure module whenever they are called. */
const RIM_FUNCTIONS = ["setTimeout", "setInterval", "setImmediate", "fetch", "queueMicrotask"];

/** Members of harmless globals that read the clock, chance, or wait. */
const RIM_MEMBERS = ["Date.now", "performance.now", "Math.random", "crypto.getRandomValues", "crypto.randomUUID"];

/** How modules of the runtime are named; without the prefix Deno does not find them. */
const NODE_PREFIX = "node:";

/** Parses the text of the file at `path`. Throws when it is not TypeScript. */
export function parseSource(path: string, text: string): SourceFile {
  const file = {
    path,
    text,
    lineCount: text.split("\n").length - (text.endsWith("\n") ? 1 : 0),
    imports: [] as Import[],
    functions: [] as (Named & { lineCount: number })[],
    undocumented: [] as Named[],
    reexports: [] as Named[],
    rimUses: [] as Named[],
  };
  const lineAt = (offset: number) => text.slice(0, offset).split("\n").length;
  let parsed = false;
  const visitor = (context: Deno.lint.RuleContext): Deno.lint.LintVisitor => {
    parsed = true;
    return {
      ...visitImports(file, lineAt),
      ...visitExports(file, lineAt, context.sourceCode),
      ...visitFunctions(file, lineAt),
      ...visitRim(file, lineAt),
    };
  };
  const plugin: Deno.lint.Plugin = { name: "tidy", rules: { scan: { create: visitor } } };
  Deno.lint.runPlugin(plugin, path, text);
  if (!parsed) throw new Error(`${path} was not parsed`);
  return file;
}

type LineAt = (offset: number) => number;

function visitImports(file: { imports: Import[]; rimUses: Named[] }, lineAt: LineAt): Deno.lint.LintVisitor {
  const add = (kind: Import["kind"], source: Deno.lint.Node, node: Deno.lint.Node) => {
    const line = lineAt(node.range[0]);
    const specifier = source.type === "Literal" && typeof source.value === "string" ? source.value : "";
    if (specifier.startsWith(NODE_PREFIX)) file.rimUses.push({ name: specifier, line });
    file.imports.push({ specifier, kind, line });
  };
  return {
    ImportDeclaration: (node) => add("static", node.source, node),
    ImportExpression: (node) => add("dynamic", node.source, node),
    ExportAllDeclaration: (node) => add("static", node.source, node),
    NewExpression: (node) => {
      const [target, base] = node.arguments;
      if (node.callee.type !== "Identifier" || node.callee.name !== "URL") return;
      if (target?.type === "Literal" && base?.type === "MemberExpression") add("url", target, node);
    },
  };
}

function visitExports(
  file: { undocumented: Named[]; reexports: Named[]; imports: Import[] },
  lineAt: LineAt,
  code: Deno.lint.SourceCode,
): Deno.lint.LintVisitor {
  const check = (node: Deno.lint.ExportNamedDeclaration | Deno.lint.ExportDefaultDeclaration) => {
    const comment = code.text.slice(0, node.range[0]).trimEnd();
    if (comment.endsWith("*/") && comment.lastIndexOf("/**") === comment.lastIndexOf("/*")) return;
    const name = node.type === "ExportDefaultDeclaration" ? "default" : nameOf(node.declaration);
    file.undocumented.push({ name, line: lineAt(node.range[0]) });
  };
  return {
    ExportNamedDeclaration: (node) => {
      if (node.declaration !== null) return check(node);
      const line = lineAt(node.range[0]);
      if (node.source !== null) file.imports.push({ specifier: node.source.value, kind: "static", line });
      file.reexports.push({ name: code.getText(node).replace(/\s+/g, " "), line });
    },
    "ExportAllDeclaration:exit": (node) => {
      file.reexports.push({ name: `export * from "${node.source.value}"`, line: lineAt(node.range[0]) });
    },
    ExportDefaultDeclaration: check,
  };
}

function nameOf(declaration: Deno.lint.ExportNamedDeclaration["declaration"]): string {
  if (declaration === null) return "";
  if (declaration.type === "VariableDeclaration") {
    const [{ id }] = declaration.declarations;
    return id.type === "Identifier" ? id.name : "(pattern)";
  }
  return "id" in declaration && declaration.id?.type === "Identifier" ? declaration.id.name : declaration.type;
}

function visitFunctions(
  file: { functions: (Named & { lineCount: number })[] },
  lineAt: LineAt,
): Deno.lint.LintVisitor {
  const add = (
    node: Deno.lint.FunctionDeclaration | Deno.lint.FunctionExpression | Deno.lint.ArrowFunctionExpression,
  ) => {
    const line = lineAt(node.range[0]);
    file.functions.push({ name: functionName(node), line, lineCount: lineAt(node.range[1]) - line + 1 });
  };
  return { FunctionDeclaration: add, FunctionExpression: add, ArrowFunctionExpression: add };
}

function functionName(node: Deno.lint.Node): string {
  if ("id" in node && node.id?.type === "Identifier") return node.id.name;
  const parent = "parent" in node ? node.parent : null;
  if (parent === null) return "(anonymous)";
  switch (parent.type) {
    case "VariableDeclarator":
      return parent.id.type === "Identifier" ? parent.id.name : "(pattern)";
    case "MethodDefinition":
    case "PropertyDefinition":
    case "Property":
      return parent.key.type === "Identifier" || parent.key.type === "PrivateIdentifier"
        ? parent.key.name
        : "(computed)";
    default:
      return "(anonymous)";
  }
}

function visitRim(file: { rimUses: Named[] }, lineAt: LineAt): Deno.lint.LintVisitor {
  const add = (name: string, node: Deno.lint.Node) => file.rimUses.push({ name, line: lineAt(node.range[0]) });
  return {
    Identifier: (node) => {
      if (node.name === "Deno") add("Deno", node);
    },
    CallExpression: ({ callee }) => {
      if (callee.type === "Identifier" && RIM_FUNCTIONS.includes(callee.name)) add(callee.name, callee);
    },
    MemberExpression: (node) => {
      if (node.object.type !== "Identifier" || node.property.type !== "Identifier") return;
      const name = `${node.object.name}.${node.property.name}`;
      if (RIM_MEMBERS.includes(name)) add(name, node);
    },
    "NewExpression:exit": ({ callee, arguments: given, range }) => {
      if (callee.type === "Identifier" && callee.name === "Date" && given.length === 0) {
        file.rimUses.push({ name: "new Date", line: lineAt(range[0]) });
      }
    },
  };
}
