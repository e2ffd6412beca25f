// One tool call: its arguments and its output as they grow, what it changed, and what a person is asked about it.

import { diffView } from "./diff.js";
import { el, fill, visible } from "./dom.js";
import { Growing } from "./growing.js";

const WORDS = {
  writing: "being written",
  waiting: "waits for you",
  running: "runs",
  done: "done",
  failed: "failed",
  denied: "denied",
  stopped: "stopped",
};
const TELLING = ["command", "path", "file", "pattern", "query", "url", "name"]; // arguments that say what a call is about
const BRIEF = 160;

export class ToolCall {
  arguments = new Growing();
  output = new Growing();
  #touched = false; // a person opened or closed it, so it stays as it is
  #dirty = false;

  constructor(name) {
    this.name = name;
    this.brief = el("span", { class: "brief" });
    this.facts = el("span", { class: "facts" });
    this.note = el("span", { class: "note" });
    this.given = el("div", { class: "given" });
    this.shown = el("pre", { class: "output", tabindex: "0", hidden: true, "aria-label": "Output" });
    const summary = el(
      "summary",
      {},
      el("span", { class: "mark", "aria-hidden": "true" }),
      el("span", { class: "name" }, visible(name)),
      this.brief,
      this.facts,
      this.note,
    );
    summary.addEventListener("click", () => (this.#touched = true));
    this.details = el("details", {}, summary, this.given, this.shown);
    this.changes = el("div", { class: "changes" });
    this.asked = el("div");
    this.root = el(
      "article",
      { class: "tool", "aria-label": `Tool call ${visible(name)}` },
      this.details,
      this.changes,
      this.asked,
    );
    this.become("writing");
  }

  become(state) {
    this.state = state;
    this.root.dataset.state = state;
    this.note.textContent = state === "done" ? "" : WORDS[state];
    if (!this.#touched) this.details.open = state === "running" || state === "failed";
  }

  // What has grown since is shown by `draw`.
  growArguments(at, text) {
    this.arguments.grow(at, text);
    this.#dirty = true;
  }

  growOutput(at, text) {
    if (this.output.grow(at, text)) this.#append(text);
    else this.#write(this.output.text);
  }

  written(text) {
    this.arguments.close(text);
    this.#dirty = false;
    const given = parsed(text);
    fill(this.given, ...(given ? Object.entries(given).map(argument) : [el("pre", {}, visible(text))]));
    this.brief.textContent = visible(brief(given)).slice(0, BRIEF);
  }

  draw() {
    if (!this.#dirty) return;
    this.#dirty = false;
    fill(this.given, el("pre", {}, visible(this.arguments.text)));
  }

  // What is shown while it runs may be more than the model reads; where nothing was shown, that is shown.
  finished({ text, error, code, seconds }) {
    if (!this.output.text || error) this.#write(text);
    if (seconds >= 0.1) this.facts.append(`${seconds.toFixed(1)} s`);
    this.become(code === "denied" ? "denied" : error ? "failed" : "done");
  }

  stopped(text) {
    if (text && !this.output.text) this.#write(text);
    this.become("stopped");
  }

  changed({ path, kind, diff, added = 0, removed = 0 }) {
    const counts = el(
      "span",
      { class: "counts" },
      added ? el("ins", {}, `+${added}`) : null,
      removed ? el("del", {}, `−${removed}`) : null,
    );
    const title = el("figcaption", {}, el("code", {}, visible(path)), kind === "changed" ? null : ` ${kind} `, counts);
    this.changes.append(el("figure", { class: "change" }, title, diff ? diffView(diff, true) : null));
    this.brief.textContent ||= visible(path);
  }

  // `root` is what a person is asked; it stays, with the answer.
  ask(root) {
    this.become("waiting");
    this.asked.append(root);
  }

  resume(allowed) {
    if (this.state === "waiting") this.become(allowed ? "running" : "denied");
  }

  #append(text) {
    this.shown.hidden = false;
    const end = this.shown.scrollHeight - this.shown.scrollTop - this.shown.clientHeight < 24;
    const last = this.shown.lastChild;
    if (last) last.appendData(visible(text));
    else this.shown.append(visible(text));
    if (end) this.shown.scrollTop = this.shown.scrollHeight;
  }

  #write(text) {
    this.shown.hidden = !text;
    this.shown.textContent = visible(text);
  }
}

function parsed(text) {
  try {
    const given = JSON.parse(text);
    return given && typeof given === "object" && !Array.isArray(given) ? given : null;
  } catch {
    return null;
  }
}

function argument([name, value]) {
  const text = visible(typeof value === "string" ? value : JSON.stringify(value, null, 2));
  return el(
    "div",
    { class: "argument" },
    el("span", { class: "key" }, visible(name)),
    text.includes("\n") ? el("pre", { tabindex: "0" }, text) : el("code", {}, text),
  );
}

function brief(given) {
  if (!given) return "";
  const name =
    TELLING.find((key) => typeof given[key] === "string") ??
    Object.keys(given).find((key) => typeof given[key] === "string");
  return name ? given[name].split("\n", 1)[0] : "";
}
