// The page: which session its address names, who is signed in, and what every part of it is told.

import { call } from "./api.js";
import { el, fill } from "./dom.js";
import { SessionList } from "./list.js";
import { SessionView } from "./session.js";
import { welcome } from "./welcome.js";

const main = document.getElementById("main");
const banner = document.getElementById("banner");
const list = new SessionList(document.getElementById("sessions"), { signOut });
let view = null;

function show() {
  view?.close();
  view = null;
  document.body.classList.remove("listing");
  const id = /^\/sessions\/([^/]+)$/.exec(location.pathname)?.[1];
  list.current = id ?? "";
  if (id) view = new SessionView(main, decodeURIComponent(id), list);
  else welcome(main, list, go);
}

function go(address) {
  history.pushState(null, "", address);
  show();
  main.focus();
}

// Links between sessions stay on this page, with all else as browsers do it.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href^='/']");
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (!link || link.target || !plain || !(link.pathname === "/" || link.pathname.startsWith("/sessions/"))) return;
  event.preventDefault();
  go(link.pathname);
});
addEventListener("popstate", show);

document.addEventListener("signedout", () => {
  view?.pause();
  list.pause();
  const again = el("button", { type: "button", onclick: () => location.reload() }, "Reload");
  fill(
    banner,
    el("span", {}, "This browser is no longer signed in. In a terminal: ", el("code", {}, "pillion open")),
    again,
  );
  banner.hidden = false;
});

async function signOut() {
  await call("POST", "/api/sign-out").catch(() => {});
  location.assign("/");
}

show();
list.start();
