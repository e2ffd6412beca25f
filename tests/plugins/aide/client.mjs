// A client of the sidecar's routes, as the editor's: it posts, and reads streams by the text `data:{`. It does one run
// after the other and says in JSON what it was told. Usage: node client.mjs SERVER EDITOR FOLDER MODELS
import { strict as assert } from "node:assert";

const [server, editor, folder, models] = process.argv.slice(2);
const context = { variables: [], images: [], file_content_map: [], folder_paths: [], is_plan_generation: false };

function message(query, exchange, more = {}) {
  return {
    session_id: "session-n", exchange_id: exchange, editor_url: editor, query, user_context: context,
    repo_ref: `local/${folder}`, root_directory: folder, project_labels: [], access_token: "", all_files: [],
    open_files: [], shell: "bash", model_configuration: JSON.parse(models), ...more,
  };
}

async function post(route, body) {
  const answer = await fetch(`${server}/api/agentic/${route}`, {
    method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" },
  });
  assert.equal(answer.status, 200, route);
  return answer;
}

// Cuts the stream as the editor does; `seen` gets each event, and may return true to read no further.
async function told(route, body, seen = () => false) {
  const answer = await post(route, body), decoder = new TextDecoder(), events = [];
  let held = "";
  const take = (text) => text.split("data:{").filter((part) => part.trim()).map((part) => JSON.parse("{" + part));
  for await (const bytes of answer.body) {
    held += decoder.decode(bytes, { stream: true });
    const end = held.lastIndexOf("\n\n") + 2;
    if (end < 2) continue;
    for (const event of take(held.slice(0, end))) {
      events.push(event);
      await seen(event);
    }
    held = held.slice(end);
  }
  assert.equal(held.trim(), "");
  assert.equal(events[0].started, true);
  assert.equal(events.at(-1).done, "[CODESTORY_DONE]");
  return events.slice(1, -1);
}

// What the client shows of events; one that it can't take would throw here, as in the editor.
function shown(events) {
  const all = { chat: "", thought: "", tools: [], states: [], errors: [], last: events.at(-1)?.exchange_id };
  let said = "";
  for (const { event } of events) {
    if (event.Error) all.errors.push(event.Error.message);
    if (event.ChatEvent) all.chat += event.ChatEvent.delta ?? "";
    if (event.SymbolEventSubStep) all.thought += event.SymbolEventSubStep.event.Edit.ThinkingForEdit.delta;
    const framework = event.FrameworkEvent ?? {}, exchange = event.ExchangeEvent ?? {};
    if (framework.ToolThinking) said = framework.ToolThinking.thinking;
    if (framework.ToolUseDetected) all.tools.push(Object.keys(framework.ToolUseDetected.tool_use_partial_input)[0]);
    for (const [name, value] of Object.entries(exchange)) {
      all.states.push(name === "EditsExchangeState" ? value.edits_state : name === "ExecutionState" ? value : name);
    }
  }
  return { ...all, said };
}

const done = {};
done.chat = shown(await told("agent_session_chat", message("hello", "n1")));
const chosen = {
  name: "selection", type: "Selection", fs_file_path: `${folder}/a.py`, content: "    return 1", language: "python",
  start_position: { line: 1, character: 4, byteOffset: 0 }, end_position: { line: 1, character: 12, byteOffset: 0 },
};
const selected = { user_context: { ...context, variables: [chosen] } };
done.edit = shown(await told("agent_session_edit_anchored", message("return 2", "n2", selected)));
done.agent = shown(await told("agent_tool_use", message("work", "n3")));
const cancel = { session_id: "session-n", exchange_id: "n4", editor_url: editor, access_token: "" };
let cancelled = null;
done.cancelled = shown(await told("agent_session_chat", message("a long one", "n4"), async ({ event }) => {
  if (event?.ChatEvent && !cancelled) cancelled = shown(await told("cancel_running_event", cancel));
}));
done.cancel = cancelled;
const move = async (route, exchange) => (await post(route, { session_id: "session-n", exchange_id: exchange })).json();
done.moves = [await move("move_to_checkpoint", done.chat.last), await move("move_to_checkpoint", done.agent.last)];
done.undo = await move("user_handle_session_undo", "n3");
done.after = shown(await told("agent_session_chat", message("and now?", "n5")));
console.log(JSON.stringify(done));
