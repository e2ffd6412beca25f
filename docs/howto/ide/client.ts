// A small client: opens a session, asks, shows what happens, answers approvals, stops on Ctrl-C, comes back after a cut.
//   node client.js URL TOKEN FOLDER PROMPT [--yes]
import { operations, version, type ApprovalWanted, type Operations, type PillionEvent, type Problem } from "./pillion.js";

declare const process: {
  argv: string[];
  exitCode?: number;
  stdout: { write(text: string): boolean };
  on(signal: "SIGINT", then: () => void): void;
};
const [url = "", token = "", folder = "", prompt = "", ...flags] = process.argv.slice(2);

class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(`${problem.code}: ${problem.detail}`);
  }
}

async function send(method: string, path: string, headers: Record<string, string>, body?: unknown): Promise<Response> {
  const always = { authorization: `Bearer ${token}`, "pillion-api-version": version };
  const json = body === undefined ? {} : { "content-type": "application/json" };
  const text = body === undefined ? null : JSON.stringify(body);
  const answer = await fetch(url + path, { method, headers: { ...always, ...json, ...headers }, body: text });
  if (!answer.ok) throw new Refused((await answer.json()) as Problem);
  return answer;
}

/** One operation: the types of its path, body and answer follow from its name. */
async function call<Name extends keyof Operations>(
  name: Name,
  parts: Operations[Name]["path"],
  body?: Operations[Name]["body"],
): Promise<Operations[Name]["answer"]> {
  const { method, path } = operations[name];
  const values = parts as Record<string, string>;
  const address = path.replace(/\{(\w+)\}/g, (_, part: string) => encodeURIComponent(values[part] ?? ""));
  const answer = await send(method, address, {}, body);
  return answer.status === 204 ? undefined : await answer.json();
}

/** A session's events behind `last`, for as long as it lives. A connection that is cut is taken up where it was. */
async function* follow(session: string, last: string): AsyncGenerator<PillionEvent> {
  for (;;) {
    try {
      const path = operations.follow_events.path.replace("{id}", session);
      const answer = await send("GET", path, { accept: "text/event-stream", "last-event-id": last });
      const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
      for (let rest = "", read = await reader.read(); !read.done; read = await reader.read()) {
        const blocks = (rest + read.value).split("\n\n");
        rest = blocks.pop() ?? "";
        for (const block of blocks) {
          const fields = new Map(block.split("\n").map((line) => line.split(/: (.*)/, 2) as [string, string]));
          last = fields.get("id") ?? last;
          const data = fields.get("data");
          if (data) yield JSON.parse(data) as PillionEvent;
        }
      }
    } catch (error) {
      if (error instanceof Refused) throw error; // the server says no: coming back would not help
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** Here an IDE asks the person. */
function decide(wanted: ApprovalWanted): "allow" | "deny" {
  process.stdout.write(`\n? ${wanted.tool}: ${wanted.preview}\n`);
  return flags.includes("--yes") ? "allow" : "deny";
}

const session = await call("open_session", {}, { workspace: folder });
const accepted = await call("post_prompt", { id: session.id }, { text: prompt });
process.on("SIGINT", () => void call("cancel_turn", { id: session.id }, { by: "person" }));

const items = new Map<number, string>(); // what grows: by the number of the event that opened it
for await (const event of follow(session.id, accepted.after)) {
  switch (event.type) {
    case "text.delta": {
      const before = [...(items.get(event.item) ?? "")].slice(0, event.at).join(""); // `at` counts characters
      items.set(event.item, before + event.text);
      process.stdout.write(event.text);
      break;
    }
    case "text.finished":
      items.set(event.item, event.text); // all of it, also for who saw nothing grow
      break;
    case "approval.wanted":
      await call("decide_approval", { id: session.id, approval: event.approval }, { decision: decide(event) });
      break;
    case "turn.failed":
    case "turn.cancelled":
    case "turn.finished":
      if (event.turn !== accepted.turn) break;
      process.stdout.write(`\n${event.type}\n${JSON.stringify([...items.values()])}\n`);
      await call("delete_session", { id: session.id });
      process.exitCode = event.type === "turn.finished" ? 0 : 1;
  }
  if (process.exitCode !== undefined) break;
}
