// One session's events as they come: an EventSource, and what it leaves to us. It comes back by itself after a cut, but
// gives up when the server answers with an error; it hands on only events whose type is listened for.

import { call, path } from "./api.js";

const LONGEST_PAUSE = 10_000;

export class Follower {
  #session;
  #types;
  #told;
  #source = null;
  #last = "";
  #retry = 0;
  #timer = 0;

  // told: event(data), reset() when the log begins anew, state("live" | "connecting" | "gone")
  constructor(session, types, told) {
    this.#session = session;
    this.#types = types;
    this.#told = told;
  }

  start() {
    this.stop();
    this.#told.state("connecting");
    const after = this.#last ? `?after=${encodeURIComponent(this.#last)}` : "";
    const source = new EventSource(path(this.#session, `/events${after}`));
    this.#source = source;
    for (const type of this.#types) source.addEventListener(type, (message) => this.#take(message));
    source.addEventListener("resync", () => {
      this.#last = "";
      this.#told.reset();
    });
    source.onopen = () => {
      this.#retry = 0;
      this.#told.state("live");
    };
    source.onerror = () => {
      if (this.#source !== source) return;
      this.#told.state("connecting");
      if (source.readyState === EventSource.CLOSED) this.#refused();
    };
  }

  stop() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #take(message) {
    this.#last = message.lastEventId || this.#last;
    this.#told.event(JSON.parse(message.data));
  }

  // An EventSource doesn't say why. Gone and signed out are final; all else may pass.
  async #refused() {
    this.stop();
    try {
      await call("GET", path(this.#session));
    } catch (problem) {
      if (problem.status === 401) return;
      if (problem.status === 404) return this.#told.state("gone");
    }
    this.#retry = Math.min(LONGEST_PAUSE, this.#retry * 2 || 500);
    this.#timer = setTimeout(() => this.start(), this.#retry);
  }
}
