"""The web page in a real browser, and what pages of other origins may do to the server behind it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from pillion_runtime.testing import Asked, Reply, Status, call

from ..required import required
from .browsing import ARGUMENTS, Desk, elsewhere, open_desk

SLOWLY = 20_000
"""Milliseconds that an expectation may take."""
POLICY = re.compile(r".*(Content Security Policy|TrustedHTML)", re.S)
"""What the console says of something that a page's own policy does not let it do."""
TEXT = "".join(f"{n} 🚲 wörd " for n in range(60)) + "the end"
"""One paragraph, with characters that JavaScript counts twice."""
HOSTILE = """<script>window.pwned = 1</script><img src="http://evil.example/x" onerror="window.pwned = 2">
<iframe srcdoc="<script>parent.pwned = 3</script>"></iframe>

[a link](javascript:window.pwned=4) ![a picture](http://evil.example/y.png) [data](data:text/html,<b>x</b>)

```html"><script>pwned=6</script>
</code></pre><svg onload="window.pwned = 7">
```

<style>body { display: none }</style> &lt;b&gt; ** ``` | a |
"""

PLAIN = '<a href="https://a.example/b" target="_blank" rel="noopener noreferrer nofollow" title="https://a.example/b">'
MARKDOWN = {
    "a **b** _c_ snake_case_name 2 * 3 * 4 `<i>`": "<p>a <strong>b</strong> <em>c</em> snake_case_name 2 * 3 * 4 "
    "<code>&lt;i&gt;</code></p>",
    "p\n\n" * 9 + "> *q*": "<p>p</p>" * 9 + "<blockquote><p><em>q</em></p></blockquote>",
    "## h ##\n- a\n  - b\n\n3. c": '<h4>h</h4><ul><li>a<ul><li>b</li></ul></li></ul><ol start="3"><li>c</li></ol>',
    "[x](https://a.example/b) https://a.example/b.": f"<p>{PLAIN}x</a> {PLAIN}https://a.example/b</a>.</p>",
    "[x](/b) ![y](file:///c)": "<p>[x](/b) ![y](file:///c)</p>",
    "|a|b|\n|-|-|\n|1|<2>|": '<div class="wide" tabindex="0"><table><thead><tr><th>a</th><th>b</th></tr></thead>'
    "<tbody><tr><td>1</td><td>&lt;2&gt;</td></tr></tbody></table></div>",
    "```py\n# <b>": '<figure class="code" data-language="py"><pre tabindex="0"><code># &lt;b&gt;</code></pre></figure>',
}


def program(asked: Asked) -> Reply:
    """What the model answers, by the prompt."""
    calls = len(asked.calls)
    match asked.prompt.split()[0]:
        case "mend":
            edit = call("edit_file", path="prices.py", old="// 100", new="// 100 + 1")
            return (
                Reply(thinking=("Hm.",), text="I mend it.", calls=(edit,)) if not calls else Reply(text="**Mended.**")
            )
        case "slowly":
            return Reply(text=tuple(TEXT[at : at + 7] for at in range(0, len(TEXT), 7)), pause=0.02)
        case "hostile":
            if calls:
                return Reply(text=HOSTILE)
            shown = call("read_file", path="hostile.txt")
            named = call("write_file", path="<img src=x onerror=pwned=8>\u202egpj.exe", content=HOSTILE)
            return Reply(calls=(shown, named, call("<script>pwned=9</script>")))
        case "ask":
            asks = call("ask_person", question="Which *one*?", options=["<b>SQLite</b>", "PostgreSQL"])
            return Reply(text=asked.results[0].text) if calls else Reply(calls=(asks,))
        case "run":
            runs = call("run_command", command="echo tested")
            return Reply(text="It ran.") if asked.results else Reply(calls=(runs,))
        case "also":
            return Reply(text=f"Also: {asked.prompt}")
        case "fail":
            return Reply(fault=Status(400, message=HOSTILE))
    return Reply(text="Yes.")


@pytest.fixture(scope="module")
def program_path() -> str:
    """Chromium's."""
    return required("chromium", hint="Debian's package of that name; PILLION_CHROMIUM names one that is elsewhere")


@pytest.fixture(scope="module")
def listed() -> Iterator[str]:
    """An origin that the server's settings list."""
    with elsewhere() as origin:
        yield origin


@pytest.fixture(scope="module")
def desk(program_path: str, tmp_path_factory: pytest.TempPathFactory, listed: str) -> Iterator[Desk]:
    with open_desk(tmp_path_factory.mktemp("desk"), program, listed) as desk:
        yield desk


