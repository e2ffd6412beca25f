// Making elements. Text only ever becomes text nodes: nothing on this page is parsed as markup.

// el("a", { href, onclick: f }, "text", node): attributes by name, listeners by "on…", null and false left out
export function el(tag, given = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export function fill(node, ...children) {
  node.replaceChildren(...children.filter((child) => child !== null && child !== undefined));
}

// Read by a screen reader when it is free.
export function say(text) {
  document.getElementById("said").textContent = text;
}

// Characters that turn round or hide what stands beside them are shown by their number: in a command, a path or a
// diff they are there to deceive. Line ends and tabs stay.
const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;

export function visible(text) {
  return text
    .replace(/\r\n/g, "\n")
    .replace(HIDDEN, (found) => `⟨U+${found.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
}
