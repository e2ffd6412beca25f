// A client of the sidecar's routes, as the editor's: it posts, and reads streams by the text `data:{`. It does one run
// after the other and says in JSON what it was told. Usage: node client.js SERVER EDITOR FOLDER MODELS
import type { Frame, ToolInput, Told } from "./events.js";
import { cut, Reader } from "./reader.js";

declare const process: { argv: string[] };

const [server, editor, folder, models] = process.argv.slice(2) as [string, string, string, string];
const context = { variables: [] as object[], images: [], file_content_map: [], folder_paths: [], is_plan_generation: false };
let cuts = 0;

function check(fits: boolean, what: string): asserts fits {
  if (!fits) throw new Error(what);
}

function message(query: string, exchange: string, more: object = {}): object {
  return {
    session_id: "session-n", exchange_id: exchange, editor_url: editor, query, user_context: context,
    repo_ref: `local/${folder}`, root_directory: folder, project_labels: [], access_token: "", all_files: [],
    open_files: [], shell: "bash", model_configuration: JSON.parse(models), ...more,
  };
}

async function post(route: string, body: object): Promise<Response> {
  const answer = await fetch(`${server}/api/agentic/${route}`, {
    method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" },
  });
  check(answer.status === 200, `${route}: ${answer.status}`);
  return answer;
}

// The events of a stream, which is then read again however it is cut. `seen` gets each as it comes.
async function told(route: string, body: object, seen: (one: Told) => Promise<void> = async () => {}): Promise<Told[]> {
  const answer = await post(route, body), reader = new Reader(), frames: Frame[] = [], pieces: Uint8Array[] = [];
  check(answer.body !== null, route);
  for await (const bytes of answer.body as unknown as AsyncIterable<Uint8Array>) {
    pieces.push(bytes);
    for (const frame of reader.feed(bytes)) {
      frames.push(frame);
      if ("event" in frame) await seen(frame);
    }
  }
  check(reader.feed(new Uint8Array(), true).length === 0, `${route}: what is left is no event`);
  const [first, ...between] = frames, last = between.pop();
  check(first !== undefined && "started" in first && first.started === true, `${route}: the first event`);
  check(last !== undefined && "done" in last && last.done === "[CODESTORY_DONE]", `${route}: the last event`);
  cuts += cut(new Uint8Array(await new Blob(pieces as BlobPart[]).arrayBuffer()));
  return between.map((frame) => {
    check("event" in frame && Object.keys(frame.event).length === 1, `${route}: an event has one variant`);
    return frame;
  });
}

type Shown = {
  chat: string; thought: string; said: string; tools: string[]; parameters: { [name: string]: string }; states: string[];
  errors: string[]; last: string;
};

// What the client shows of events; one that it can't take would throw here, as in the editor.
function shown(events: Told[]): Shown {
  const all: Shown = {
    chat: "", thought: "", said: "", tools: [], parameters: {}, states: [], errors: [], last: events.at(-1)?.exchange_id ?? "",
  };
  for (const { event } of events) {
    if (event.Error) all.errors.push(event.Error.message);
    if (event.ChatEvent) {
      all.chat += event.ChatEvent.delta ?? "";
      check(event.ChatEvent.answer_up_until_now === all.chat, "the whole answer is what has come");
    }
    if (event.SymbolEventSubStep) all.thought += event.SymbolEventSubStep.event.Edit.ThinkingForEdit.delta;
    const { ToolThinking, ToolParameterFound, ToolUseDetected } = event.FrameworkEvent ?? {};
    if (ToolThinking) all.said = ToolThinking.thinking;
    if (ToolParameterFound) {
      const { field_name: name, field_content_delta: delta, field_content_up_until_now: now } =
        ToolParameterFound.tool_parameter_input;
      check(now.endsWith(delta), name);
      all.parameters[name] = now;
    }
    if (ToolUseDetected) all.tools.push(name(ToolUseDetected.tool_use_partial_input));
    const { FinishedExchange, EditsExchangeState, ExecutionState } = event.ExchangeEvent ?? {};
    if (FinishedExchange) all.states.push("FinishedExchange");
    if (EditsExchangeState) all.states.push(EditsExchangeState.edits_state);
    if (ExecutionState) all.states.push(ExecutionState);
  }
  return all;
}

function name(input: ToolInput): string {
  const names = Object.keys(input);
  check(names.length === 1 && names[0] !== undefined, "an input has one tool");
  return names[0];
}

const chat = shown(await told("agent_session_chat", message("hello", "n1")));
const chosen = {
  name: "selection", type: "Selection", fs_file_path: `${folder}/a.py`, content: "    return 1", language: "python",
  start_position: { line: 1, character: 4, byteOffset: 0 }, end_position: { line: 1, character: 12, byteOffset: 0 },
};
const selected = { user_context: { ...context, variables: [chosen] } };
const edit = shown(await told("agent_session_edit_anchored", message("return 2", "n2", selected)));
const agent = shown(await told("agent_tool_use", message("work", "n3")));
const cancel = { session_id: "session-n", exchange_id: "n4", editor_url: editor, access_token: "" };
let stopped: Shown | undefined;
const cancelled = shown(await told("agent_session_chat", message("a long one", "n4"), async ({ event }) => {
  if (event.ChatEvent && !stopped) stopped = shown(await told("cancel_running_event", cancel));
}));
const move = async (route: string, exchange: string): Promise<unknown> =>
  (await post(route, { session_id: "session-n", exchange_id: exchange })).json();
const moves = [await move("move_to_checkpoint", chat.last), await move("move_to_checkpoint", agent.last)];
const undo = await move("user_handle_session_undo", "n3");
const after = shown(await told("agent_session_chat", message("and now?", "n5")));
console.log(JSON.stringify({ chat, edit, agent, cancel: stopped, cancelled, moves, undo, after, cuts }));
