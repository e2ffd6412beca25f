// One turn: the prompt, what came of it in order, and how it ended.

import { el, fill, visible } from "./dom.js";
import { Usage } from "./usage.js";

const REASONS = {
  done: "Done",
  question: "Waits for your answer",
  "limit:steps": "Stopped: the limit of steps is reached",
  "limit:seconds": "Stopped: the limit of time is reached",
  "limit:tokens": "Stopped: the limit of tokens is reached",
  "limit:cost": "Stopped: the limit of cost is reached",
  "limit:session_cost": "Stopped: the session's budget is used up",
  "limit:session_tokens": "Stopped: the session's budget of tokens is used up",
  "limit:day_cost": "Stopped: the day's budget is used up",
  "limit:day_tokens": "Stopped: the day's budget of tokens is used up",
};

export class TurnView {
  usage = new Usage();
  running = false;
  #began = 0;

  // told: again(text) asks the same once more, withdraw(prompt) takes one back that waits
  constructor(told) {
    this.told = told;
    this.words = el("div", { class: "words", dir: "auto" });
    this.badge = el("span", { class: "badge" });
    this.prompt = el("header", { class: "prompt", hidden: true }, this.words, this.badge);
    this.body = el("div", { class: "body" });
    this.end = el("footer", { class: "end" });
    this.root = el("section", { class: "turn", "aria-label": "Turn" }, this.prompt, this.body, this.end);
  }

  queued(event) {
    this.text = event.text;
    if (event.tool)
      fill(this.words, el("code", {}, visible(`${event.tool} ${event.arguments ?? ""}`))); // one call
    else this.words.textContent = event.resumes ? "Goes on where it was interrupted" : event.text;
    this.prompt.hidden = false;
    this.badge.textContent = pictures(event);
    fill(this.end, "Waits its turn", withdrawing(event, this.told));
  }

  dropped({ why }) {
    this.#over("stopped", `Not asked: ${visible(why)}`);
  }

  // A prompt that becomes part of this turn.
  joins(event) {
    const prompt = new Joining(event, this.told, (root) => this.add(root));
    this.add(prompt.root);
    return prompt;
  }

  started(event) {
    this.running = true;
    this.#began = Date.parse(event.time);
    this.root.classList.add("running");
    this.end.textContent = "";
  }

  waits(words) {
    if (this.running) this.end.textContent = words;
  }

  add(node) {
    this.body.append(node);
  }

  finished(event) {
    const { type, time, usage } = event;
    if (usage) this.usage = new Usage().add(usage);
    const seconds = this.#began ? (Date.parse(time) - this.#began) / 1000 : 0;
    const facts = [String(this.usage), seconds >= 0.1 ? `${seconds.toFixed(1)} s` : ""].filter(Boolean).join(" · ");
    if (type === "turn.finished") {
      const reason = event.reason ?? "done";
      this.#over(reason === "done" ? "done" : "limit", REASONS[reason] ?? reason, facts);
    } else if (type === "turn.failed") {
      this.#over("failed", visible(event.message), facts, event.code);
      if (event.retryable && this.text)
        this.end.append(
          el("button", { type: "button", class: "quiet", onclick: () => this.told.again(this.text) }, "Ask again"),
        );
    } else if (type === "turn.cancelled") {
      this.#over("stopped", event.leftovers ? "Cancelled; a plugin did not let go in time" : "Cancelled", facts);
    } else {
      this.#over("stopped", "Cut off: the server ended in the middle");
    }
  }

  #over(state, words, facts = "", code = "") {
    this.running = false;
    this.root.classList.remove("running");
    this.end.dataset.state = state;
    fill(
      this.end,
      el("span", { class: "how" }, words),
      code ? el("code", {}, code) : null,
      facts ? el("span", { class: "facts" }, facts) : null,
    );
  }
}

class Joining {
  constructor(event, told, move) {
    this.event = event;
    this.move = move;
    this.badge = el(
      "span",
      { class: "badge" },
      event.when === "break" ? "Breaks in after the running tool" : "Joins at the next step",
      withdrawing(event, told),
    );
    this.root = el(
      "div",
      { class: "prompt joins" },
      el("div", { class: "words", dir: "auto" }, event.text),
      this.badge,
    );
  }

  // Where the model reads it is where it stands.
  joined() {
    this.move(this.root);
    this.badge.textContent = pictures(this.event);
  }

  dropped({ why }) {
    this.badge.textContent = `Not asked: ${visible(why)}`;
  }
}

const pictures = ({ images = [] }) =>
  images.length ? `${images.length} ${images.length === 1 ? "picture" : "pictures"}` : "";

function withdrawing({ prompt }, told) {
  return el("button", { type: "button", class: "quiet", onclick: () => told.withdraw(prompt) }, "Withdraw");
}
