// Cuts a stream of the sidecar's as the editor does: by the text `data:{`, which nothing else may hold.
import type { Frame } from "./events.js";

const MARK = "data:{";

export class Reader {
  #decoder = new TextDecoder();
  #held = "";

  // The events that are whole now. One is where the next begins, or where its blank line has come.
  feed(bytes: Uint8Array, last = false): Frame[] {
    this.#held += this.#decoder.decode(bytes, { stream: !last });
    const blank = this.#held.lastIndexOf("\n\n");
    const whole = Math.max(0, this.#held.lastIndexOf(MARK), blank < 0 ? 0 : blank + 2);
    const end = last ? this.#held.length : whole;
    const ready = this.#held.slice(0, end);
    this.#held = this.#held.slice(end);
    return ready
      .split(MARK)
      .filter((part) => part.trim())
      .map((part) => JSON.parse("{" + part) as Frame);
  }
}

// Is a stream read as the same events in two pieces, cut at each byte there is, and byte by byte? How often it was cut.
export function cut(stream: Uint8Array): number {
  const whole = JSON.stringify(new Reader().feed(stream, true));
  const same = (pieces: Uint8Array[]) => {
    const reader = new Reader();
    const events = pieces.flatMap((piece, n) => reader.feed(piece, n === pieces.length - 1));
    if (JSON.stringify(events) !== whole) throw new Error(`cut after ${pieces[0]?.length} bytes it is not the same`);
  };
  for (let at = 1; at < stream.length; at++) same([stream.subarray(0, at), stream.subarray(at)]);
  same(Array.from(stream, (byte) => Uint8Array.of(byte)));
  return stream.length - 1;
}
