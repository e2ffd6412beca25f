// Made by make.py of a Pillion server's /openapi.json and /api/events/schema: make it again rather than change it.

export const version = "1";

/** What the model would read. `code` names the failure where `error` is true, e.g. `denied`. With `whole`, `text` is its beginning and end; all of it: `GET …/outputs/{call}`. */
export interface CallResult {
  text: string;
  error: boolean;
  code: string;
  images: ImageRef[];
  seconds: number;
  call: string;
  whole: TextRef | null;
}

/** A call as the turn that runs it; its events come after `after`. `result` is null while it runs. */
export interface CallView {
  session: string;
  turn: string;
  after: string;
  events: string;
  result: CallResult | null;
}

/** `stopping`: did a turn run? */
export interface Cancelling {
  session: string;
  stopping: boolean;
}

/** PATCH /api/sessions/{id}: what is left out stays. A label or role that is null goes; `""` is the default. An `archived` session is put aside: lists leave it out, else it is as before. */
export interface Changes {
  title?: string | null;
  labels?: Record<string, string | null>;
  model?: string | null;
  strategy?: string | null;
  archived?: boolean | null;
  roles?: Record<string, string[] | null>;
}

/** `url` signs in the first browser that opens it within `seconds`. */
export interface CodeView {
  url: string;
  seconds: number;
}

/** The model's whole answer. `value` is what its JSON says, where a `schema` was given: it fits. */
export interface CompletionView {
  model: string;
  text: string;
  thinking: string;
  finish: "filtered" | "length" | "stop" | "tool_calls";
  usage: Usage;
  value?: unknown;
}

/** `settings`, by their dotted keys, are told to those who have the token. */
export interface Config {
  response: string;
  settings?: Record<string, InForce>;
}

/** Something that the prompt is about: `title` says what, a path or a few words; `text` is what it holds, "" where it is only named. What has a `language` is code or output; the rest is prose. */
export interface ContextReference {
  title: string;
  text?: string;
  language?: string;
}

/** Tokens of what the model was sent last, by part, counted `by` what suits it, of its `window`. Where none was asked since the session is in memory, `asked` is false, and only the conversation is counted. `vendor` is what the vendor counts of all of it; null where it was not asked to, or has no such thing. */
export interface ContextView {
  model: string;
  window: number;
  by: string;
  asked: boolean;
  system: number;
  tools: number;
  messages: number;
  total: number;
  vendor: number | null;
}

/** The decision as it stands in the log. */
export interface Decided {
  approval: string;
  decision: "allow" | "deny";
  remember: "always" | "once" | "session";
}

/** Whole events in their order. `after` is the place behind them, to ask on with; the log ends at `head`. */
export interface EventPage {
  data: PillionEvent[];
  after: string;
  head: number;
}

/** One wrong field of a request: its path (`limits.steps`, `images[0].data`) and what is wrong with it. */
export interface FieldError {
  field: string;
  message: string;
}

/** `checks` (each plugin's, "" when well) and `plugins` are told to those who have the token. */
export interface Health {
  done: true;
  status: "degraded" | "ok" | "stopping";
  checks?: Record<string, string>;
  plugins?: PluginState[];
}

/** A picture; `data` is bytes here and base64 in JSON. `media_type` is e.g. `image/png`. */
export interface Image {
  type: "image";
  media_type: "image/gif" | "image/jpeg" | "image/png" | "image/webp";
  data: string;
}

/** A picture; `data` is bytes here and base64 in JSON. `media_type` is e.g. `image/png`. */
export interface ImageGiven {
  type?: "image";
  media_type: "image/gif" | "image/jpeg" | "image/png" | "image/webp";
  data: string;
}

/** An image stored once: `hash` is the SHA-256 (hex) of its bytes, `size` their number. */
export interface ImageRef {
  type: "image_ref";
  media_type: string;
  hash: string;
  size: number;
}

/** A setting's value, secrets masked, and the layer it came from. */
export interface InForce {
  value: unknown;
  from: string;
}

/** What a turn may use before it ends with `limit:<name>`. None: no limit. */
export interface Limits {
  steps: number | null;
  seconds: number | null;
  tokens: number | null;
  cost: number | null;
}

/** Limits of this session's turns; those left out are the settings', null lifts one. */
export interface LimitsGiven {
  steps?: number | null;
  seconds?: number | null;
  tokens?: number | null;
  cost?: number | null;
}

/** A list that is whole. */
export interface ListedMessage {
  data: Message[];
}

/** A list that is whole. */
export interface ListedOverlayView {
  data: OverlayView[];
}

/** A list that is whole. */
export interface ListedPluginState {
  data: PluginState[];
}

/** A list that is whole. */
export interface ListedPromptView {
  data: PromptView[];
}

/** A list that is whole. */
export interface ListedStrategyView {
  data: StrategyView[];
}

/** A list that is whole. */
export interface ListedToolView {
  data: ToolView[];
}

/** One entry of a conversation. Tool results stand in a message of the user. */
export interface Message {
  role: "assistant" | "user";
  parts: (Text | Thinking | Image | ToolCall | ToolResult)[];
}

/** A model as a provider offers it. `name` is `provider/model`; `context` and `output` are tokens. */
export interface ModelInfo {
  name: string;
  context: number;
  output: number;
  tools?: "constrained" | "native" | "none" | "tags";
  images?: boolean;
  thinking?: boolean;
  price?: Price;
  /** What a person should know before relying on it, shown once a run. */
  note?: string;
  /** Of calls that say none; None: the vendor's. */
  temperature?: number | null;
  /** How hard it thinks, in its vendor's words; "" leaves it to the vendor. */
  effort?: string;
  /** The counter of its tokens; "" is what suits its provider. */
  tokenizer?: string;
}

