// A call that waits for a person: what it would do, why it is asked for, and until when.

import { countdown } from "./deadline.js";
import { diffView, isDiff } from "./diff.js";
import { el, fill, visible } from "./dom.js";

const BY = {
  person: "by a person",
  flag: "by --yes",
  rule: "by a rule",
  deadline: "since nobody answered in time",
  cancel: "since the turn was cancelled",
  restart: "since the server was started again",
  break: "since a prompt broke in",
};
const FOR = { once: "", session: ", for this session", always: ", always" };

// decide({ decision, remember, reason }) sends the answer, and rejects with a Problem.
export function approvalView(wanted, decide) {
  const reason = el("input", {
    type: "text",
    maxlength: "10000",
    placeholder: "Why not? (optional)",
    "aria-label": "Reason for the model",
  });
  const trouble = el("p", { class: "trouble", role: "alert", hidden: true });
  const always = wanted.rule && Object.keys(wanted.rule).length > 0;
  const rule = el(
    "div",
    { class: "rule", hidden: true },
    ...(always
      ? [
          el("p", {}, "This rule is added to your settings, for every session:"),
          el("pre", {}, visible(written(wanted.rule))),
          button("Add the rule, and allow", "allow", "always"),
        ]
      : []),
  );
  const answers = el(
    "div",
    { class: "answers" },
    button("Allow once", "allow", "once"),
    button("Allow for this session", "allow", "session"),
    always ? el("button", { type: "button", onclick: () => (rule.hidden = !rule.hidden) }, "Always …") : null,
    button("Deny", "deny", "once"),
    reason,
    countdown(wanted.deadline, "denied by itself"),
  );
  const root = el(
    "section",
    { class: "approval", "aria-label": `Approval of ${visible(wanted.tool)}` },
    el("p", { class: "why" }, el("strong", {}, "Allow this? "), visible(wanted.reason)),
    preview(wanted),
    trouble,
    answers,
    rule,
  );

  function button(label, decision, remember) {
    return el(
      "button",
      {
        type: "button",
        class: `${decision} ${remember}`,
        onclick: () => send({ decision, remember, reason: reason.value }),
      },
      label,
    );
  }

  let pressed = false; // here, so that the focus must go on when the buttons are gone
  async function send(answer) {
    pressed = true;
    const buttons = root.querySelectorAll("button");
    buttons.forEach((each) => (each.disabled = true));
    trouble.hidden = true;
    try {
      await decide(answer);
    } catch (problem) {
      trouble.textContent = problem.message;
      trouble.hidden = false;
      const over = problem.status === 409 || problem.status === 410;
      buttons.forEach((each) => (each.disabled = over));
    }
  }

  function decided({ decision, by, reason: why, remember = "once" }) {
    const words = `${decision === "allow" ? "Allowed" : "Denied"} ${BY[by] ?? by}${FOR[remember]}${why ? `: ${visible(why)}` : ""}`;
    root.className = `decided ${decision}`;
    fill(root, el("p", {}, words), decision === "deny" ? preview(wanted) : null);
    if (pressed) document.getElementById("prompt")?.focus();
  }

  return { root, decided };
}

function preview({ preview: text }) {
  if (!text) return null;
  return isDiff(text) ? diffView(text) : el("pre", { class: "preview", tabindex: "0" }, visible(text));
}

// As it will stand in the settings.
function written(rule) {
  return Object.entries(rule)
    .map(([key, value]) => `${key} = ${JSON.stringify(value)}`)
    .join("\n");
}
