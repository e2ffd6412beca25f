// A model's words as elements: the part of Markdown that models write, made of text nodes, with no pictures fetched
// and no links but to the web. It grows: blocks whose text has not changed keep their elements.

import { el } from "./dom.js";

const LONGEST = 3_000; // characters of a block that are looked through for marks; a longer one is shown as it is
const FENCE = /^\s*(`{3,}|~{3,})\s*([\w+#.-]*)/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*)$/;
const RULE = /^ {0,3}([-*_])(?: *\1){2,}\s*$/;
const DASHES = /^\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?$/;
const DEEPEST = 8; // lists and quotes in one another; below that their text is shown as it is
const MARKS = new RegExp(
  [
    "(?<ticks>`+)(?<code>.+?)\\k<ticks>(?!`)",
    "\\*\\*(?=\\S)(?<strong>.+?)(?<=\\S)\\*\\*",
    "(?<!\\w)__(?=\\S)(?<strong2>.+?)(?<=\\S)__(?!\\w)",
    "\\*(?=[^\\s*])(?<em>.+?)(?<=[^\\s*])\\*(?!\\*)",
    "(?<!\\w)_(?=[^\\s_])(?<em2>.+?)(?<=[^\\s_])_(?!\\w)",
    "~~(?=\\S)(?<del>.+?)~~",
    '!?\\[(?<label>[^\\]]*)\\]\\((?<target>[^()\\s]+(?:\\([^()\\s]*\\)[^()\\s]*)*)(?:\\s+"[^"]*")?\\)',
    "(?<url>https?://[^\\s<>]*[^\\s<>.,;:!?'\")\\]*_`])",
  ].join("|"),
  "gs",
);

export class Prose {
  #sources = [];

  constructor(root) {
    this.root = root;
  }

  show(text) {
    const blocks = split(text);
    let same = 0;
    while (same < blocks.length && blocks[same].source === this.#sources[same]) same++;
    while (this.root.children.length > same) this.root.lastElementChild.remove();
    this.root.append(...blocks.slice(same).map((block) => element(block)));
    this.#sources = blocks.map((block) => block.source);
  }
}

// Blocks in order: { kind, lines, source }; two with the same source look the same.
function split(text) {
  const lines = text.split("\n");
  const blocks = [];
  for (let at = 0; at < lines.length;) {
    if (!lines[at].trim()) {
      at++;
      continue;
    }
    const [kind, end] = extent(lines, at);
    const own = lines.slice(at, end);
    blocks.push({ kind, lines: own, source: `${kind}\n${own.join("\n")}` });
    at = end;
  }
  return blocks;
}

function extent(lines, at) {
  const fence = FENCE.exec(lines[at]);
  if (fence) return ["fence", fenceEnd(lines, at, fence[1])];
  if (HEADING.test(lines[at])) return ["heading", at + 1];
  if (RULE.test(lines[at])) return ["rule", at + 1];
  if (lines[at].trimStart().startsWith(">"))
    return ["quote", until(lines, at, (line) => line.trimStart().startsWith(">"))];
  if (ITEM.test(lines[at])) return ["list", listEnd(lines, at)];
  if (lines[at].includes("|") && DASHES.test((lines[at + 1] ?? "").trim()))
    return ["table", until(lines, at, (line) => line.includes("|"))];
  return ["paragraph", until(lines, at + 1, (line) => line.trim() && !opensBlock(line))];
}

const opensBlock = (line) => FENCE.test(line) || HEADING.test(line) || RULE.test(line) || ITEM.test(line);

// The first line from `at` on that isn't one of these.
function until(lines, at, holds) {
  while (at < lines.length && holds(lines[at])) at++;
  return at;
}

function fenceEnd(lines, at, mark) {
  for (let end = at + 1; end < lines.length; end++) {
    const line = lines[end].trim();
    if (line.startsWith(mark) && !line.replaceAll(mark[0], "")) return end + 1;
  }
  return lines.length;
}

// A blank line does not end a list that goes on behind it; an item of the other kind does.
function listEnd(lines, at) {
  const [, indent, mark] = ITEM.exec(lines[at]);
  const other = (line) => {
    const found = ITEM.exec(line);
    return found !== null && found[1].length <= indent.length && /\d/.test(found[2]) !== /\d/.test(mark);
  };
  let end = at + 1;
  while (end < lines.length && !FENCE.test(lines[end]) && !HEADING.test(lines[end]) && !other(lines[end])) {
    const next = lines[end + 1] ?? "";
    if (!lines[end].trim() && !ITEM.test(next) && !/^\s{2,}\S/.test(next)) break;
    end++;
  }
  return end;
}

function element({ kind, lines }, depth = 0) {
  switch (kind) {
    case "fence":
      return code(lines);
    case "heading": {
      const [, marks, words] = HEADING.exec(lines[0]);
      return el(`h${Math.min(6, marks.length + 2)}`, { dir: "auto" }, ...inline(words.trim().replace(/\s#+$/, "")));
    }
    case "rule":
      return el("hr");
    case "quote":
      return el(
        "blockquote",
        {},
        ...below(
          lines.map((line) => line.replace(/^\s*> ?/, "")),
          depth,
        ),
      );
    case "list":
      return list(lines, depth);
    case "table":
      return table(lines);
    default:
      return el("p", { dir: "auto" }, ...inline(lines.join("\n")));
  }
}

function below(lines, depth) {
  if (depth >= DEEPEST) return [el("p", { dir: "auto" }, lines.join("\n"))];
  return split(lines.join("\n")).map((block) => element(block, depth + 1));
}

function code([first, ...rest]) {
  const [, mark, language] = FENCE.exec(first);
  const last = rest.at(-1)?.trim() ?? "";
  if (last.startsWith(mark) && !last.replaceAll(mark[0], "")) rest.pop();
  const indent = /^\s*/.exec(first)[0];
  const text = rest.map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line)).join("\n");
  return codeBlock(text, language);
}

function codeBlock(text, language = "") {
  const copy = el("button", { type: "button", class: "copy", "aria-label": "Copy this code" }, "Copy");
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    copy.textContent = "Copied";
    setTimeout(() => (copy.textContent = "Copy"), 1500);
  });
  return el(
    "figure",
    { class: "code", "data-language": language || null },
    el("pre", { tabindex: "0" }, el("code", {}, text)),
    copy,
  );
}