/** `roles`: the models that are asked for each, in order, where a session or prompt says no others; `auto` is the first that can answer. `counters`: by model, what its tokens are counted by. */
export interface ModelList {
  data: ModelInfo[];
  roles: Record<string, string[]>;
  counters: Record<string, string>;
}

/** POST …/questions/{question}. `answer` null: nobody will answer, so that the turn need not wait. `by` is what the log will say: a person, or a flag of a program. */
export interface NewAnswer {
  answer: string | null;
  by?: "flag" | "person";
}

/** POST …/cancel; the body may be left out. `by` says on whose behalf. */
export interface NewCancel {
  by?: string;
}

/** POST /api/browser-codes. `session`: the link leads to the page of this one. */
export interface NewCode {
  session?: string;
}

/** POST /api/models/{provider}/{model}/complete. With `schema` (JSON Schema) the answer is JSON, as `value`. */
export interface NewCompletion {
  messages: NewMessage[];
  system?: string;
  max_output?: number | null;
  temperature?: number | null;
  schema?: Record<string, unknown> | null;
}

/** POST …/approvals/{approval}. `remember` for the session: the same is not asked again in it. `always`: the `rule` of `approval.wanted` is added to the user's settings, and counts from the next call on. `by` is what the log will say: a person, or a flag like `--yes`. */
export interface NewDecision {
  decision: "allow" | "deny";
  remember?: "always" | "once" | "session";
  reason?: string;
  by?: "flag" | "person";
}

/** POST …/fork; the body may be left out. `at` is the number of an event, by default the last one. */
export interface NewFork {
  at?: number | null;
}

/** What the user or the model said. */
export interface NewMessage {
  role: "assistant" | "user";
  text?: string;
  images?: ImageGiven[];
}

/** PUT …/overlays/{path}. `version` is the editor's own number of this text, given back in `file.edit_wanted`. */
export interface NewOverlay {
  text: string;
  version?: number | null;
}

/** POST …/prompts. `when` a turn runs already: wait (`queue`), cancel it (`interrupt`), 409 (`reject`), or join it. `steer` joins it at its next step. `break` stops it after the running tool, gets its answer without tools, and then the turn goes on. `schema` is a JSON Schema: `turn.finished` has the turn's `answer`, which fits it. `roles` are the models of this turn, in order for each role; `model` is asked first for the role `default`. `open_files` (paths, those in sight first), `selected_code` and `context` are what the person has before them: the model is told of it before `text`. */
export interface NewPrompt {
  text: string;
  images?: ImageGiven[];
  strategy?: string;
  model?: string;
  when?: "break" | "interrupt" | "queue" | "reject" | "steer";
  schema?: Record<string, unknown> | null;
  roles?: Record<string, string[]>;
  open_files?: string[];
  selected_code?: SelectedCode[];
  context?: ContextReference[];
}

/** POST /api/sessions. `workspace` is an absolute path or a URL of a scheme that a plugin brings. An `ephemeral` session is kept in memory alone: it is gone when it is deleted, or when the server ends. `roles` are the models to ask for each role, in order; `model` is asked first for the role `default`. */
export interface NewSession {
  workspace: string;
  model?: string;
  strategy?: string;
  labels?: Record<string, string>;
  limits?: LimitsGiven;
  ephemeral?: boolean;
  roles?: Record<string, string[]>;
  /** It works on a git worktree of `workspace`, made for it: the last commit, on a branch of its own. */
  worktree?: boolean;
  /** It works on a fork of `workspace`, made for it: what is there now, and nothing of it touches the workspace. */
  fork?: boolean;
}

/** POST …/tools/{tool}. `when` a turn runs already: 409 (`reject`), wait (`queue`), or cancel it (`interrupt`). */
export interface NewToolCall {
  arguments?: Record<string, unknown>;
  when?: "interrupt" | "queue" | "reject";
}

/** POST /api/models/verify. `model` is a full name, `""` the default; `seconds` is how long it may take. */
export interface NewVerification {
  model?: string;
  seconds?: number;
}

/** One with its text. */
export interface OverlayText {
  path: string;
  version: number | null;
  hash: string;
  size: number;
  /** A tool changed it, and no PUT has said since that the editor knows. */
  edited: boolean;
  text: string;
}

/** An unsaved text: `hash` is SHA-256 (hex) of it in UTF-8, `size` its bytes. */
export interface OverlayView {
  path: string;
  version: number | null;
  hash: string;
  size: number;
  /** A tool changed it, and no PUT has said since that the editor knows. */
  edited: boolean;
}

/** PATCH /api/plugins/{name}. `persist`: the user's settings file is to say so, too, its comments kept. */
export interface PluginChange {
  enabled: boolean;
  persist?: boolean;
}

/** What became of one plugin. `reason` is a complete sentence where `state` is `missing` or `quarantined`. */
export interface PluginState {
  name: string;
  state: "missing" | "off" | "on" | "quarantined";
  version: string;
  source: string;
  summary: string;
  hooks: string[];
  /** JSON Schema of its section. */
  settings: Record<string, unknown> | null;
  reason: string;
  /** What the next start makes of it, where that is another thing than now. */
  pending: "" | "changed" | "off" | "on";
}

/** 0-based. `character` counts UTF-16 code units from the line's beginning. */
export interface Position {
  line: number;
  character: number;
}

