// A text that grows by the rule of the events: text = text[:at] + delta. `at` counts code points, and a JavaScript
// string counts UTF-16 units: what lies beyond U+FFFF is two of them.

export class Growing {
  text = "";
  #points = 0;

  // Whether it only grew at its end.
  grow(at, delta) {
    const appended = at >= this.#points;
    if (!appended) this.text = this.text.slice(0, unitsOf(this.text, at));
    this.#points = Math.min(at, this.#points) + pointsOf(delta);
    this.text += delta;
    return appended;
  }

  close(text) {
    const appended = text.startsWith(this.text);
    this.text = text;
    this.#points = pointsOf(text);
    return appended;
  }
}

function pointsOf(text) {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

function unitsOf(text, points) {
  let units = 0;
  for (const point of text) {
    if (points-- === 0) break;
    units += point.length;
  }
  return units;
}
