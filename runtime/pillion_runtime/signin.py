"""The two pages of the host itself: how to sign a browser in, and the way on from a link that did. No script."""

from __future__ import annotations

from html import escape

from .htmlpage import PALETTE, headers, page

STYLE = (
    PALETTE
    + """
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--paper); color: var(--ink);
  font: 1rem/1.6 system-ui, sans-serif }
main { max-width: 30rem; padding: 2rem }
h1 { font-size: 1.5rem; font-weight: 600; line-height: 1.25; margin: 0 0 1rem }
p { margin: 0 0 1rem }
pre { margin: 0 0 1rem; padding: .75rem 1rem; border: 1px solid var(--line); border-radius: .5rem;
  background: var(--tint); font: .95rem/1.5 ui-monospace, monospace; user-select: all }
small, a { color: var(--soft) }
"""
)
HEADERS = headers(STYLE)
_REFUSED = """<h1>This browser is not signed in</h1>
{detail}
<p>In a terminal on the machine where Pillion runs:</p>
<pre>pillion open</pre>
<p>It opens this page with a link that works once, within a minute. Give it the <code>--data-dir</code> of the server,
if the server has one of its own; <code>--print</code> only prints the link.</p>
<p><small>Signed in already, in another tab? <a href="">Try again</a></small></p>"""
_ARRIVED = """<h1>Signed in</h1>
<p><a href="{path}">Go on to the page</a></p>"""


def refused(detail: str) -> bytes:
    """For somebody who is not signed in; `detail` is a sentence for people, or ""."""
    why = f"<p>{escape(detail)}</p>" if detail else ""
    return page("Sign in", STYLE, f"<main>{_REFUSED.format(detail=why)}</main>")


def arrived(path: str) -> bytes:
    """Leads on to `path`. A link of our own page: a browser that comes from elsewhere keeps a strict cookie back."""
    more = f'<meta http-equiv="refresh" content="0; url={escape(path)}">'
    return page("Signed in", STYLE, f"<main>{_ARRIVED.format(path=escape(path))}</main>", more)