/** US dollars for a million tokens. `cached` are those of the input that the vendor's cache had, `written` those put into it; 0: as any of the input. */
export interface Price {
  input: number;
  output: number;
  cached: number;
  written: number;
}

/** The body of every answer from 400 on. `instance` is the request's path. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
  code: string;
  request_id: string;
  retryable: boolean;
  errors?: FieldError[];
}

/** The prompt is durable. `turn` will take it up: its own, of the same id, or the running one that it joins. The turn's events come after `after`, at the address `events`. */
export interface PromptAccepted {
  session: string;
  prompt: string;
  turn: string;
  after: string;
  events: string;
}

/** A prompt that waits. `turn` is the running turn that it will join; null: it will be a turn of its own. `tool` is set for a single call of one, `resumes` where it goes on with that turn. */
export interface PromptView {
  prompt: string;
  when: string;
  text: string;
  images: number;
  model: string;
  strategy: string;
  turn: string | null;
  time: string;
  tool: string;
  resumes: string | null;
}

/** The answer as it stands in the log. */
export interface QuestionClosed {
  question: string;
  answer: string | null;
}

/** Lines `first` to `last` (from 1, both included; 0: all of it) of the file `path`, as they were: `text`. `name` is that of the definition they are, if they are one. */
export interface SelectedCode {
  path: string;
  first?: number;
  last?: number;
  text?: string;
  name?: string;
  language?: string;
}

/** Newest first. `next_cursor` is null on the last page. */
export interface SessionPage {
  data: SessionView[];
  next_cursor: string | null;
}

/** One session. `last_turn` is null where none has ended yet. */
export interface SessionShown {
  id: string;
  workspace: string;
  title: string;
  model: string;
  strategy: string;
  labels: Record<string, string>;
  parent: string | null;
  trusted: boolean;
  created: string;
  updated: string;
  ephemeral: boolean;
  archived: boolean;
  origin: string | null;
  branched: number | null;
  /** Its own models by role; null in lists, for a session that is not in memory. */
  roles: Record<string, string[]> | null;
  state: string;
  waiting: number;
  /** Of a search: the passage that fits, if one is known. */
  match: string | null;
  last_turn: TurnEnd | null;
}

/** A session as the API shows it. Times are RFC 3339, UTC. `state` and `waiting` (prompts) are of this moment. `state` is `idle`, `running`, `stopping`, or `elsewhere` where another process has it open. `origin` and `branched`: the session, which may be gone, and the number of its event, that this one was forked from. */
export interface SessionView {
  id: string;
  workspace: string;
  title: string;
  model: string;
  strategy: string;
  labels: Record<string, string>;
  parent: string | null;
  trusted: boolean;
  created: string;
  updated: string;
  ephemeral: boolean;
  archived: boolean;
  origin: string | null;
  branched: number | null;
  /** Its own models by role; null in lists, for a session that is not in memory. */
  roles: Record<string, string[]> | null;
  state: string;
  waiting: number;
  /** Of a search: the passage that fits, if one is known. */
  match: string | null;
}

export interface Status {
  status: "ok";
}

export interface StrategyView {
  name: string;
  description: string;
}

/** What came of it. `written` is the settings file that says so now, null where none was changed; `note` is a sentence about what may surprise, else `""`. */
export interface Switched {
  plugin: PluginState;
  takes_effect: "next_turn" | "restart";
  written: string | null;
  note: string;
}

/** Words of a person or a model. In a provider's stream: the next piece of them. */
export interface Text {
  type: "text";
  text: string;
}

/** What stands from `start` up to `end` becomes `text`. All edits of a list speak of the text before any of them. */
export interface TextEdit {
  start: Position;
  end: Position;
  text: string;
}

/** A long text stored once: `hash` is the SHA-256 (hex) of its UTF-8, `size` the number of those bytes. */
export interface TextRef {
  hash: string;
  size: number;
  characters: number;
}

/** A model's reasoning. `signature` is the vendor's opaque seal, sent back with it unchanged. */
export interface Thinking {
  type: "thinking";
  text: string;
  signature?: string;
}

/** A model asks for a tool. `arguments` is the JSON text as the model wrote it, which may be malformed. */
export interface ToolCall {
  type: "tool_call";
  id: string;
  name: string;
  arguments: string;
}

/** The one result of the call with id `call`. */
export interface ToolResult {
  type: "tool_result";
  call: string;
  text: string;
  error?: boolean;
  images?: Image[];
}

/** `schema` is JSON Schema of the tool's arguments. */
export interface ToolView {
  name: string;
  description: string;
  effect: string;
  schema: Record<string, unknown>;
}

/** How a turn ended: `finished`, `failed`, `cancelled` or `interrupted`. `reason` is that of `turn.finished`, or the code of `turn.failed`, whose `message` is told. `resumable`: does `POST …/resume` go on with it? */
export interface TurnEnd {
  turn: string;
  ended: string;
  reason: string;
  message: string;
  resumable: boolean;
}

/** What was used: tokens (`cached` and `written` are the parts of `input` that were read from the vendor's cache and put into it) and cost in US dollars. */
export interface Usage {
  input?: number;
  output?: number;
  cached?: number;
  cost?: number;
  written?: number;
}

/** `verdict` says what is the matter, `detail` in whose words; `seconds` is how long it took. */
export interface Verified {
  model: string;
  ok: boolean;
  verdict: "busy" | "failed" | "no_quota" | "ok" | "unknown_model" | "unreachable" | "wrong_base_url" | "wrong_key";
  detail: string;
  seconds: number;
}

