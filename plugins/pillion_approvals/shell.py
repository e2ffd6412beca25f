"""Reads a line of the shell with a full parse, as bash would; what can't be read for certain is said to be opaque."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from functools import lru_cache

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

from .line import Command, Line
from .options import named
from .programs import known, own_variable
from .words import Word, hides, word

LONGEST = 32 * 1024
"""Bytes of a line that is read at all."""
SECONDS = 0.1
"""What the parse of one line may take; it is quadratic for some that are made to be so."""
MOST = 8_000
"""Nodes of a parse that are looked at."""
DEEPEST = 60
"""Levels of a parse, and of lines in the words of lines."""

_STRUCTURE = named(
    "program list pipeline subshell do_group if_statement elif_clause else_clause while_statement "
    "case_statement case_item negated_command function_definition comment command_name variable_name "
    "special_variable_name variable_assignments array subscript string_content file_descriptor herestring_redirect "
    "test_operator heredoc_start heredoc_body heredoc_content heredoc_end "
    "binary_expression unary_expression parenthesized_expression ternary_expression"
)
_WORDS = named(
    "word number raw_string string concatenation expansion simple_expansion command_substitution process_substitution "
    "arithmetic_expansion brace_expression ansi_c_string translated_string"
)
_ODD = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u180e\u2000-\u200f\u2028-\u202f"
    "\u205f-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff\ud800-\udfff]"
)
"""Control characters, and those that nobody sees or that turn the writing round."""
_SWALLOWED = re.compile(r"(?:^|[\s;&|()])(?:\\\\)*\\[ \t\v\f]")
"""The grammar takes such a space for one between words."""
_HISTORY = re.compile(r"(?:^|[^\\$\[{<])!(?:[!$^*#?\w-])")
_DELIMITER = re.compile(r"(\w+)|'(\w+)'|\"(\w+)\"")
_RESERVED = named("if then elif else fi for while until do done case esac select function in { } [[ ]] ( )")
_CALCULATING = frozenset(["-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-v", "-R"])
_TEST = re.compile(r"""\[\[[ \t][^\n]*[ \t]\]\]|\[[ \t](?:"[^"\n]*"|'[^'\n]*'|[^\n"'<>&|;()])*[ \t]\]""")
_NAMING = frozenset(["-v", "-R"])
_DEVICES = re.compile(r"/dev/(?:null|zero|stdin|stdout|stderr|fd/\d+)")
_NETWORK = re.compile(r"/dev/(?:tcp|udp)/")


def read_line(text: str) -> Line:
    """What the line runs. Never raises; a line that is too long or too deep is opaque."""
    return _read(text, 0)


@lru_cache(maxsize=64)
def _read(text: str, depth: int) -> Line:
    data = text.encode(errors="replace")
    if len(data) > LONGEST:
        return Line(opaque="it is too long to be judged")
    if depth > DEEPEST // 10:
        return Line(opaque="it is nested too deeply to be judged")
    until = time.perf_counter() + SECONDS
    try:
        tree = Parser(Language(tree_sitter_bash.language())).parse(
            lambda offset, _: data[offset : offset + 4096], progress_callback=lambda *_: time.perf_counter() > until
        )
    except ValueError:
        return Line(opaque="it takes too long to be read")
    reader = _Reader(text, depth)
    if _ODD.search(text):
        reader.doubt("there are characters in it that can't be seen")
    if _SWALLOWED.search(text):
        reader.doubt("a space in it belongs to a word")
    if _HISTORY.search(text):
        reader.doubt("`!` may stand for an earlier command")
    reader.visit(tree.root_node, 0)
    return reader.line()


def is_device(path: str) -> bool:
    """A file that nothing is kept in."""
    return _DEVICES.fullmatch(path) is not None


class _Reader:
    def __init__(self, text: str, depth: int) -> None:
        self._lines = text.split("\n")
        self._depth = depth
        self._nodes = 0
        self._seen: set[int] = set()
        self._behind: dict[int, list[Node]] = {}
        """The words of a command that stand behind a redirection."""
        self._opaque = ""
        self._commands: list[Command] = []
        self._writes: list[Word] = []
        self._reads: list[Word] = []
        self._folders: list[Word] = []
        self._values: list[Word] = []

    def line(self) -> Line:
        writes, reads, folders, values = map(tuple, (self._writes, self._reads, self._folders, self._values))
        return Line(tuple(self._commands), writes, reads, folders, values, self._opaque)

    def doubt(self, why: str) -> None:
        self._opaque = self._opaque or why

    def visit(self, node: Node, depth: int) -> None:
        self._nodes += 1
        if self._nodes > MOST or depth > DEEPEST:
            return self.doubt("it is too long to be judged")
        if node.is_missing or node.is_error:
            self.doubt("it can't be read as a whole")
        match node.type:
            case "command":
                self._command(node, self._behind.pop(node.id, []))
            case "redirected_statement":
                self._redirected(node)
            case "file_redirect":
                if node.id not in self._seen and self._redirect(node):
                    self.doubt("words stand behind the name of a file")
            case "heredoc_redirect":
                if node.id not in self._seen:
                    self.doubt("a here-document can't be read")
            case "variable_assignment":
                self._assignment(node)
            case "for_statement":
                self._hold(node)
                name = _text(node.child_by_field_name("variable"))
                if not own_variable(name):
                    self._add([Word(f"{name}=", sure=False)])
            case "declaration_command" | "unset_command":
                self._add([Word(_text(child), sure=not at) for at, child in enumerate(node.children)])
            case "test_command":
                words = set(_text(node).split())
                odd = _CALCULATING if "[[" in words else _NAMING
                if not _TEST.fullmatch(_text(node)) or odd & words:
                    self.doubt("it calculates with what may be a command")
            case "compound_statement":
                if _text(node).startswith("(("):
                    self.doubt("it calculates with what may be a command")
            case "extglob_pattern" | "regex":
                if hides(re.sub(r"[\s()|]", "", _text(node))):
                    self.doubt("a part of it can't be read")
            case kind if kind in _WORDS:
                word(node, self.doubt)
            case kind if kind not in _STRUCTURE:
                self.doubt("a part of it can't be read")
        for child in node.children:
            if child.is_named or child.is_missing:
                self.visit(child, depth + 1)

    # ── commands ──

    def _command(self, node: Node, behind: Sequence[Node]) -> None:
        words: list[Word] = []
        for child in [*node.children, *behind]:
            if child.type == "variable_assignment":
                words.append(self._assigned(child))
            elif child.type == "command_name" or child.type in _WORDS:
                words.append(word(child, self.doubt))
            elif not child.is_named and _text(child) not in ("<", ">", "<<<"):
                words.append(Word(_text(child)))  # `=~` and the like, as words
        name = node.child_by_field_name("name")
        if name is not None:
            said = _text(name)
            if said in _RESERVED:
                self.doubt(f"`{said}` stands where a command should")
            if not word(name, self.doubt).sure or "\\" in said or name.named_children[0].type == "concatenation":
                self.doubt(f"what `{said[:40]}` becomes is not known")
        self._add(words)

    def _add(self, words: Sequence[Word]) -> None:
        found = known(words, lambda text: _read(text, self._depth + 1))
        self._commands.append(Command(tuple(words), tuple(found.risks), found.harmless))
        self._folders += found.folders
        if found.opaque:
            self.doubt(found.opaque)

    def _assigned(self, node: Node) -> Word:
        value = node.child_by_field_name("value")
        name = node.child_by_field_name("name")
        said = _text(node)
        if value is None or name is None:
            return Word(said)
        if name.type != "variable_name" or value.type not in _WORDS:
            self.doubt(f"what `{said[:40]}` sets is not known")
            return Word(said, sure=False, option=True)
        meant = word(value, self.doubt)
        sign = "+=" if said[len(_text(name)) :].startswith("+=") else "="
        return Word(f"{_text(name)}{sign}{meant.text}", sure=meant.sure, option=False)

    def _assignment(self, node: Node) -> None:
        """One that stands alone. Those before a command are among its words."""
        if node.parent is not None and node.parent.type in ("command", "declaration_command"):
            return
        name = node.child_by_field_name("name")
        if name is None or name.type != "variable_name" or not own_variable(_text(name)):
            self._add([Word(_text(node), sure=False)])
        self._hold(node)

    def _hold(self, node: Node) -> None:
        values = node.children_by_field_name("value")
        self._values += [word(value, self.doubt) for value in values if value.type in _WORDS]

    # ── redirections ──

    def _redirected(self, node: Node) -> None:
        behind: list[Node] = []
        for child in node.children:
            if child.type in ("file_redirect", "heredoc_redirect"):
                self._seen.add(child.id)
                behind += self._redirect(child) if child.type == "file_redirect" else self._heredoc(child)
        body = node.child_by_field_name("body")
        if body is not None and body.type == "command":
            self._behind[body.id] = behind
        elif behind:
            self.doubt("words stand behind the name of a file")

    def _redirect(self, node: Node) -> list[Node]:
        """Notes where it leads. The words behind its first belong to the command."""
        sign = next((_text(child) for child in node.children if not child.is_named), "")
        destinations = node.children_by_field_name("destination")
        if not destinations:
            if sign not in ("<&-", ">&-"):
                self.doubt("a redirection can't be read")
            return []
        target, *behind = destinations
        if sign in ("<&", ">&") and re.fullmatch(r"\d+-?|-", _text(target)):
            return behind
        if target.type == "process_substitution":
            word(target, self.doubt)
            return behind
        place = word(target, self.doubt)
        if not place.sure or not _NETWORK.match(place.text):
            if sign == "<":
                self._reads.append(place)
            elif sign in (">", ">>", "&>", "&>>", ">&", ">|"):
                if not (place.sure and is_device(place.text)):
                    self._writes.append(place)
            else:
                self.doubt("a redirection can't be read")
        else:
            self.doubt("a redirection leads into the network")
        return behind

    def _heredoc(self, node: Node) -> list[Node]:
        """Notes what else stands in its line; gives the words that belong to the command."""
        self._check_heredoc(node)
        behind = [child for child in node.children if child.type in _WORDS]
        for child in node.children:
            if child.type == "file_redirect":
                self._seen.add(child.id)
                behind += self._redirect(child)
        return behind

    def _check_heredoc(self, node: Node) -> None:
        """Makes sure that the parse has found the end that the shell finds, and all that is substituted."""
        start = next((child for child in node.children if child.type == "heredoc_start"), None)
        found = _DELIMITER.fullmatch(_text(start)) if start is not None else None
        if start is None or found is None:
            return self.doubt("a here-document can't be read")
        delimiter = found[1] or found[2] or found[3]
        row = start.start_point.row
        strip = _text(node).startswith("<<-")
        body: list[str] = []
        for text in self._lines[row + 1 :]:
            if (text.lstrip("\t") if strip else text) == delimiter:
                break
            body.append(text)
        ends = [child for child in node.children if child.type == "heredoc_end"]
        last = row + 1 + len(body)
        within = {"heredoc_body", "heredoc_end"}
        if (
            [child.start_point.row for child in ends] != [last]
            or sum(1 for text in self._lines[row].split("<<")[1:]) != 1
            or any(child.end_point.row > row for child in node.children if child.type not in within)
        ):
            return self.doubt("a here-document can't be read")
        if found[1] is not None:
            self._substituted("\n".join(body), node)

    def _substituted(self, body: str, node: Node) -> None:
        """Whether as many substitutions were found in the text as there are signs of one."""
        signs = len(re.findall(r"\$[({]", body)) + body.count("`") / 2
        found = 0
        waiting = [child for child in node.children if child.type == "heredoc_body"]
        while waiting:
            inner = waiting.pop()
            found += inner.type in ("command_substitution", "arithmetic_expansion", "expansion")
            waiting += inner.named_children
        if found != signs:
            self.doubt("a here-document can't be read")


def _text(node: Node | None) -> str:
    return (node.text or b"").decode(errors="replace") if node is not None else ""
