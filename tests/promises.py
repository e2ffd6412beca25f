"""What users of the API may rely on: each promise by its id, `area.name`, as one sentence.

A test that would fail if a promise broke is marked `@pytest.mark.promise("area.name")`. Each promise has such a test,
and each test under tests/scenarios names its promises; tests/meta/test_promises.py checks both directions.
"""

from __future__ import annotations

PROMISES = {
    # ── the door ──
    "door.token": "Without token or cookie only the open routes answer; a wrong token is refused everywhere.",
    "door.token_not_in_address": "A token in an address is refused, so that none ends up in a history or a log.",
    "door.host": "A request with a foreign Host header is refused before anything else looks at it.",
    "door.origin": "A request of a foreign Origin, `null` included, is refused and gets no CORS header.",
    "door.only_json": "Bodies are JSON; any other content type is 415.",
    "door.body_limit": "A body over 20 MiB is 413, with and without a Content-Length, and costs no memory.",
    "door.request_id": "Every answer carries X-Request-ID; a sane one of the client is kept.",
    "door.problems": "Every error is application/problem+json with a code; each wrong field is named.",
    "door.hostile_requests": "Malformed, doubled, huge, slow and idle requests keep nobody else out.",
    "door.no_websocket": "A WebSocket is refused in words.",
    "door.one_port": "Nothing that the server starts opens a port of its own.",
    "door.ids": "Ids have at least 128 random bits; one that nobody knows is 404.",
    # ── the description ──
    "description.routes": "The OpenAPI document has every route, a plugin's too, from the types that do the work.",
    "description.contract": "Every answer is as described: status, content type, each field.",
    "description.events": "Every event has its JSON Schema, a plugin's too, as it comes over the wire.",
    "description.page": "The page /docs shows the whole description offline: no script, nothing from elsewhere.",
    "description.stays": "What would break a client of the API is no change that passes unseen.",
    "description.types": "TypeScript made of both compiles under strict tsc, and a client written with it works.",
    "description.version": "Every answer names the API's version; a request for another one is refused.",
    # ── browsers ──
    "browsers.link": "A link signs one browser in, once, within a minute; only who has the token makes one.",
    "browsers.cookie": "The cookie counts only for what our own page or one of a listed origin sends.",
    "browsers.sign_out": "After signing out a browser's cookie counts no more.",
    "browsers.signed_out": "A person who is not signed in gets a page that says how, and nothing else.",
    "browsers.bare_pages": "A page of a plugin that brings no content security policy runs and loads nothing.",
    "browsers.cors": "A listed origin gets exact CORS answers, preflight included; nobody else gets any.",
    "web.works": "The page does what a session can: prompt, watch, approve, deny, stop; errors can be read.",
    "web.exact": "What the page shows of a text is the text, after a reload and a cut, too.",
    "web.hostile": "What models, tools and files say stays text on the page: nothing runs, nothing is fetched.",
    # ── the server's life ──
    "life.announced": "One line on stdout and a file that only the owner can read say where the server is.",
    "life.gentle_stop": "SIGTERM lets turns end within their grace, ends streams cleanly, and the exit code is 0.",
    "life.parent": "A server that was started for a process ends with it.",
    "life.forced_stop": "A plugin that does not let go can't keep the server from ending.",
    "life.beyond_loopback": "It refuses to bind beyond loopback without a token of the user's.",
    "life.port_taken": "A server that can't have its port says who has it, and what to do.",
    "life.health": "Health tells everyone whether it works, and those with the token what does not.",
    "life.config": "The settings in force and their origins are shown with secrets masked.",
    # ── sessions and prompts ──
    "sessions.lifecycle": "A session is opened, shown, listed by pages and filters, and deleted.",
    "sessions.limits": "Limits left out are those of the settings; a reached limit ends the turn and is named.",
    "prompts.accepted": "A 202 names the turn and the place of its events.",
    "prompts.order": "Prompts run one at a time, in their order.",
    "prompts.bounded": "The seventeenth waiting prompt is 429; `reject` is 409 while a turn runs.",
    "prompts.interrupt": "`interrupt` cancels the running turn and runs next.",
    "turns.stuck": "The same call with the same result three times ends the turn.",
    "turns.isolated": "A plugin that raises, hangs or returns nonsense in one session changes no other session's log.",
    "turns.bug_is_mended": "Over HTTP an agent finds and mends a bug, in every wire format, through approvals.",
    "cancel.reaches_everything": "Cancel reaches the model's stream and every process, also those that called setsid.",
    "cancel.next_prompt": "After a cancel the session takes the next prompt.",
    # ── events ──
    "events.gapless": "Whole events are numbered 1, 2, 3, … without gap or duplicate, whatever the order of letters.",
    "events.resume": "A watcher that comes back with its last id sees each event once and ends with the exact text.",
    "events.resync": "An id beyond the head is one `resync`, then everything from the start.",
    "events.slow_reader": "A reader that sleeps slows nobody, costs no memory, and catches up exactly.",
    "events.bad_cursor": "A malformed id is 400.",
    # ── tools and approvals ──
    "tools.one_result": "Each call gets exactly one result: cancelled, denied, malformed, unknown or hanging.",
    "tools.deadline": "A tool that hangs is stopped at its deadline.",
    "approvals.first_wins": "The first answer to an approval wins, the second is 409, a late one 410.",
    "approvals.always": "`always` writes just the rule that was shown; it counts from the next call on.",
    "approvals.strictest": "Of several policies' verdicts the strictest wins.",
    "approvals.remembered": "What is allowed for the session, and of commands only the very same, is not asked again.",
    "approvals.guard": "While a guard can't run, the effects it guards are denied.",
    "questions.answered": "What a person answers to a question of the model is the call's result.",
    "questions.first_wins": "The first answer to a question wins, the second is 409, a late one 410.",
    "questions.deadline": "A question that nobody answers is closed: at its deadline, by a cancel, after a restart.",
    "files.inside": "No path leads out of the workspace: `..`, absolute, a link, a twin, a link swapped in meanwhile.",
    "files.conflict": "A write carries the hash it expects; over somebody else's change it is a conflict.",
    "processes.environment": "Programs see the environment's allow-list, and no key.",
    # ── secrets and logs ──
    "secrets.nowhere": "A key shows in no event, error, log line, answer or file.",
    "logs.own_ids": "No log line carries another session's ids, through tasks and threads.",
    # ── plugins ──
    "plugins.off": "Without any one first-party plugin the server starts and the rest works.",
    "plugins.quarantine": "A plugin that can't be used is quarantined with its reason, and the rest runs.",
    "plugins.hostile": "Plugins that raise, hang, leak, block or swallow cancellation don't stop other sessions.",
    "plugins.blocker_named": "One that blocks the loop is named within a second, with its stack, then interrupted.",
    "plugins.strangers": "A distribution of a third party brings tool, provider, strategy, policy, route and event.",
    "plugins.commands": "A plugin's command runs as `pillion NAME`; a taken name and an unlisted plugin bring none.",
    "plugins.replaced": "A first-party plugin is replaced through plugins.toml alone.",
    "plugins.routes": "A plugin's routes stand behind the same door; one that collides is refused.",
    # ── storage ──
    "storage.kill": "What was acknowledged survives kill -9: no gap, no duplicate, and the session goes on.",
    # ── models ──
    "models.closed_stream": "A cancelled turn closes the connection to the vendor.",
    "models.half_answer": "A stream without a finish reason is a fault, not an answer.",
    # ── the command line ──
    "cli.exit_codes": "The exit code tells how a run ended.",
    "cli.piped": "Piped, stdout is the answer alone; `--json` is one event a line.",
    "cli.interrupt": "Ctrl-C stops the turn; a second one ends at once.",
    "cli.approval": "At a terminal a person is asked and the answer counts; without one the run ends with code 3.",
    "cli.escapes": "What a model or a tool says moves no terminal.",
}
