// A call that waits for a person: what it would do, why it is asked for, and until when.

import { diffView, isDiff } from "./diff.js";
import { el, fill, say, visible } from "./dom.js";

const BY = {
  person: "by a person", flag: "by --yes", rule: "by a rule", deadline: "since nobody answered in time",
  cancel: "since the turn was cancelled", restart: "since the server was started again",
};
const ANSWERS = [
  ["Allow once", "allow", "once"],
  ["Allow for this session", "allow", "session"],
  ["Deny", "deny", "once"],
];

// decide(answer) sends it, and rejects with a Problem.
export function approvalView(wanted, decide) {
  const reason = el("input", { type: "text", maxlength: "10000", placeholder: "Why not, for the model (optional)", "aria-label": "Reason for the model" });
  const trouble = el("p", { class: "trouble", role: "alert", hidden: true });
  const left = el("span", { class: "left" });
  const buttons = ANSWERS.map(([label, decision, remember]) => el("button", { type: "button", class: `${decision} ${remember}`, onclick: () => send({ decision, remember, reason: reason.value }) }, label));
  const root = el(
    "section",
    { class: "approval", "aria-label": `Approval of ${visible(wanted.tool)}` },
    el("p", { class: "why" }, el("strong", {}, "Allow this? "), visible(wanted.reason)),
    preview(wanted),
    trouble,
    el("div", { class: "answers" }, ...buttons, reason, left),
  );
  const clock = setInterval(() => (root.isConnected ? tick() : clearInterval(clock)), 1000);
  tick();
  say(`Approval wanted: ${visible(wanted.tool)}`);

  async function send(answer) {
    buttons.forEach((button) => (button.disabled = true));
    try {
      await decide(answer);
    } catch (problem) {
      trouble.textContent = problem.message;
      trouble.hidden = false;
      if (problem.status !== 409 && problem.status !== 410) buttons.forEach((button) => (button.disabled = false));
    }
  }

  function tick() {
    const seconds = Math.max(0, Math.round((wanted.deadline - Date.now()) / 1000));
    left.textContent = seconds ? `denied by itself in ${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}` : "";
  }

  function decided({ decision, by, reason: why, remember }) {
    clearInterval(clock);
    const words = decision === "allow" ? `Allowed ${BY[by] ?? by}` : `Denied ${BY[by] ?? by}`;
    const whole = `${words}${remember === "session" ? ", for this session" : ""}${why ? `: ${visible(why)}` : ""}`;
    root.className = `decided ${decision}`;
    const focused = root.contains(document.activeElement); // the button that was pressed is about to go
    fill(root, el("p", {}, whole), decision === "deny" ? preview(wanted) : null);
    if (focused) document.getElementById("prompt")?.focus();
  }

  return { root, decided };
}

function preview({ preview: text }) {
  if (!text) return null;
  return isDiff(text) ? diffView(text) : el("pre", { class: "preview", tabindex: "0" }, visible(text));
}