@pytest.fixture(scope="module")
def chromium(program_path: str) -> Iterator[Browser]:
    expect.set_options(timeout=SLOWLY)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program_path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """A browser of its own, signed in nowhere. Its page's scripts fail nowhere, and its policy is never violated."""
    with chromium.new_context(viewport={"width": 1180, "height": 800}) as context:
        context.set_default_timeout(SLOWLY)
        page = context.new_page()
        troubles: list[str] = []
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda said: troubles.append(said.text) if POLICY.match(said.text) else None)
        page.on("dialog", lambda dialog: troubles.append(dialog.message))
        yield page
        assert troubles == []


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "prices.py").write_text("def tax(cents):\n    return cents // 100\n")
    return tmp_path


@pytest.mark.promise("browsers.link", "browsers.signed_out", "browsers.sign_out")
def test_a_link_signs_in_once_and_signing_out_ends_it(desk: Desk, page: Any) -> None:
    page.goto(desk.url)
    expect(page.get_by_text("pillion open")).to_be_visible()
    link = desk.link()
    page.goto(link)
    assert page.url == f"{desk.url}/"
    expect(page.get_by_label("Folder")).to_be_visible()
    assert page.evaluate("document.cookie") == ""
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["expires"]) == (True, "Strict", -1)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("This browser is not signed in")).to_be_visible()
    page.goto(link)
    expect(page.get_by_text("This link was used before")).to_be_visible()


@pytest.mark.promise("web.works")
def test_from_a_folder_to_a_mended_file(desk: Desk, page: Any, workspace: Path) -> None:
    page.goto(desk.link())
    page.get_by_label("Folder").fill("/nowhere")
    page.get_by_role("button", name="Open session").click()
    expect(page.get_by_text("is no folder")).to_be_visible()
    page.get_by_label("Folder").fill(str(workspace))
    page.get_by_role("button", name="Open session").click()
    page.get_by_label("Prompt", exact=True).fill("mend the tax")
    page.keyboard.press("Enter")
    approval = page.get_by_role("region", name="Approval of edit_file")
    expect(approval.locator(".added")).to_have_text("+    return cents // 100 + 1")
    assert "// 100 + 1" not in (workspace / "prices.py").read_text()
    expect(page).to_have_title(re.compile(r"^Approve\? "))
    approval.get_by_role("button", name="Allow once").click()
    expect(page.locator(".prose strong")).to_have_text("Mended.")
    expect(page.get_by_text("Allowed by a person")).to_be_visible()
    expect(page.locator(".change .removed")).to_have_text("-    return cents // 100")
    assert "// 100 + 1" in (workspace / "prices.py").read_text()
    expect(page.locator(".end[data-state=done]")).to_contain_text("tokens in")
    page.set_viewport_size({"width": 360, "height": 700})
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 360


@pytest.mark.promise("web.works", "cancel.next_prompt")
def test_stop_deny_and_errors_that_can_be_read(desk: Desk, page: Any, workspace: Path) -> None:
    page.goto(desk.link(desk.session(workspace)))
    prompt = page.get_by_label("Prompt", exact=True)
    prompt.fill("slowly")
    prompt.press("Shift+Enter")
    prompt.press("Enter")
    expect(page.locator(".prose")).to_contain_text("3 🚲")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Cancelled")).to_be_visible()
    prompt.fill("mend")
    prompt.press("Enter")
    page.get_by_label("Reason for the model").fill("not this one")
    page.get_by_role("button", name="Deny").click()
    expect(page.get_by_text("Denied by a person: not this one")).to_be_visible()
    assert "+ 1" not in (workspace / "prices.py").read_text()
    prompt.fill("fail")
    prompt.press("Enter")
    expect(page.locator(".end[data-state=failed]")).to_contain_text("<script>")
    assert page.evaluate("window.pwned") is None
    page.get_by_role("button", name="Rename").click()
    page.get_by_label("Title").fill("<b>The lamp</b>")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="<b>The lamp</b>")).to_be_visible()
    expect(page.get_by_role("navigation").get_by_text("<b>The lamp</b>")).to_be_visible()


@pytest.mark.promise("web.works")
def test_questions_and_what_is_allowed_always(desk: Desk, page: Any, workspace: Path) -> None:
    page.goto(desk.link(desk.session(workspace)))
    prompt = page.get_by_label("Prompt", exact=True)
    prompt.fill("ask")
    prompt.press("Enter")
    page.get_by_role("region", name="Question").get_by_role("button", name="<b>SQLite</b>").click()
    expect(page.locator(".prose")).to_have_text("The person answered: <b>SQLite</b>")
    expect(prompt).to_be_focused()
    prompt.fill("run")
    prompt.press("Enter")
    page.get_by_role("button", name="Always …").click()
    expect(page.locator(".rule pre")).to_contain_text('command = "echo tested"')
    page.get_by_role("button", name="Add the rule, and allow").click()
    expect(page.get_by_text("Allowed by a person, always")).to_be_visible()
    assert 'command = "echo tested"' in (desk.folder / "plugins.toml").read_text()


