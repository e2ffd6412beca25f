"""The two pages of the host itself: how to sign a browser in, and the way on from a link that did. No script."""

from __future__ import annotations

import base64
import hashlib
from html import escape

STYLE = """
:root { color-scheme: light dark; --ink: #23211e; --soft: #6d675f; --paper: #faf8f5; --line: #e4dfd7; --tint: #f1ede6 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e2dc; --soft: #a09a91; --paper: #191817; --line: #35322e; --tint: #24221f }
}
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--paper); color: var(--ink);
  font: 1rem/1.6 system-ui, sans-serif }
main { max-width: 30rem; padding: 2rem }
h1 { font-size: 1.5rem; font-weight: 600; line-height: 1.25; margin: 0 0 1rem }
p { margin: 0 0 1rem }
pre { margin: 0 0 1rem; padding: .75rem 1rem; border: 1px solid var(--line); border-radius: .5rem;
  background: var(--tint); font: .95rem/1.5 ui-monospace, monospace; user-select: all }
small, a { color: var(--soft) }
"""
_POLICY = f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": f"{_POLICY}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
}
_REFUSED = """<h1>This browser is not signed in</h1>
<p>In a terminal on the machine where Pillion runs:</p>
<pre>pillion open</pre>
<p>It opens this page with a link that works once, within a minute. Give it the <code>--data-dir</code> of the server,
if the server has one of its own; <code>--print</code> only prints the link.</p>
<p><small>{detail} <a href="">Try again</a></small></p>"""
_ARRIVED = """<h1>Signed in</h1>
<p><a href="{path}">Go on to the page</a></p>"""


def refused(detail: str) -> bytes:
    """For somebody who is not signed in; `detail` says what was wrong."""
    return _page("Sign in", _REFUSED.format(detail=escape(detail)))


def arrived(path: str) -> bytes:
    """Leads on to `path`. A link of our own page: a browser that comes from elsewhere keeps a strict cookie back."""
    more = f'<meta http-equiv="refresh" content="0; url={escape(path)}">'
    return _page("Signed in", _ARRIVED.format(path=escape(path)), more)


def _page(title: str, body: str, more: str = "") -> bytes:
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title} · Pillion</title>
{more}
<style>{STYLE}</style>
</head>
<body><main>
{body}
</main></body>
</html>
""".encode()