/** `version_hash` is a SHA-256 over the kernel's and the host's source files. */
export interface Version {
  package_version: string;
  version_hash: string;
}

/** Always event 1. */
export interface SessionOpened {
  type: "session.opened";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  workspace: string;
  model?: string;
  strategy?: string;
  labels?: Record<string, string>;
  parent?: string;
  trusted?: boolean;
  limits?: Limits | null;
  roles?: Record<string, string[]>;
  step?: number;
}

/** What the session is called or answers with, from now on; null is as before. A running turn keeps its model. `archived`: it is put aside, or taken up again. */
export interface SessionChanged {
  type: "session.changed";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  title?: string | null;
  labels?: Record<string, string> | null;
  model?: string | null;
  strategy?: string | null;
  archived?: boolean | null;
  roles?: Record<string, string[]> | null;
  step?: number;
}

/** The conversation begins with these messages; a child's, from its parent. */
export interface SessionSeeded {
  type: "session.seeded";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  messages: Message[];
  step?: number;
}

/** The conversation begins as that of session `origin` was behind its event `at`; that session may be gone. `messages` are those, in order: each the SHA-256 (hex) of a message's JSON, which is kept once for all sessions. `outputs` are the whole results, by call, of which the messages hold beginning and end. */
export interface SessionForked {
  type: "session.forked";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  origin: string;
  at: number;
  messages: string[];
  outputs?: Record<string, TextRef>;
  step?: number;
}

/** The conversation is from now on what it was behind event `to`; what came since stays in the log. Where a turn or a step began next behind that event it is exact, else the last such place before it counts. A later event may take it forward again, to what it was before this one. */
export interface SessionRewound {
  type: "session.rewound";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  to: number;
  step?: number;
}

/** A prompt is accepted; `prompt` is the id of the turn it will start, unless it joins the running turn `joins`. With `tool` it is one call of that tool, with `arguments` (JSON), and no part of the conversation; without a tool they are for the strategy, and it is no part of the conversation either. `schema` is the JSON Schema that the turn's answer must fit. With `resumes`, the id of a turn that was interrupted or failed, it has no words of a person: that turn is gone on with. `open_files` (paths), `selected_code` and `context` are what the person had before them; the model is told of it before `text`. */
export interface PromptQueued {
  type: "prompt.queued";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  prompt: string;
  text: string;
  images?: ImageRef[];
  model?: string;
  strategy?: string;
  when?: string;
  joins?: string;
  tool?: string;
  arguments?: string;
  schema?: Record<string, unknown> | null;
  resumes?: string;
  roles?: Record<string, string[]>;
  open_files?: string[];
  selected_code?: SelectedCode[];
  context?: ContextReference[];
  step?: number;
}

/** A waiting prompt became the user's next message in this turn; `when`: steer, break. */
export interface PromptJoined {
  type: "prompt.joined";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  prompt: string;
  when: string;
  step?: number;
}

/** A waiting prompt will not run; `why`: withdrawn, imported (it came with a session from elsewhere), or store_failed (it was refused, and the store had kept it). */
export interface PromptDropped {
  type: "prompt.dropped";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  prompt: string;
  why: string;
  step?: number;
}

/** A turn opened a session of its own. */
export interface ChildStarted {
  type: "child.started";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  child: string;
  title?: string;
  step?: number;
}

/** The child is over; `usage` is what it used, which counts in this turn, too. */
export interface ChildFinished {
  type: "child.finished";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  child: string;
  usage?: Usage;
  step?: number;
}

/** The child was ended before it was done, since the turn that opened it ended, or the process did. */
export interface ChildInterrupted {
  type: "child.interrupted";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  child: string;
  step?: number;
}

/** The turn of a prompt begins, with what was chosen for it. */
export interface TurnStarted {
  type: "turn.started";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  prompt: string;
  strategy: string;
  model: string;
  limits?: Limits;
  step?: number;
}

/** Somebody asked the turn to stop; `turn.cancelled` follows when nothing of it is left. */
export interface TurnStopping {
  type: "turn.stopping";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  by?: string;
  step?: number;
}

/** The turn has stopped, and nothing of it is left; `usage` is what it used. */
export interface TurnCancelled {
  type: "turn.cancelled";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  usage?: Usage;
  /** A plugin did not let go in time; what it still runs can no longer write here. */
  leftovers?: boolean;
  step?: number;
}

/** The process ended in mid-turn; written by the one that opened the log again. */
export interface TurnInterrupted {
  type: "turn.interrupted";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  step?: number;
}

/** `code` names the error for programs, `message` says it to people. */
export interface TurnFailed {
  type: "turn.failed";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  code: string;
  message: string;
  retryable?: boolean;
  usage?: Usage;
  step?: number;
}

/** `reason`: done, question, limit:steps, limit:seconds, limit:tokens, limit:cost, or limit: and a plugin's budget. `answer`: the JSON value that the prompt's `schema` asked for; left out where there is none. */
export interface TurnFinished {
  type: "turn.finished";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  reason?: string;
  steps?: number;
  usage?: Usage;
  answer?: unknown;
  step?: number;
}

/** The model is asked. */
export interface StepStarted {
  type: "step.started";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  model: string;
  step?: number;
}

