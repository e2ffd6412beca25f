// A session's events as a page of turns. What grows is kept as text and drawn once a frame.

import { approvalView } from "./approval.js";
import { el, fill, say, visible } from "./dom.js";
import { Growing } from "./growing.js";
import { Prose } from "./markdown.js";
import { questionView } from "./question.js";
import { ToolCall } from "./tool.js";
import { TurnView } from "./turn.js";
import { Usage } from "./usage.js";

const NEAR = 80; // pixels from the end within which the reader is taken to follow it
const FRAME = 30; // milliseconds; a timer, since a hidden page draws no frames and still has a title to change

export class Transcript {
  #timer = 0;
  #dirty = new Set();
  #atEnd = true;
  #size = "";

  // told: changed() when the session's state may be another, decide(approval, answer), answer(question, text),
  // again(text), withdraw(prompt), became({ title, model, strategy })
  constructor(scroller, told) {
    this.scroller = scroller;
    this.told = told;
    this.root = el("div", { class: "transcript", role: "log", "aria-live": "off", "aria-label": "Transcript" });
    this.latest = el(
      "button",
      { type: "button", class: "latest", hidden: true, onclick: () => this.toEnd() },
      "To the latest",
    );
    fill(scroller, this.root, this.latest);
    scroller.addEventListener("scroll", () => this.#looked(), { passive: true });
    new ResizeObserver(() => this.#looked()).observe(scroller);
    this.reset();
  }

  reset() {
    this.turns = new Map();
    this.items = new Map();
    this.calls = new Map();
    this.asked = new Map();
    this.joining = new Map();
    this.title = "";
    this.#dirty.clear();
    fill(this.root);
  }

  get running() {
    return [...this.turns.values()].some((turn) => turn.running);
  }

  get wanted() {
    return [...this.asked.values()].filter(({ over }) => !over).length;
  }

  get usage() {
    return [...this.turns.values()].reduce((sum, turn) => sum.add(turn.usage), new Usage());
  }

  toEnd() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  take(event) {
    this.#timer ||= setTimeout(() => this.#draw(), FRAME);
    HANDLERS[event.type]?.call(this, event);
  }

  turnOf(event, id = event.turn ?? "") {
    let turn = this.turns.get(id);
    if (!turn) {
      turn = new TurnView(this.told);
      this.turns.set(id, turn);
      this.root.append(turn.root);
    }
    return turn;
  }

  // ── items: text that grows ──

  open(event, item) {
    this.items.set(Number(event.id), item);
    if (!item.root.isConnected) this.turnOf(event).add(item.root);
  }

  grow({ item, at, text }) {
    const found = this.items.get(item);
    found?.grow(at, text);
    if (found) this.#dirty.add(found);
  }

  close(event) {
    const found = this.items.get(event.item);
    found?.close(event);
    if (found) this.#dirty.add(found);
    this.items.delete(event.item);
  }

  void(event) {
    this.items.get(event.item)?.root.remove();
    this.items.delete(event.item);
  }

  // A vendor's ids may come again in a later step: the newest call of an id is the one that is meant.
  newCall(event) {
    const call = new ToolCall(event.tool);
    this.calls.set(event.call, call);
    this.turnOf(event).add(call.root);
    return call;
  }

  // ── what waits for a person ──

  // In its call's own box, where there is one here: a child session's calls are not in this log.
  ask(id, event, view) {
    const call = event.path?.length ? undefined : this.calls.get(event.call);
    if (call) call.ask(view.root);
    else this.turnOf(event).add(el("article", { class: "tool", "data-state": "waiting" }, view.root));
    this.asked.set(id, { view, call, over: false });
    if (isNew(event)) say(view.root.getAttribute("aria-label"));
  }

  over(id, allowed) {
    const asked = this.asked.get(id);
    if (!asked) return undefined;
    asked.over = true;
    asked.call?.resume(allowed);
    asked.view.root.closest(".tool").dataset.asked = "over";
    return asked.view;
  }

  // ── drawing ──

  // Whoever reads further up stays there; who is at the end stays at the end, also when the window changes.
  #looked() {
    const { scrollHeight, scrollTop, clientHeight, clientWidth } = this.scroller;
    const size = `${clientWidth} ${clientHeight}`;
    const resized = size !== this.#size;
    this.#size = size;
    if (resized && this.#atEnd) return this.toEnd();
    this.#atEnd = scrollHeight - scrollTop - clientHeight < NEAR;
    this.latest.hidden = this.#atEnd;
  }

  #draw() {
    this.#timer = 0;
    for (const item of this.#dirty) item.draw();
    this.#dirty.clear();
    if (this.#atEnd) this.toEnd();
    else this.latest.hidden = false;
    this.told.changed();
  }
}

class Text {
  growing = new Growing();

  constructor() {
    this.root = el("div", { class: "prose" });
    this.prose = new Prose(this.root);
  }

  grow(at, text) {
    this.growing.grow(at, text);
  }

  close({ text }) {
    this.growing.close(text);
  }

  draw() {
    this.prose.show(this.growing.text);
  }
}

class Thinking {
  growing = new Growing();

  constructor() {
    this.summary = el("summary", {}, "Thinks");
    this.words = el("div", { class: "words", dir: "auto" });
    this.root = el("details", { class: "thinking" }, this.summary, this.words);
  }

  grow(at, text) {
    this.growing.grow(at, text);
  }

  close({ text }) {
    this.growing.close(text);
    this.summary.textContent = "Thought";
    this.root.hidden = !text;
  }

  draw() {
    this.words.textContent = this.growing.text;
  }
}

// The two texts of a call are items of one thing: as the model writes it, and as it runs.
const writing = (call) => ({
  root: call.root,
  grow: (at, text) => call.growArguments(at, text),
  close: (event) => (event.type === "call.finished" ? call.written(event.text) : call.stopped("")),
  draw: () => call.draw(),
});
const running = (call) => ({
  root: call.root,
  grow: (at, text) => call.growOutput(at, text),
  close: (event) =>
    event.type === "tool.finished" ? call.finished({ error: false, seconds: 0, ...event }) : call.stopped(event.text),
  draw: () => {},
});

function grows(event) {
  this.grow(event);
}

function closes(event) {
  this.close(event);
}

function voids(event) {
  this.void(event);
}

function ends(event) {
  this.turnOf(event).finished(event);
  if (isNew(event))
    say(
      { "turn.finished": "The turn is done.", "turn.failed": `The turn failed: ${visible(event.message ?? "")}` }[
        event.type
      ] ?? "The turn was stopped.",
    );
}

// Not of a log that is shown again: nobody needs to hear that.
const isNew = ({ time }) => Date.now() - Date.parse(time) < 10_000;

// Each is called with the transcript as `this`.
const HANDLERS = {
  "session.changed"(event) {
    this.told.became(event);
  },
  "prompt.queued"(event) {
    this.title ||= event.text;
    if (event.joins) this.joining.set(event.prompt, this.turnOf(event, event.joins).joins(event));
    else this.turnOf(event, event.prompt).queued(event);
  },
  "prompt.joined"(event) {
    this.joining.get(event.prompt)?.joined();
    this.joining.delete(event.prompt);
  },
  "prompt.dropped"(event) {
    (this.joining.get(event.prompt) ?? this.turnOf(event, event.prompt)).dropped(event);
    this.joining.delete(event.prompt);
  },
  "turn.started"(event) {
    const turn = this.turnOf(event);
    const late = this.joining.get(event.prompt); // the turn it was to join was over first
    late?.root.remove();
    if (late) turn.queued(late.event);
    this.joining.delete(event.prompt);
    turn.started(event);
  },
  "model.told"(event) {
    this.turnOf(event).add(el("p", { class: "told" }, "The model is told: ", visible(event.text)));
  },
  "history.compacting"(event) {
    this.turnOf(event).waits("The conversation is made shorter …");
  },
  "history.compacted"(event) {
    if (!event.turn) return; // of a fork: it was so before
    const turn = this.turnOf(event);
    turn.waits("");
    turn.add(el("p", { class: "told" }, `The conversation was made shorter: ${event.before} tokens are ${event.after} now.`));
  },
  "history.compaction_failed"(event) {
    const turn = this.turnOf(event);
    turn.waits("");
    turn.add(el("p", { class: "told" }, "The conversation could not be made shorter: ", visible(event.message)));
  },
  "turn.stopping"(event) {
    this.turnOf(event).waits("Stops …");
  },
  "turn.finished": ends,
  "turn.failed": ends,
  "turn.cancelled": ends,
  "turn.interrupted": ends,
  "usage.recorded"(event) {
    this.turnOf(event).usage.add(event.usage);
  },
  "step.started"(event) {
    this.turnOf(event).waits("");
  },
  "model.waiting"(event) {
    this.turnOf(event).waits(`Waits ${Math.round(event.seconds)} s: ${visible(event.why)}`);
  },
  "tool.progress"(event) {
    const share = event.done === undefined || event.done === null ? "" : `${Math.round(event.done * 100)} % `;
    this.turnOf(event).waits(`${share}${visible(event.note)}`);
  },

  "text.started"(event) {
    this.open(event, new Text());
  },
  "text.delta": grows,
  "text.finished": closes,
  "text.interrupted": closes,
  "text.voided": voids,
  "thinking.started"(event) {
    this.open(event, new Thinking());
  },
  "thinking.delta": grows,
  "thinking.finished": closes,
  "thinking.interrupted": closes,
  "thinking.voided": voids,
  "call.started"(event) {
    this.open(event, writing(this.newCall(event)));
  },
  "call.delta": grows,
  "call.finished": closes,
  "call.interrupted": closes,
  "call.voided": voids,
  "tool.started"(event) {
    const known = this.calls.get(event.call);
    const call = known?.state === "writing" ? known : this.newCall(event); // a strategy may call without a model
    call.become("running");
    this.open(event, running(call));
  },
  "tool.output": grows,
  "tool.finished": closes,
  "tool.interrupted": closes,

  "approval.wanted"(event) {
    this.ask(
      event.approval,
      event,
      approvalView(event, (answer) => this.told.decide(event.approval, answer)),
    );
  },
  "approval.decided"(event) {
    this.over(event.approval, event.decision === "allow")?.decided(event);
  },
  "question.asked"(event) {
    this.ask(
      event.question,
      event,
      questionView(event, (text) => this.told.answer(event.question, text)),
    );
  },
  "question.answered"(event) {
    this.over(event.question, true)?.answered(event);
  },
  "file.changed"(event) {
    if (event.call && this.calls.has(event.call)) return this.calls.get(event.call).changed(event);
    const call = new ToolCall("changed");
    call.changed(event);
    this.turnOf(event).add(call.changes);
  },
  "child.started"(event) {
    const link = el(
      "a",
      { href: `/sessions/${encodeURIComponent(event.child)}` },
      visible(event.title ?? "") || "A session of its own",
    );
    this.turnOf(event).add(el("p", { class: "child" }, "Handed on: ", link));
  },
  "child.finished"(event) {
    this.turnOf(event).usage.add(event.usage);
  },
};

// What a transcript is made of; all other types are passed over.
export const TYPES = Object.keys(HANDLERS);
