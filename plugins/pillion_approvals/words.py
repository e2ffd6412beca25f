"""One word of a shell line: what is known of it before the shell expands it."""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import Struct
from tree_sitter import Node

_ESCAPED = re.compile(r"\\(\n|.)", re.DOTALL)
_ESCAPED_IN_QUOTES = re.compile(r'\\([$`"\\\n])')
_EXPANDED = re.compile(r"`|\$[\w({@*#?!$-]")
_OPERATOR = re.compile(r"[&|;<>()\s]")
_GLOB = re.compile(r"(?<!\\)[*?\[]")
_BRACES = re.compile(r"(?<!\\)\{[^{}]*(?:,|\.\.)")
_EXPANSION = re.compile(
    r"\$\{(?:#?(?:[A-Za-z_]\w*|\d+|[@*#?$!-])|\w+\[[\d@*]+\])(?:\}|:?[-+?](?!\d)|:?[-+]|##?|%%?|/[/#%]?|\^\^?|,,?)"
)
"""What `${…}` may begin with: it is looked up, defaulted or cut. All others assign, calculate, or run a prompt."""


class Word(Struct, frozen=True):
    """`text` with its quotes gone. `sure`: the program gets just that, as one argument. `option`: where it is not
    sure, it may turn out to be an option, or several words."""

    text: str
    sure: bool = True
    option: bool = False

    @property
    def maybe_option(self) -> bool:
        return self.option if not self.sure else self.text.startswith(("-", "+"))


def word(node: Node, doubt: Callable[[str], None]) -> Word:
    """The word that a node of the parse is. Calls `doubt` for what can't be known at all."""
    text = (node.text or b"").decode(errors="replace")
    match node.type:
        case "number":
            return Word(text)
        case "raw_string":
            return Word(text[1:-1])
        case "word":
            return _bare(text, doubt)
        case "string":
            return _quoted(node, text, doubt)
        case "command_name":
            return word(node.children[0], doubt) if node.child_count == 1 else _unknown(text, doubt)
        case "concatenation":
            return _joined([word(child, doubt) for child in node.children], node, text)
        case "expansion" if not _EXPANSION.match(text):
            return _unknown(text, doubt)
        case "arithmetic_expansion" if _computes(node):
            return _unknown(text, doubt)
        case "command_substitution" if text.startswith("`") and "\\" in text:
            return _unknown(text, doubt)
        case "simple_expansion" | "expansion" | "command_substitution" | "brace_expression":
            return Word(text, sure=False, option=True)
        case "process_substitution" | "arithmetic_expansion":
            return Word(text, sure=False, option=text.startswith("$"))  # a path, or a number
        case _:
            return _unknown(text, doubt)


def hides(text: str) -> bool:
    """Whether something is expanded, or ends, in a text without quotes in which the parse sees nothing."""
    plain = _ESCAPED.sub("", text)
    return _EXPANDED.search(plain) is not None or _OPERATOR.search(plain) is not None


def _unknown(text: str, doubt: Callable[[str], None]) -> Word:
    doubt(f"what {text[:40]!r} becomes is not known")
    return Word(text, sure=False, option=True)


def _bare(text: str, doubt: Callable[[str], None]) -> Word:
    plain = _ESCAPED.sub(lambda found: "" if found[1] == "\n" else found[1], text)
    if text.startswith("~"):
        return Word(plain, sure=False)
    if hides(text):
        return _unknown(text, doubt)
    if (found := _GLOB.search(text)) or (found := _BRACES.search(text)):
        return Word(plain, sure=False, option=found.start() == 0 or text.startswith("-"))
    return Word(plain)


def _quoted(node: Node, text: str, doubt: Callable[[str], None]) -> Word:
    if not text.startswith('"'):
        return _unknown(text, doubt)
    inner = [child for child in node.named_children if child.type != "string_content"]
    for child in inner:
        word(child, doubt)
    plain = _ESCAPED_IN_QUOTES.sub(lambda found: "" if found[1] == "\n" else found[1], text[1:-1])
    if not inner and _EXPANDED.search(_ESCAPED_IN_QUOTES.sub("", text[1:-1])):  # the parse has overlooked it
        return _unknown(text, doubt)
    return Word(plain, sure=not inner, option=bool(inner) and (plain.startswith(("-", "+", "$", "`"))))


def _joined(parts: list[Word], node: Node, text: str) -> Word:
    plain = "".join(part.text for part in parts)
    bare = "".join((child.text or b"").decode(errors="replace") for child in node.children if child.type == "word")
    braces = "{" in bare and ("," in bare or ".." in bare)
    sure = all(part.sure for part in parts) and not braces
    splits = any(not part.sure and part.option and child.type != "string"
                 for part, child in zip(parts, node.children, strict=True))  # fmt: skip
    begins = plain.startswith(("-", "+")) or parts[0].option or (braces and text.startswith("{"))
    return Word(plain, sure=sure, option=not sure and (splits or begins))


def _computes(node: Node) -> bool:
    """Whether a variable's value would be evaluated: it may hold a subscript, and that a command."""
    plain = {"number", "binary_expression", "unary_expression", "parenthesized_expression", "ternary_expression"}
    waiting = list(node.named_children)
    while waiting:
        inner = waiting.pop()
        if inner.type not in plain:
            return True
        waiting += inner.named_children
    return False