/** What one model call used; `role` is set for calls that are not history. `seconds` it took, `first` of them until the first piece came; `finish` as in `message.finished`, `error` the code of one that failed, or `cancelled`: it is told with the turn's end. `request` and `answer` name what was sent and what came (SHA-256, hex), where `defaults.keep_requests` has it kept: first the system prompt and tools, then each message. */
export interface UsageRecorded {
  type: "usage.recorded";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  model: string;
  usage: Usage;
  role?: string;
  seconds?: number;
  first?: number;
  finish?: string;
  error?: string;
  request?: string[];
  answer?: string;
  step?: number;
}

/** `model` could not answer, with the error `code` and because of `why`; the call goes to the model `next`. What it had said is voided. `role` is set for calls that are not history. */
export interface ModelPassedOver {
  type: "model.passed_over";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  model: string;
  code: string;
  why: string;
  next: string;
  role?: string;
  step?: number;
}

/** The runtime says `text` to the model, in a message of the user that no person wrote. `why`: `resume`, after the answer to a `break`; `restart`, the turn goes on with one that did not come to its end; `schema`, the answer is to be JSON; `misfit`, it did not fit. */
export interface ModelTold {
  type: "model.told";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  text: string;
  why: string;
  step?: number;
}

/** The model's message is whole: its parts are `items`, in order. */
export interface MessageFinished {
  type: "message.finished";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  items: number[];
  finish: "filtered" | "length" | "stop" | "tool_calls";
  step?: number;
}

/** From now on models are sent less of the conversation than the log has. `text` is sent instead of the first `messages` messages, of which those numbered in `kept`, from 0, stand before it as they are. Tools' results in the messages before number `shortened` are sent up to `characters` each. What is sent had `before` tokens and has `after`, counted `by`. `why`: `window`, it would soon be too long; `overflow`, the vendor said that it is; `asked`. `model` wrote the summary; `""`: it was left to code, since none could. */
export interface HistoryCompacted {
  type: "history.compacted";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  messages: number;
  text: string;
  before: number;
  after: number;
  by: string;
  why: "asked" | "overflow" | "window";
  model?: string;
  kept?: number[];
  shortened?: number;
  characters?: number;
  step?: number;
}

/** The conversation, of `before` tokens, could not be made shorter: it is sent as before. `code` names the error. */
export interface HistoryCompactionFailed {
  type: "history.compaction_failed";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  why: "asked" | "overflow" | "window";
  code: string;
  message: string;
  before: number;
  step?: number;
}

/** The model begins to speak. */
export interface TextStarted {
  type: "text.started";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  step?: number;
}

/** `text` is all that the item grew to. */
export interface TextFinished {
  type: "text.finished";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  item: number;
  text: string;
  step?: number;
}

/** The model was stopped; `text` is what there was. */
export interface TextInterrupted {
  type: "text.interrupted";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  item: number;
  text: string;
  step?: number;
}

/** What the item grew to is taken back: the model begins again, because of `why`. */
export interface TextVoided {
  type: "text.voided";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  item: number;
  why?: string;
  step?: number;
}

/** The model begins to think. */
export interface ThinkingStarted {
  type: "thinking.started";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  step?: number;
}

/** `text` is all of it; `signature` is the vendor's seal. */
export interface ThinkingFinished {
  type: "thinking.finished";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  item: number;
  text: string;
  signature?: string;
  step?: number;
}

/** The model was stopped; `text` is what there was. */
export interface ThinkingInterrupted {
  type: "thinking.interrupted";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  item: number;
  text: string;
  step?: number;
}

/** What the item grew to is taken back. */
export interface ThinkingVoided {
  type: "thinking.voided";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  item: number;
  why?: string;
  step?: number;
}

/** The model begins to write a tool call; its arguments grow. */
export interface CallStarted {
  type: "call.started";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  call: string;
  tool: string;
  step?: number;
}

/** `text` is the arguments' JSON as the model wrote it. */
export interface CallFinished {
  type: "call.finished";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  item: number;
  call: string;
  tool: string;
  text: string;
  step?: number;
}

/** The model was stopped; `text` is what there was of the arguments. The call is not run. */
export interface CallInterrupted {
  type: "call.interrupted";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  item: number;
  text: string;
  step?: number;
}

/** The call is taken back, and not run. */
export interface CallVoided {
  type: "call.voided";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  item: number;
  why?: string;
  step?: number;
}

/** The runtime takes up a call; its shown output grows. Policies, approval and the run follow. */
export interface ToolStarted {
  type: "tool.started";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  call: string;
  tool: string;
  effect?: string;
  step?: number;
}

/** The one result of a call. `text` is what the model reads; `code` names the failure when `error`. Where `text` is only its beginning and end, `whole` is where the rest is: `GET …/outputs/{call}`. */
export interface ToolFinished {
  type: "tool.finished";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  item: number;
  call: string;
  tool: string;
  text: string;
  error?: boolean;
  code?: string;
  images?: ImageRef[];
  seconds?: number;
  whole?: TextRef | null;
  step?: number;
}

/** The call was running when its turn or the process ended; this is its result. */
export interface ToolInterrupted {
  type: "tool.interrupted";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  item: number;
  call: string;
  tool: string;
  text: string;
  step?: number;
}

/** In the root session's log. `preview` is the diff or command; `deadline` is ms since 1970, `default` follows it. `path` holds the ids of the sessions from the root's child down to the one that asks. `rule` is what allowing it `always` adds to the user's settings; left out, it can't be allowed always. */
export interface ApprovalWanted {
  type: "approval.wanted";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  approval: string;
  call: string;
  tool: string;
  effect: string;
  reason: string;
  preview: string;
  deadline: number;
  default?: "deny";
  path?: string[];
  rule?: Record<string, unknown>;
  step?: number;
}