function list(lines, depth) {
  const [, indent, mark] = ITEM.exec(lines[0]);
  const items = [];
  for (const line of lines) {
    const found = ITEM.exec(line);
    if (found && found[1].length <= indent.length + 1) items.push({ words: [found[3]], rest: [] });
    else if (!line.trim()) continue;
    else if (found || items.at(-1).rest.length) items.at(-1).rest.push(line);
    else items.at(-1).words.push(line.trim());
  }
  const first = parseInt(mark);
  return el(
    Number.isNaN(first) ? "ul" : "ol",
    { dir: "auto", start: first > 1 ? first : null },
    ...items.map(({ words, rest }) =>
      el("li", {}, ...task(words.join("\n")), ...(rest.length ? below(rest, depth) : [])),
    ),
  );
}

function task(words) {
  const box = /^\[([ xX])\]\s+/.exec(words);
  if (!box) return inline(words);
  return [box[1] === " " ? "☐ " : "☑ ", ...inline(words.slice(box[0].length))];
}

function table([head, , ...rows]) {
  const row = (line, cell) => el("tr", {}, ...cells(line).map((words) => el(cell, { dir: "auto" }, ...inline(words))));
  return el(
    "div",
    { class: "wide", tabindex: "0" },
    el("table", {}, el("thead", {}, row(head, "th")), el("tbody", {}, ...rows.map((line) => row(line, "td")))),
  );
}

function cells(line) {
  return line
    .trim()
    .replace(/^\|/, "")
    .replace(/(?<!\\)\|$/, "")
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll("\\|", "|"));
}

// Nodes for a piece of a line: text, code, emphasis, links.
function inline(text, depth = 0) {
  if (text.length > LONGEST || depth > 4) return [text];
  const nodes = [];
  let at = 0;
  for (const found of text.matchAll(MARKS)) {
    if (found.index > at) nodes.push(text.slice(at, found.index));
    nodes.push(marked(found, depth));
    at = found.index + found[0].length;
  }
  nodes.push(text.slice(at));
  return nodes;
}

function marked(found, depth) {
  const { code, strong, strong2, em, em2, del, label, target, url } = found.groups;
  const inner = (words) => inline(words, depth + 1);
  if (code !== undefined)
    return el("code", {}, code.startsWith(" ") && code.endsWith(" ") && code.trim() ? code.slice(1, -1) : code);
  if (strong ?? strong2) return el("strong", {}, ...inner(strong ?? strong2));
  if (em ?? em2) return el("em", {}, ...inner(em ?? em2));
  if (del) return el("del", {}, ...inner(del));
  if (target) return link(target, label) ?? found[0];
  return link(url, url) ?? found[0];
}

// null for what leads nowhere on the web: a path, another scheme.
function link(target, label) {
  let url;
  try {
    url = new URL(target);
  } catch {
    return null;
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") return null;
  return el(
    "a",
    { href: url.href, target: "_blank", rel: "noopener noreferrer nofollow", title: url.href },
    label || url.href,
  );
}
