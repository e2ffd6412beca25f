// Requests to the server this page came from. What goes wrong is a Problem, whose message is for people.

export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || `The server answered with status ${status}.`);
    this.status = status;
    this.code = body.code || "";
    this.errors = body.errors || [];
  }
}

// Its JSON, or null where there is no body. A 401 is also told to the document: "signedout".
export async function call(method, path, body) {
  const asked = { method, headers: { Accept: "application/json" } };
  if (body !== undefined) {
    asked.body = JSON.stringify(body);
    asked.headers["Content-Type"] = "application/json";
  }
  let answer;
  try {
    answer = await fetch(path, asked);
  } catch {
    throw new Problem(0, { detail: "The server can't be reached." });
  }
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  if (answer.status === 401) document.dispatchEvent(new Event("signedout"));
  throw new Problem(answer.status, await answer.json().catch(() => ({})));
}

export const path = (session, rest = "") => `/api/sessions/${encodeURIComponent(session)}${rest}`;
