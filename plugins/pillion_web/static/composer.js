// Where one writes: Enter sends, Shift-Enter begins a line, Escape stops what runs. A draft is lost only when it is sent.

import { call, path } from "./api.js";
import { el, say } from "./dom.js";
import { choices } from "./welcome.js";

const WHEN = [
  ["queue", "Ask after this turn"],
  ["steer", "Join at the next step"],
  ["break", "Break in, then go on"],
  ["interrupt", "Stop this turn and ask"],
];

export class Composer {
  #session;
  #running = false;

  constructor(session) {
    this.#session = session;
    this.input = el("textarea", {
      id: "prompt",
      rows: "1",
      placeholder: "Ask for something",
      "aria-label": "Prompt",
      enterkeyhint: "send",
      oninput: () => this.#fit(),
      onkeydown: (event) => this.#key(event),
    });
    this.trouble = el("p", { class: "trouble", role: "alert", hidden: true });
    this.model = el(
      "select",
      { "aria-label": "Model of this prompt", class: "quiet" },
      el("option", { value: "" }, "Session's model"),
    );
    this.when = el(
      "select",
      { "aria-label": "When it is asked", class: "quiet", hidden: true },
      ...WHEN.map(([value, words]) => el("option", { value }, words)),
    );
    this.stop = el(
      "button",
      { type: "button", class: "stop", hidden: true, title: "Escape", onclick: () => this.cancel() },
      "Stop",
    );
    this.submit = el("button", { type: "submit", class: "primary" }, "Send");
    const row = el(
      "div",
      { class: "row" },
      this.model,
      this.when,
      el("span", { class: "keys" }, "Enter sends · Shift-Enter: new line"),
      this.stop,
      this.submit,
    );
    this.root = el(
      "form",
      { class: "composer", onsubmit: (event) => this.#submit(event) },
      this.trouble,
      el("div", { class: "box" }, this.input, row),
    );
    choices(this.model, "/api/models");
    this.input.value = sessionStorage.getItem(this.#draft) ?? "";
  }

  get #draft() {
    return `draft ${this.#session}`;
  }

  set running(running) {
    if (running === this.#running) return;
    this.#running = running;
    this.stop.hidden = this.when.hidden = !running;
    this.stop.disabled = false;
    this.root.classList.toggle("running", running);
  }

  focus() {
    this.input.focus({ preventScroll: true });
  }

  disable() {
    for (const control of [this.input, this.submit, this.model, this.when]) control.disabled = true;
  }

  // Whether it was taken.
  async send(text) {
    const body = { text, when: this.#running ? this.when.value : "queue" };
    if (this.model.value) body.model = this.model.value;
    return this.tried(() => call("POST", path(this.#session, "/prompts"), body));
  }

  async cancel() {
    this.stop.disabled = true;
    say("Stopping.");
    if (!(await this.tried(() => call("POST", path(this.#session, "/cancel"), {})))) this.stop.disabled = false;
  }

  async #submit(event) {
    event?.preventDefault();
    const text = this.input.value;
    if (!text.trim() || this.submit.disabled) return;
    this.submit.disabled = true;
    const sent = await this.send(text);
    this.submit.disabled = false;
    if (!sent || this.input.value !== text) return;
    this.input.value = "";
    this.#fit();
  }

  #key(event) {
    if (event.isComposing || event.keyCode === 229) return; // an input method's own Enter
    if (event.key === "Enter" && !event.shiftKey) this.#submit(event);
    else if (event.key === "Escape" && this.#running) this.cancel();
  }

  #fit() {
    sessionStorage.setItem(this.#draft, this.input.value);
    this.input.style.height = "auto";
    this.input.style.height = `${this.input.scrollHeight}px`;
  }

  // Does it, and shows what went wrong. Whether nothing did.
  async tried(action) {
    this.trouble.hidden = true;
    try {
      await action();
      return true;
    } catch (problem) {
      this.trouble.textContent = problem.message;
      this.trouble.hidden = false;
      return false;
    }
  }
}
