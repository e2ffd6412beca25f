// One session: its head, its transcript, and where one writes.

import { call, path } from "./api.js";
import { Composer } from "./composer.js";
import { el, fill, visible } from "./dom.js";
import { Follower } from "./follow.js";
import { folderOf, nameOf } from "./list.js";
import { Title } from "./title.js";
import { Transcript, TYPES } from "./transcript.js";

const STATES = { connecting: "Connecting …", live: "Live", gone: "This session is gone" };

export class SessionView {
  #id;
  #list;
  #info = null;
  #closed = false;
  #last = "";

  constructor(main, id, list) {
    this.#id = id;
    this.#list = list;
    this.title = new Title((title) => this.#change({ title }));
    this.where = el("p", { class: "where" });
    this.link = el("span", { class: "link", role: "status" });
    this.usage = el("span", { class: "usage" });
    const menu = el(
      "button",
      {
        type: "button",
        class: "quiet menu",
        "aria-controls": "sessions",
        onclick: () => document.body.classList.toggle("listing"),
      },
      "Sessions",
    );
    const rename = el("button", { type: "button", class: "quiet", onclick: () => this.title.edit() }, "Rename");
    const remove = el("button", { type: "button", class: "quiet", onclick: () => this.#ask() }, "Delete");
    const scroller = el("div", { class: "scroller" });
    this.transcript = new Transcript(scroller, {
      changed: () => this.#draw(),
      decide: (approval, answer) => call("POST", path(id, `/approvals/${encodeURIComponent(approval)}`), answer),
      answer: (question, text) =>
        call("POST", path(id, `/questions/${encodeURIComponent(question)}`), { answer: text }),
      again: (text) => this.composer.send(text),
      withdraw: (prompt) =>
        this.composer.tried(() => call("DELETE", path(id, `/prompts/${encodeURIComponent(prompt)}`))),
      became: (changes) => this.#became(changes),
    });
    this.composer = new Composer(id);
    this.title.root.append(this.where);
    fill(
      main,
      el(
        "header",
        { class: "head" },
        menu,
        this.title.root,
        el("div", { class: "facts" }, this.usage, this.link),
        el("div", { class: "deeds" }, rename, remove),
      ),
      scroller,
      this.composer.root,
    );
    this.follower = new Follower(id, TYPES, {
      event: (event) => this.transcript.take(event),
      reset: () => this.transcript.reset(),
      state: (state) => this.#linked(state),
    });
    this.onVisible = () => this.#seen();
    document.addEventListener("visibilitychange", this.onVisible);
    addEventListener("online", this.onVisible);
    this.follower.start();
    this.#load();
    this.composer.focus();
  }

  pause() {
    this.follower.stop();
  }

  close() {
    this.#closed = true;
    this.follower.stop();
    document.removeEventListener("visibilitychange", this.onVisible);
    removeEventListener("online", this.onVisible);
  }

  async #load() {
    try {
      this.#info = await call("GET", path(this.#id));
    } catch (problem) {
      if (!this.#closed) this.title.show(problem.message);
      return;
    }
    if (!this.#closed) this.#draw();
  }

  // A browser has six connections to a server for all its tabs: one that nobody looks at, and in which nothing
  // happens, gives its own up.
  #seen() {
    if (!document.hidden) this.follower.start();
    else if (!this.transcript.running) this.follower.stop();
  }

  #linked(state) {
    this.link.dataset.state = state;
    this.link.textContent = STATES[state];
    if (state === "gone") this.composer.disable();
  }

  #draw() {
    const { running, wanted, usage, title } = this.transcript;
    this.composer.running = running;
    this.usage.textContent = String(usage);
    if (this.#info) {
      const { workspace, model, strategy } = this.#info;
      const name = this.#info.title ? nameOf(this.#info) : visible(title.split("\n", 1)[0]) || nameOf(this.#info);
      this.title.show(name);
      this.where.textContent = [visible(workspace), model, strategy].filter(Boolean).join(" · ");
      document.title = `${wanted ? "Approve? " : running ? "● " : ""}${name} · ${visible(folderOf(workspace))} · Pillion`;
    }
    const now = `${running} ${wanted}`;
    if (now !== this.#last) this.#list.refresh();
    this.#last = now;
  }

  #change(changes) {
    return this.composer.tried(async () => {
      this.#became(await call("PATCH", path(this.#id), changes));
      this.#list.refresh();
    });
  }

  #became({ title, model, strategy }) {
    const given = Object.entries({ title, model, strategy }).filter(([, value]) => typeof value === "string");
    if (this.#info) Object.assign(this.#info, Object.fromEntries(given));
    this.#draw();
  }

  #ask() {
    const dialog = el(
      "dialog",
      { "aria-label": "Delete this session?" },
      el(
        "p",
        {},
        "Delete this session? What runs in it is stopped, and its transcript is gone. Files stay as they are.",
      ),
      el(
        "form",
        { method: "dialog" },
        el("button", { value: "" }, "Keep it"),
        el("button", { value: "delete", class: "deny" }, "Delete it"),
      ),
    );
    dialog.addEventListener("close", async () => {
      dialog.remove();
      if (dialog.returnValue !== "delete") return;
      if (await this.composer.tried(() => call("DELETE", path(this.#id)))) location.assign("/");
    });
    document.body.append(dialog);
    dialog.showModal();
  }
}