/** `by`: person, flag, rule, deadline, cancel, restart, break. */
export interface ApprovalDecided {
  type: "approval.decided";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  approval: string;
  decision: "allow" | "deny";
  by: string;
  reason?: string;
  remember?: "always" | "once" | "session";
  step?: number;
}

/** In the root session's log: the person is asked. `deadline` is ms since 1970; `path` as in `approval.wanted`. `free`: any text is an answer, else one of `options`. `default` is what counts without an answer; null: nothing. `call` is the tool call that asks, if one does. */
export interface QuestionAsked {
  type: "question.asked";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  question: string;
  text: string;
  deadline: number;
  options?: string[];
  free?: boolean;
  default?: string | null;
  call?: string;
  path?: string[];
  step?: number;
}

/** `answer` is null where nobody gave one. `by`: person, flag, deadline, cancel, restart, break. */
export interface QuestionAnswered {
  type: "question.answered";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  question: string;
  answer: string | null;
  by: string;
  step?: number;
}

/** `diff` is unified, with `a/` and `b/`; `hash` is of the new content, "" when the file is gone. `before` names the blob with what was there, at the session's first change of that file; else, and where it is too large to be kept, "". */
export interface FileChanged {
  type: "file.changed";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  path: string;
  kind: "changed" | "created" | "deleted";
  diff: string;
  added?: number;
  removed?: number;
  hash?: string;
  call?: string;
  before?: string;
  step?: number;
}

/** From now on tools see an editor's unsaved text of the file, at first the one with this hash (SHA-256, hex, of UTF-8); `""`: from now on they see the disk's again. What the text is later says no event. */
export interface FileUnsaved {
  type: "file.unsaved";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  path: string;
  hash?: string;
  version?: number | null;
  step?: number;
}

/** A tool changed a text that is unsaved in an editor: the disk is as it was, and the editor is to apply `edits`. They speak of the text whose hash is `before`, and lead to the one whose hash is `after` (SHA-256, hex, of UTF-8). `version` is the editor's number of the text before, where it gave one. Positions are 0-based, characters being UTF-16 code units, as in LSP. */
export interface FileEditWanted {
  type: "file.edit_wanted";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  path: string;
  edits: TextEdit[];
  before: string;
  after: string;
  version?: number | null;
  step?: number;
}

/** The model call waits `seconds` because of `why`. */
export interface ModelWaiting {
  type: "model.waiting";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  seconds: number;
  why: string;
  step?: number;
}

/** The conversation, of `before` tokens, is being made shorter; `why` as in `history.compacted`, which follows, or `history.compaction_failed`. */
export interface HistoryCompacting {
  type: "history.compacting";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  why: "asked" | "overflow" | "window";
  before: number;
  step?: number;
}

/** How far a tool is. */
export interface ToolProgress {
  type: "tool.progress";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  call: string;
  note: string;
  /** A share, 0 to 1. */
  done?: number | null;
  step?: number;
}

/** The store can't keep what happens now; `message` says why, and the way out. It is tried again. */
export interface LogStalled {
  type: "log.stalled";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  message: string;
  step?: number;
}

/** Growth of an item: `text = text[:at] + delta`. `at` counts characters (code points). */
export interface CallDelta {
  type: "call.delta";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  item: number;
  at: number;
  text: string;
  step?: number;
}

/** Growth of an item: `text = text[:at] + delta`. `at` counts characters (code points). */
export interface TextDelta {
  type: "text.delta";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  item: number;
  at: number;
  text: string;
  step?: number;
}

/** Growth of an item: `text = text[:at] + delta`. `at` counts characters (code points). */
export interface ThinkingDelta {
  type: "thinking.delta";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  item: number;
  at: number;
  text: string;
  step?: number;
}

/** Growth of an item: `text = text[:at] + delta`. `at` counts characters (code points). */
export interface ToolOutput {
  type: "tool.output";
  /** Its place; `Last-Event-ID` goes on there. */
  id: string;
  /** UTC. */
  time: string;
  session: string;
  /** Left out where it belongs to no turn. */
  turn?: string;
  item: number;
  at: number;
  text: string;
  step?: number;
}

/** The log never had the event that was asked for; it comes from its start. `head` is its last event now. */
export interface Resync {
  type: "resync";
  /** UTC. */
  time: string;
  session: string;
  head: number;
}

/** What follows is behind this place of this session's log: go on there with `after`. */
export interface SessionCursor {
  type: "session.cursor";
  /** UTC. */
  time: string;
  session: string;
  cursor: string;
}

/** One event, as `data` of the event stream has it. Those that grow an item (`x-kind`: growth) and passing facts (passing) are shown while they happen and not kept; the lasting ones are the log. A field that has its default may be left out. Fields and types are added without a new version: ignore those you don't know. */
export type PillionEvent =
  | SessionOpened
  | SessionChanged
  | SessionSeeded
  | SessionForked
  | SessionRewound
  | PromptQueued
  | PromptJoined
  | PromptDropped
  | ChildStarted
  | ChildFinished
  | ChildInterrupted
  | TurnStarted
  | TurnStopping
  | TurnCancelled
  | TurnInterrupted
  | TurnFailed
  | TurnFinished
  | StepStarted
  | UsageRecorded
  | ModelPassedOver
  | ModelTold
  | MessageFinished
  | HistoryCompacted
  | HistoryCompactionFailed
  | TextStarted
  | TextFinished
  | TextInterrupted
  | TextVoided
  | ThinkingStarted
  | ThinkingFinished
  | ThinkingInterrupted
  | ThinkingVoided
  | CallStarted
  | CallFinished
  | CallInterrupted
  | CallVoided
  | ToolStarted
  | ToolFinished
  | ToolInterrupted
  | ApprovalWanted
  | ApprovalDecided
  | QuestionAsked
  | QuestionAnswered
  | FileChanged
  | FileUnsaved
  | FileEditWanted
  | ModelWaiting
  | HistoryCompacting
  | ToolProgress
  | LogStalled
  | CallDelta
  | TextDelta
  | ThinkingDelta
  | ToolOutput
  | Resync
  | SessionCursor;

