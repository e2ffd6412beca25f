// A question to the person: options to choose from, words of one's own, or no answer.

import { countdown } from "./deadline.js";
import { el, fill, visible } from "./dom.js";

// answer(text or null) sends it, and rejects with a Problem.
export function questionView({ text, options = [], free = true, default: otherwise = null, deadline }, answer) {
  const trouble = el("p", { class: "trouble", role: "alert", hidden: true });
  const words = el("input", {
    type: "text",
    placeholder: "Your answer",
    "aria-label": "Your answer",
    autocomplete: "off",
  });
  const own = free
    ? el("form", { class: "own", onsubmit: submit }, words, el("button", { type: "submit" }, "Answer"))
    : null;
  const then = otherwise === null ? "goes on without" : `counts as “${visible(otherwise)}”`;
  const root = el(
    "section",
    { class: "approval question", "aria-label": "Question" },
    el("p", { class: "why words", dir: "auto" }, visible(text)),
    trouble,
    el(
      "div",
      { class: "answers" },
      ...options.map((option) => el("button", { type: "button", onclick: () => send(option) }, visible(option))),
      own,
      el("button", { type: "button", class: "quiet", onclick: () => send(null) }, "No answer"),
      countdown(deadline, then),
    ),
  );

  function submit(event) {
    event.preventDefault();
    if (words.value.trim()) send(words.value);
  }

  let pressed = false; // here, so that the focus must go on when the buttons are gone
  async function send(said) {
    pressed = true;
    const controls = root.querySelectorAll("button, input");
    controls.forEach((each) => (each.disabled = true));
    trouble.hidden = true;
    try {
      await answer(said);
    } catch (problem) {
      trouble.textContent = problem.message;
      trouble.hidden = false;
      const over = problem.status === 409 || problem.status === 410;
      controls.forEach((each) => (each.disabled = over));
    }
  }

  function answered({ answer: said, by }) {
    const how =
      said === null || said === undefined
        ? "Not answered"
        : `Answered${by === "person" ? "" : ` (${visible(by)})`}: ${visible(said)}`;
    root.className = "decided question";
    fill(root, el("p", { class: "words", dir: "auto" }, visible(text)), el("p", {}, how));
    if (pressed) document.getElementById("prompt")?.focus();
  }

  return { root, answered };
}