@pytest.mark.promise("web.works")
def test_prompts_beside_a_running_turn(desk: Desk, page: Any, workspace: Path) -> None:
    session = desk.session(workspace)
    desk.call("POST", f"/api/sessions/{session}/tools/read_file", {"arguments": {"path": "prices.py"}})
    page.goto(desk.link(session))
    expect(page.locator(".prompt code")).to_have_text('read_file {"path":"prices.py"}')
    prompt = page.get_by_label("Prompt", exact=True)
    prompt.fill("mend")
    prompt.press("Enter")
    when = page.get_by_label("When it is asked")
    when.select_option(label="Join at the next step")
    prompt.fill("also <b>this</b>")
    prompt.press("Enter")
    joining = page.locator(".joins")
    expect(joining).to_contain_text("Joins at the next step")
    when.select_option(label="Ask after this turn")
    prompt.fill("later")
    prompt.press("Enter")
    page.locator(".end").get_by_role("button", name="Withdraw").click()
    expect(page.get_by_text("Not asked: withdrawn")).to_be_visible()
    page.get_by_role("button", name="Allow once").click()
    expect(page.locator(".prose").last).to_have_text("Also: also <b>this</b>")
    expect(joining).to_have_text("also <b>this</b>")
    expect(page.locator(".turn").nth(1).locator(".end[data-state=done]")).to_be_visible()


@pytest.mark.promise("web.exact", "events.resume")
def test_the_text_is_exact_after_a_reload_and_a_cut_in_mid_stream(desk: Desk, page: Any, workspace: Path) -> None:
    session = desk.session(workspace)
    page.goto(desk.link(session).replace(desk.url, desk.through_tunnel))
    page.get_by_label("Prompt", exact=True).fill("slowly")
    page.keyboard.press("Enter")
    expect(page.locator(".prose")).to_contain_text("3 🚲")
    page.reload()
    expect(page.locator(".prose")).to_contain_text("12 🚲")
    desk.cut()
    expect(page.get_by_text("Connecting …")).to_be_visible()
    desk.mend()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    expect(page.locator(".end[data-state=done]")).to_be_visible()
    expect(page.locator(".prose")).to_have_text(TEXT)
    assert page.locator(".prose").inner_text() == TEXT
    messages = desk.call("GET", f"/api/sessions/{session}/messages")["data"]
    assert messages[-1]["parts"] == [{"type": "text", "text": TEXT}]


@pytest.mark.promise("web.hostile")
def test_what_models_tools_and_files_say_stays_text(desk: Desk, page: Any, workspace: Path) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    (workspace / "hostile.txt").write_text(HOSTILE)
    page.goto(desk.link(desk.session(workspace)))
    page.get_by_label("Prompt", exact=True).fill(f"hostile {HOSTILE}")
    page.keyboard.press("Enter")
    approval = page.locator(".approval")
    expect(approval).to_contain_text("⟨U+202E⟩gpj.exe")
    approval.get_by_role("button", name="Allow once").click()
    expect(page.locator(".end[data-state=done]")).to_be_visible()
    expect(page.locator(".prose")).to_contain_text("<script>window.pwned = 1</script>")
    expect(page.locator(".output").first).to_contain_text("<iframe srcdoc=")
    assert page.evaluate("window.pwned") is None
    strangers = "script, img, iframe, svg, style, object, embed, [onerror], [onload], a:not([href^='http'])"
    assert page.locator(f".transcript :is({strangers})").count() == 0
    assert [url for url in asked if not url.startswith(desk.url)] == []


@pytest.mark.promise("web.exact")
def test_a_text_grows_by_code_points(desk: Desk, page: Any) -> None:
    page.goto(desk.link())
    deltas = [(0, "a🚲b"), (3, "ç👩‍🚀"), (2, "X"), (3, ""), (1, "🚲🚲"), (9, "z")]
    grown = page.evaluate(
        """async (deltas) => {
          const { Growing } = await import("/web/growing.js");
          const growing = new Growing();
          return deltas.map(([at, text]) => { growing.grow(at, text); return growing.text; });
        }""",
        deltas,
    )
    text, wanted = "", []
    for at, delta in deltas:
        text = text[:at] + delta
        wanted.append(text)
    assert grown == wanted


