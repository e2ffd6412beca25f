"""The frame of the host's own pages: no script, nothing from elsewhere, and one style, which the policy names."""

from __future__ import annotations

import base64
import hashlib
from html import escape

PALETTE = """
:root { color-scheme: light dark; --ink: #23211e; --soft: #6d675f; --paper: #faf8f5; --line: #e4dfd7; --tint: #f1ede6;
  --accent: #9a4a1c }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e2dc; --soft: #a09a91; --paper: #191817; --line: #35322e; --tint: #24221f; --accent: #e59866 }
}
"""


def headers(style: str) -> dict[str, str]:
    """Of a page with that style: it runs nothing, loads nothing, and stands in no frame."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": f"{policy}; frame-ancestors 'none'",
        "referrer-policy": "no-referrer",
        "x-frame-options": "DENY",
    }


def page(title: str, style: str, body: str, more: str = "") -> bytes:
    """The whole document; `body` and `more` (for the head) are HTML."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{escape(title)} · Pillion</title>
{more}
<style>{style}</style>
</head>
<body>{body}</body>
</html>
""".encode()
