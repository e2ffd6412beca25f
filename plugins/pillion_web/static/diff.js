// A unified diff, coloured. The sign at the beginning of a line stays, so that colour is not all that tells.

import { el, visible } from "./dom.js";

const SHOWN = 300; // lines at first

export const isDiff = (text) => /^(--- |diff --git |@@ )/.test(text) && /^@@ /m.test(text);

// `bare`: without the lines that name the file, since that stands above.
export function diffView(text, bare = false) {
  const lines = visible(text).split("\n");
  if (lines.at(-1) === "") lines.pop();
  while (bare && /^(--- |\+\+\+ )/.test(lines[0] ?? "")) lines.shift();
  const pre = el(
    "div",
    { class: "diff", tabindex: "0", role: "group", "aria-label": "Changes" },
    ...lines.slice(0, SHOWN).map(row),
  );
  const rest = lines.slice(SHOWN);
  if (!rest.length) return pre;
  const more = el("button", { type: "button", class: "quiet" }, `Show the other ${rest.length.toLocaleString()} lines`);
  more.addEventListener("click", () => {
    pre.append(...rest.map(row));
    more.remove();
    pre.focus();
  });
  return el("div", {}, pre, more);
}

const KINDS = { "+": "added", "-": "removed", "@": "place", "\\": "place" };

function row(line) {
  const kind = /^(--- |\+\+\+ |diff )/.test(line) ? "file" : KINDS[line[0]];
  return el("div", { class: kind ?? null }, line || " ");
}
