// The sessions: the newest first, what each is doing, and the way to a new one.

import { call } from "./api.js";
import { el, fill, visible } from "./dom.js";

const EVERY = 4_000; // milliseconds, while somebody looks
const AGES = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];
const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

export const nameOf = ({ title, workspace }) => visible(title || folderOf(workspace));
export const folderOf = (workspace) => workspace.replace(/\/+$/, "").split("/").at(-1) || workspace;

export class SessionList {
  sessions = [];
  #current = "";
  #timer = 0;
  #cursor = null;
  #shown = "";

  constructor(root, { signOut }) {
    this.trouble = el("p", { class: "trouble", hidden: true });
    this.items = el("ul");
    this.more = el(
      "button",
      { type: "button", class: "quiet", hidden: true, onclick: () => this.#older() },
      "Older ones",
    );
    fill(
      root,
      el(
        "header",
        {},
        el("a", { href: "/", class: "brand" }, "Pillion"),
        el("a", { href: "/", class: "button", id: "new" }, "New session"),
      ),
      this.trouble,
      this.items,
      this.more,
      el("footer", {}, el("button", { type: "button", class: "quiet", onclick: signOut }, "Sign out")),
    );
    document.addEventListener("visibilitychange", () => (document.hidden ? this.pause() : this.start()));
  }

  set current(id) {
    this.#current = id;
    this.#draw();
  }

  start() {
    this.pause();
    this.refresh();
    this.#timer = setInterval(() => this.refresh(), EVERY);
  }

  pause() {
    clearInterval(this.#timer);
  }

  async refresh() {
    try {
      const page = await call("GET", "/api/sessions");
      const fresh = new Set(page.data.map((session) => session.id));
      const older = this.sessions.length > page.data.length && page.next_cursor;
      this.sessions = older ? [...page.data, ...this.sessions.filter((session) => !fresh.has(session.id))] : page.data;
      if (!older) this.#cursor = page.next_cursor;
      this.trouble.hidden = true;
    } catch (problem) {
      this.trouble.textContent = problem.message;
      this.trouble.hidden = problem.status === 401;
    }
    this.#draw();
  }

  async #older() {
    const page = await call("GET", `/api/sessions?cursor=${encodeURIComponent(this.#cursor)}`);
    this.sessions = [...this.sessions, ...page.data];
    this.#cursor = page.next_cursor;
    this.#draw();
  }

  // Only what has changed: a list that is made anew every few seconds would lose the focus.
  #draw() {
    const rows = this.sessions.map((session) => ({
      session,
      age: ago(session.updated),
      current: session.id === this.#current,
    }));
    const shown = JSON.stringify(
      rows.map(({ session, age, current }) => [
        session.id,
        nameOf(session),
        session.workspace,
        session.state,
        age,
        current,
      ]),
    );
    this.more.hidden = !this.#cursor;
    if (shown === this.#shown) return;
    this.#shown = shown;
    const focused = document.activeElement?.closest?.("#sessions li")?.dataset.id;
    fill(this.items, ...rows.map(row));
    if (focused) this.items.querySelector(`li[data-id="${CSS.escape(focused)}"] a`)?.focus();
  }
}

function row({ session, age, current }) {
  const state = session.state === "idle" ? null : el("span", { class: "unseen" }, `, ${session.state}`);
  return el(
    "li",
    { "data-id": session.id, "data-state": session.state },
    el(
      "a",
      {
        href: `/sessions/${encodeURIComponent(session.id)}`,
        "aria-current": current ? "page" : null,
        title: visible(session.workspace),
      },
      el("span", { class: "title" }, nameOf(session), state),
      el("span", { class: "below" }, session.title ? `${visible(folderOf(session.workspace))} · ${age}` : age),
    ),
  );
}

function ago(time) {
  const seconds = (Date.now() - Date.parse(time)) / 1000;
  for (const [unit, length] of AGES) if (seconds >= length) return words.format(-Math.floor(seconds / length), unit);
  return "just now";
}
