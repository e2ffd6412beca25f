// Where one begins: a folder, and how to work on it.

import { call } from "./api.js";
import { el, fill } from "./dom.js";

export async function welcome(main, list, go) {
  document.title = "Pillion";
  const folder = field(
    "workspace",
    "Folder",
    el("input", {
      type: "text",
      id: "workspace",
      name: "workspace",
      required: true,
      autocomplete: "off",
      spellcheck: "false",
      list: "folders",
      placeholder: "/home/me/project",
    }),
    "Its absolute path, on the machine where the server runs.",
  );
  const model = field(
    "model",
    "Model",
    el("select", { id: "model", name: "model" }, option("", "as the settings say")),
  );
  const strategy = field(
    "strategy",
    "Strategy",
    el("select", { id: "strategy", name: "strategy" }, option("", "as the settings say")),
  );
  const trouble = el("p", { class: "trouble", role: "alert", hidden: true });
  const folders = el("datalist", { id: "folders" });
  const begin = el("button", { type: "submit", class: "primary" }, "Open session");
  const form = el(
    "form",
    { class: "new", onsubmit: submit },
    folder.root,
    folders,
    el("div", { class: "pair" }, model.root, strategy.root),
    trouble,
    begin,
  );
  fill(
    main,
    el(
      "div",
      { class: "welcome" },
      el(
        "button",
        { type: "button", class: "quiet menu", onclick: () => document.body.classList.toggle("listing") },
        "Sessions",
      ),
      el("h1", {}, "What shall we work on?"),
      form,
    ),
  );
  folder.control.focus();
  await Promise.all([
    choices(model.control, "/api/models"),
    choices(strategy.control, "/api/strategies"),
    list.refresh(),
  ]);
  const known = new Set(list.sessions.map((session) => session.workspace));
  fill(folders, ...[...known].map((path) => el("option", { value: path })));
  if (!folder.control.value && list.sessions.length) folder.control.value = list.sessions[0].workspace;

  async function submit(event) {
    event.preventDefault();
    begin.disabled = true;
    for (const each of [folder, model, strategy]) each.wrong("");
    trouble.hidden = true;
    const wanted = {
      workspace: folder.control.value.trim(),
      model: model.control.value,
      strategy: strategy.control.value,
    };
    try {
      const session = await call("POST", "/api/sessions", wanted);
      list.refresh();
      go(`/sessions/${encodeURIComponent(session.id)}`);
    } catch (problem) {
      begin.disabled = false;
      const byName = { workspace: folder, model, strategy };
      const unplaced = problem.errors.filter((error) => !byName[error.field]?.wrong(error.message));
      if (problem.errors.length && !unplaced.length) return;
      trouble.textContent = problem.message;
      trouble.hidden = false;
    }
  }
}

function field(id, label, control, hint = "") {
  const wrong = el("p", { class: "trouble", id: `${id}-wrong`, role: "alert", hidden: true });
  const root = el(
    "div",
    { class: "field" },
    el("label", { for: id }, label),
    control,
    hint ? el("p", { class: "hint", id: `${id}-hint` }, hint) : null,
    wrong,
  );
  control.setAttribute("aria-describedby", `${id}-hint ${id}-wrong`);
  return {
    root,
    control,
    wrong(message) {
      wrong.textContent = message;
      wrong.hidden = !message;
      control.toggleAttribute("aria-invalid", Boolean(message));
      if (message) control.focus();
      return true;
    },
  };
}

const option = (value, words, title) => el("option", { value, title }, words);

// A list that can't be had leaves the one choice that always works.
export async function choices(select, path) {
  const known = await call("GET", path).catch(() => ({ data: [] }));
  select.append(...known.data.map(({ name, note, description }) => option(name, name, note || description)));
}