export interface Operations {
  /** The process lives. */
  livez: { path: object; query: object; body: undefined; answer: Status | undefined };
  /** It takes work. */
  readyz: { path: object; query: object; body: undefined; answer: Status | undefined };
  /** How it is. `done` is true as soon as the server answers. */
  show_health: { path: object; query: object; body: undefined; answer: Health | undefined };
  /** Which Pillion this is. */
  show_version: { path: object; query: object; body: undefined; answer: Version | undefined };
  /** A greeting, and every setting in force. */
  show_config: { path: object; query: object; body: undefined; answer: Config | undefined };
  /** This description, as OpenAPI 3.1, the plugins' routes included. */
  show_openapi: { path: object; query: object; body: undefined; answer: Record<string, unknown> | undefined };
  /** This description as a page to read, without scripts. */
  show_docs: { path: object; query: object; body: undefined; answer: string | undefined };
  /** JSON Schema of every event, the plugins' included. */
  show_events_schema: { path: object; query: object; body: undefined; answer: Record<string, unknown> | undefined };
  /** What became of each plugin that the settings list. */
  list_plugins: { path: object; query: object; body: undefined; answer: ListedPluginState | undefined };
  /** One plugin. */
  show_plugin: { path: { name: string }; query: object; body: undefined; answer: PluginState | undefined };
  /** Switches a plugin on or off, from the next turn on, its routes too. */
  switch_plugin: { path: { name: string }; query: object; body: PluginChange; answer: Switched };
  /** The models that can answer now; the first is what `auto` takes. */
  list_models: { path: object; query: object; body: undefined; answer: ModelList | undefined };
  /** Really asks a model for a word, and says whether it answers, or what is the matter. */
  verify_model: { path: object; query: object; body: NewVerification; answer: Verified };
  /** The ways to run a turn. */
  list_strategies: { path: object; query: object; body: undefined; answer: ListedStrategyView | undefined };
  /** The tools that a turn would get in an empty folder. */
  list_tools: { path: object; query: object; body: undefined; answer: ListedToolView | undefined };
  /** Opens a session on a workspace. */
  open_session: { path: object; query: object; body: NewSession; answer: SessionView };
  /** A page of sessions, newest first, or of those that fit a search. */
  list_sessions: { path: object; query: { workspace?: string; parent?: string; cursor?: string; limit?: number; ephemeral?: boolean; archived?: boolean; q?: string }; body: undefined; answer: SessionPage | undefined };
  /** One session, and how its last turn ended. One that another process has open is `elsewhere`, and only read. */
  show_session: { path: { id: string }; query: object; body: undefined; answer: SessionShown };
  /** Changes what a session is called, and what answers from the next turn on; a running turn keeps its model. */
  change_session: { path: { id: string }; query: object; body: Changes; answer: SessionView };
  /** Stops what runs in a session, then forgets it, with the sessions that its turns opened. */
  delete_session: { path: { id: string }; query: object; body: undefined; answer: undefined };
  /** Opens a session that begins with the conversation as it was behind event `at` of this one. */
  fork_session: { path: { id: string }; query: object; body: NewFork | undefined; answer: SessionView };
  /** A session's conversation so far, for those who want its state and not its course. */
  list_messages: { path: { id: string }; query: object; body: undefined; answer: ListedMessage | undefined };
  /** A session as a file: its events, what they name, and the sessions that its turns opened. */
  export_session: { path: { id: string }; query: object; body: undefined; answer: string };
  /** Takes a file of `GET …/export`, whole or not at all; answers with its first session. */
  import_sessions: { path: object; query: { new_ids?: boolean }; body: string; answer: SessionView };
  /** Asks for something. When this is answered the prompt is durable. */
  post_prompt: { path: { id: string }; query: object; body: NewPrompt; answer: PromptAccepted };
  /** The prompts that wait, in the order in which they will run. */
  list_prompts: { path: { id: string }; query: object; body: undefined; answer: ListedPromptView | undefined };
  /** Goes on with the last turn, where that was interrupted or failed, from its last finished step, as a new turn. */
  resume_session: { path: { id: string }; query: object; body: undefined; answer: PromptAccepted };
  /** Takes back a prompt that waits; the event `prompt.dropped` tells of it. */
  withdraw_prompt: { path: { id: string; prompt: string }; query: object; body: undefined; answer: undefined };
  /** Stops the running turn, with its model call, tools, processes and child sessions. */
  cancel_turn: { path: { id: string }; query: object; body: NewCancel | undefined; answer: Cancelling };
  /** Follows a session's log, or reads a page of it. */
  follow_events: { path: { id: string }; query: { types?: string; after?: string; limit?: number }; body: undefined; answer: { type: string; time: string; session: string } | undefined };
  /** Follows the logs of all sessions that are in memory, from now on, and of those that are opened later. */
  follow_all_events: { path: object; query: { types?: string }; body: undefined; answer: { type: string; time: string; session: string } };
  /** Says whether a tool call may run. */
  decide_approval: { path: { id: string; approval: string }; query: object; body: NewDecision; answer: Decided };
  /** Answers what the model asks. */
  answer_question: { path: { id: string; question: string }; query: object; body: NewAnswer; answer: QuestionClosed };
  /** Calls one tool, as a turn without a model: under the same policies, log and deadlines as a model's call. */
  call_tool: { path: { id: string; tool: string }; query: object; body: NewToolCall; answer: CallView };
  /** The whole result of a call, as text, where `tool.finished` has a `whole`: its `text` is beginning and end. */
  show_output: { path: { id: string; call: string }; query: object; body: undefined; answer: string | undefined };
  /** How long what the model is sent has become, in tokens by part, and what they are counted by. */
  show_context: { path: { id: string }; query: { vendor?: boolean }; body: undefined; answer: ContextView | undefined };
  /** Asks a model, without a session. */
  complete: { path: { provider: string; model: string }; query: object; body: NewCompletion; answer: CompletionView };
  /** The session's unsaved texts, by path. */
  list_overlays: { path: { id: string }; query: object; body: undefined; answer: ListedOverlayView | undefined };
  /** One unsaved text, as tools see it now. */
  show_overlay: { path: { id: string; path: string }; query: object; body: undefined; answer: OverlayText };
  /** An editor's unsaved text: from now on reads and searches of this session see it instead of the disk. */
  put_overlay: { path: { id: string; path: string }; query: object; body: NewOverlay; answer: OverlayView };
  /** The editor saved the text, or closed it: the disk counts again. */
  delete_overlay: { path: { id: string; path: string }; query: object; body: undefined; answer: undefined };
  /** Makes a link that signs a browser in, once, within a minute. */
  make_browser_code: { path: object; query: object; body: NewCode | undefined; answer: CodeView };
  /** Signs this browser in: the code is exchanged for a cookie, and the way leads on to the page. */
  sign_in: { path: object; query: { code?: string }; body: undefined; answer: undefined | string };
  /** Signs this browser out: its cookie counts no more. */
  sign_out: { path: object; query: object; body: undefined; answer: undefined };
}

