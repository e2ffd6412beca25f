// Reads a stream of the sidecar's as the editor does: by the text `data:{`. It is fed the stream in two pieces, cut at
// every byte there is, and each time has to see the same events.
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";

const MARK = "data:{";

class Reader {
  #decoder = new TextDecoder();
  #held = "";
  events = [];

  feed(bytes, last = false) {
    this.#held += this.#decoder.decode(bytes, { stream: !last });
    const end = last ? this.#held.length : Math.max(0, this.#held.lastIndexOf(MARK)); // what follows may go on
    const ready = this.#held.slice(0, end);
    this.#held = this.#held.slice(end);
    for (const part of ready.split(MARK)) {
      if (part.trim()) this.events.push(JSON.parse("{" + part));
    }
  }
}

function read(...pieces) {
  const reader = new Reader();
  pieces.forEach((piece, n) => reader.feed(piece, n === pieces.length - 1));
  return reader.events;
}

function text(events) {
  return events.map((event) => event.event?.ChatEvent?.delta ?? "").join("");
}

const stream = readFileSync(0);
const whole = read(stream);
let cuts = 0;
for (let at = 1; at < stream.length; at++, cuts++) {
  assert.deepEqual(read(stream.subarray(0, at), stream.subarray(at)), whole);
}
console.log(JSON.stringify({ cuts, text: text(whole), first: whole[0], last: whole.at(-1) }));
