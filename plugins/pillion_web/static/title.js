// A session's name, which a person may change: Enter keeps the new one, Escape the old.

import { el } from "./dom.js";

export class Title {
  // rename(text) sends it; whether it was taken
  constructor(rename) {
    this.rename = rename;
    this.name = el("h1", {}, "…");
    this.root = el("div", { class: "names" }, this.name);
  }

  show(text) {
    this.name.textContent = text;
  }

  edit() {
    const input = el("input", {
      type: "text",
      maxlength: "500",
      value: this.name.textContent,
      "aria-label": "Title",
      onkeydown: async (event) => {
        if (event.isComposing || !["Enter", "Escape"].includes(event.key)) return;
        if (event.key === "Escape" || (await this.rename(input.value.trim()))) input.blur();
      },
      onblur: () => input.replaceWith(this.name),
    });
    this.name.replaceWith(input);
    input.select();
  }
}