export const operations: { [N in keyof Operations]: { method: string; path: string } } = {
  livez: { method: "GET", path: "/livez" },
  readyz: { method: "GET", path: "/readyz" },
  show_health: { method: "GET", path: "/api/health" },
  show_version: { method: "GET", path: "/api/version" },
  show_config: { method: "GET", path: "/api/config" },
  show_openapi: { method: "GET", path: "/openapi.json" },
  show_docs: { method: "GET", path: "/docs" },
  show_events_schema: { method: "GET", path: "/api/events/schema" },
  list_plugins: { method: "GET", path: "/api/plugins" },
  show_plugin: { method: "GET", path: "/api/plugins/{name}" },
  switch_plugin: { method: "PATCH", path: "/api/plugins/{name}" },
  list_models: { method: "GET", path: "/api/models" },
  verify_model: { method: "POST", path: "/api/models/verify" },
  list_strategies: { method: "GET", path: "/api/strategies" },
  list_tools: { method: "GET", path: "/api/tools" },
  open_session: { method: "POST", path: "/api/sessions" },
  list_sessions: { method: "GET", path: "/api/sessions" },
  show_session: { method: "GET", path: "/api/sessions/{id}" },
  change_session: { method: "PATCH", path: "/api/sessions/{id}" },
  delete_session: { method: "DELETE", path: "/api/sessions/{id}" },
  fork_session: { method: "POST", path: "/api/sessions/{id}/fork" },
  list_messages: { method: "GET", path: "/api/sessions/{id}/messages" },
  export_session: { method: "GET", path: "/api/sessions/{id}/export" },
  import_sessions: { method: "POST", path: "/api/sessions/import" },
  post_prompt: { method: "POST", path: "/api/sessions/{id}/prompts" },
  list_prompts: { method: "GET", path: "/api/sessions/{id}/prompts" },
  resume_session: { method: "POST", path: "/api/sessions/{id}/resume" },
  withdraw_prompt: { method: "DELETE", path: "/api/sessions/{id}/prompts/{prompt}" },
  cancel_turn: { method: "POST", path: "/api/sessions/{id}/cancel" },
  follow_events: { method: "GET", path: "/api/sessions/{id}/events" },
  follow_all_events: { method: "GET", path: "/api/events" },
  decide_approval: { method: "POST", path: "/api/sessions/{id}/approvals/{approval}" },
  answer_question: { method: "POST", path: "/api/sessions/{id}/questions/{question}" },
  call_tool: { method: "POST", path: "/api/sessions/{id}/tools/{tool}" },
  show_output: { method: "GET", path: "/api/sessions/{id}/outputs/{call}" },
  show_context: { method: "GET", path: "/api/sessions/{id}/context" },
  complete: { method: "POST", path: "/api/models/{provider}/{model}/complete" },
  list_overlays: { method: "GET", path: "/api/sessions/{id}/overlays" },
  show_overlay: { method: "GET", path: "/api/sessions/{id}/overlays/{path}" },
  put_overlay: { method: "PUT", path: "/api/sessions/{id}/overlays/{path}" },
  delete_overlay: { method: "DELETE", path: "/api/sessions/{id}/overlays/{path}" },
  make_browser_code: { method: "POST", path: "/api/browser-codes" },
  sign_in: { method: "GET", path: "/open" },
  sign_out: { method: "POST", path: "/api/sign-out" },
};
