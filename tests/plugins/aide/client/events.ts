// The events that the editor's client takes, and those that it passes over, as the sidecar writes them.

export type EditsState = "Loading" | "MarkedComplete" | "Cancelled" | "Accepted";

// `ThinkingForEdit` is looked for in each, without a check.
export type Edit = { ThinkingForEdit: { edit_request_id: string; thinking: string; delta: string } };

export type ToolInput = { [name: string]: { [parameter: string]: unknown } };

export type FrameworkEvent = {
  ToolThinking?: { thinking: string };
  ToolTypeFound?: { tool_type: string | { McpTool: string } };
  ToolParameterFound?: {
    tool_parameter_input: { field_name: string; field_content_up_until_now: string; field_content_delta: string };
  };
  ToolUseDetected?: { tool_use_partial_input: ToolInput; thinking: string };
  ToolOutput?: { ToolOutputResponse: { delta: ""; answer_up_until_now: string } };
  ToolNotFound?: { full_output: string };
};

export type ExchangeEvent = {
  FinishedExchange?: { exchange_id: string; session_id: string };
  EditsExchangeState?: { edits_state: EditsState; files: string[] };
  ExecutionState?: "Inference" | "InReview" | "Cancelled";
};

export type UIEvent = {
  ChatEvent?: { answer_up_until_now: string; delta: string | null; exchange_id: string };
  ExchangeEvent?: ExchangeEvent;
  FrameworkEvent?: FrameworkEvent;
  SymbolEventSubStep?: { symbol_identifier: { symbol_name: string; fs_file_path: string | null }; event: { Edit: Edit } };
  Error?: { message: string };
};

export type Told = { request_id: string; exchange_id: string; event: UIEvent };
export type Frame = { session_id: string; started: true } | Told | { done: "[CODESTORY_DONE]"; session_id: string };