SHOWN = """async (text) => {
  const { Prose } = await import("/web/markdown.js");
  const grown = new Prose(document.createElement("div"));
  for (let at = 0; at <= text.length; at += Math.ceil(text.length / 50)) grown.show(text.slice(0, at));
  const whole = new Prose(document.createElement("div"));
  for (const prose of [grown, whole]) prose.show(text);
  if (grown.root.innerHTML !== whole.root.innerHTML) return "grown and whole differ";
  return whole.root.innerHTML.replaceAll(' dir="auto"', "").replaceAll(/<button.*?button>/g, "");
}"""


@pytest.mark.promise("web.hostile")
def test_markdown_is_shown_as_it_grows(desk: Desk, page: Any) -> None:
    page.goto(desk.link())
    for text, html in MARKDOWN.items():
        assert page.evaluate(SHOWN, text) == html
    deep = "\n".join(" " * n + "- x" for n in range(300))
    for odd in ("> " * 3000 + "x", "- " * 3000 + "x", deep, "`*_[(|" * 490, "|" * 9999):
        assert len(page.evaluate(SHOWN, odd)) > 100


FETCHED = """async ([url, options]) => {
  try {
    const answer = await fetch(url, options);
    return [answer.status, answer.headers.get("x-request-id") !== null, (await answer.text()).slice(0, 200)];
  } catch { return "blocked"; }
}"""
STREAMED = """([url, credentials]) => new Promise((done) => {
  const source = new EventSource(url, { withCredentials: credentials });
  source.addEventListener("session.opened", (event) => { source.close(); done(JSON.parse(event.data).type); });
  source.onerror = () => { source.close(); done("blocked"); };
})"""
PICTURED = """(url) => new Promise((done) => {
  const picture = new Image();
  picture.onerror = done;
  picture.src = url;
})"""
SANDBOXED = """(url) => new Promise((done) => {
  onmessage = (event) => done(event.data);
  const frame = document.createElement("iframe");
  frame.sandbox = "allow-scripts";
  frame.srcdoc = `<script>
    const tried = (method) => fetch("${url}/api/sessions", { method, credentials: "include" });
    const status = (method) => tried(method).then((answer) => answer.status, () => "blocked");
    Promise.all([status("GET"), status("POST")]).then((both) => parent.postMessage(both, "*"));
  <\\/script>`;
  document.body.append(frame);
})"""


@pytest.mark.promise("browsers.cookie", "browsers.cors", "door.origin", "door.host")
def test_what_pages_of_other_origins_may_do(desk: Desk, page: Any, workspace: Path, listed: str) -> None:
    session = desk.session(workspace)
    events = f"{desk.url}/api/sessions/{session}/events"
    token = {"headers": {"Authorization": f"Bearer {desk.server.found.token}", "Last-Event-ID": "0"}}
    make = {"method": "POST", "credentials": "include", "body": json.dumps({"workspace": str(workspace)})}
    make_json = make | {"headers": {"Content-Type": "application/json"}}
    page.goto(desk.link())
    assert page.evaluate(STREAMED, [events, False]) == "session.opened"
    assert page.evaluate(FETCHED, ["/api/sessions", make_json])[0] == 201

    page.goto(listed)
    assert page.evaluate(STREAMED, [events, True]) == "session.opened"
    assert page.evaluate(STREAMED, [events, False]) == "blocked"
    assert page.evaluate(FETCHED, [f"{desk.url}/api/models", token])[:2] == [200, True]
    assert page.evaluate(FETCHED, [f"{desk.url}/api/nothing", token])[:2] == [404, True]
    assert page.evaluate(FETCHED, [f"{desk.url}/api/models", {}])[0] == 401

    let_in = desk.statuses("/api/sessions")
    with elsewhere() as other:
        page.goto(other)
        assert page.evaluate(STREAMED, [events, True]) == "blocked"
        for options in (token, {"credentials": "include"}, make, make_json):
            assert page.evaluate(FETCHED, [f"{desk.url}/api/sessions", options]) == "blocked"
        page.evaluate(FETCHED, [f"{desk.url}/api/sessions", make | {"mode": "no-cors"}])
        page.evaluate(PICTURED, f"{desk.url}/api/sessions")
        assert page.evaluate(SANDBOXED, desk.url) == ["blocked", "blocked"]
    answer = page.goto(f"http://evil.example:{desk.server.port}/api/sessions")
    assert (answer.status, answer.json()["code"]) == (403, "host_refused")
    tried = desk.statuses("/api/sessions")[len(let_in) :]
    assert set(tried) == {401, 403} and len(tried) >= 9, "a picture carries the cookie, and gets 401"
