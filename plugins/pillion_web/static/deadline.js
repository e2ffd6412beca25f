// How long something still waits for a person, counted down while it is on the page.

import { el } from "./dom.js";

// `deadline` is milliseconds since 1970; `then` says what happens at it.
export function countdown(deadline, then) {
  const root = el("span", { class: "left" });
  const tick = () => {
    const seconds = Math.max(0, Math.round((deadline - Date.now()) / 1000));
    root.textContent = seconds ? `${then} in ${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}` : "";
  };
  const clock = setInterval(() => (root.isConnected ? tick() : clearInterval(clock)), 1000);
  tick();
  return root;
}
