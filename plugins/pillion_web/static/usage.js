// What was used, in words.

export class Usage {
  input = 0;
  output = 0;
  cached = 0;
  cost = 0;

  add(more = {}) {
    for (const key of ["input", "output", "cached", "cost"]) this[key] += more[key] ?? 0;
    return this;
  }

  // "" where nothing was.
  toString() {
    if (!this.input && !this.output) return "";
    const parts = [`${count(this.input)} tokens in`];
    if (this.cached) parts[0] += ` (${count(this.cached)} cached)`;
    parts.push(`${count(this.output)} out`);
    if (this.cost) parts.push(`$${this.cost < 0.1 ? this.cost.toPrecision(2) : this.cost.toFixed(2)}`);
    return parts.join(" · ");
  }
}

const count = (tokens) => tokens.toLocaleString("en");
