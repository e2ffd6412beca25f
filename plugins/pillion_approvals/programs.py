"""What known programs do with their words beyond what their name says: run other commands, write files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from .line import Command, Line, Risk
from .options import RUNNERS, SHELLS, STDIN_PROGRAMS, WRAPPERS, WRITERS, Runner, Wrapper, named
from .words import Word

ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")
_HARMLESS = named(": true false exit return break continue [ test wait pwd shift")
_STEERING = named(
    "alias unalias source . enable hash shopt bind complete fc history let mapfile readarray getopts unset export "
    "declare typeset readonly local eval trap exec coproc parallel"
)
"""Words of the shell after which what it runs may be something else than its name says."""
_OWN = re.compile(r"(?!.*(?:proxy|path))[a-z_][a-z0-9_]*")
_SED = re.compile(
    r"(?:\s*(?:(?:\d+|\$|/(?:[^/\\\n]|\\[^\n])*/)(?:,(?:[+~]?\d+|\$|/(?:[^/\\\n]|\\[^\n])*/))?)?\s*!?\s*"
    r"(?:[pdqDPNnGgHhx=]|s(?P<d>[/|#,:@])(?:(?!(?P=d))[^\\\n]|\\[^\n])*(?P=d)(?:(?!(?P=d))[^\\\n]|\\[^\n])*(?P=d)[gpIi0-9]*)\s*;?)+"
)
"""Scripts of sed that only print: all others may write files or, by `e`, run commands."""
_AWK = re.compile(r"system|getline|[|>@]|\bclose\b|\bfflush\b")


class Known(Struct, frozen=True):
    """`harmless`, `risks`: as of a Command. `folders`: those it changes to."""

    risks: tuple[Risk, ...] = ()
    harmless: bool = False
    folders: tuple[Word, ...] = ()
    opaque: str = ""


def own_variable(name: str) -> bool:
    """A name that no program and no shell looks for, as far as anyone knows: in small letters."""
    return _OWN.fullmatch(name) is not None


def known(words: Sequence[Word], read: Callable[[str], Line]) -> Known:
    """What is known of a command's words; `read` reads a line that stands in one of them."""
    start = next((at for at, each in enumerate(words) if not ASSIGNMENT.match(each.text)), len(words))
    if start == len(words) or not words[start].sure:
        return Known()
    name, rest = words[start].text.rpartition("/")[2], words[start + 1 :]
    plain = words[start].text == name and start == 0
    if name in SHELLS:
        return _shell(name, words, start, read, plain)
    if name in WRAPPERS:
        return _wrapper(WRAPPERS[name], words, start, read, plain)
    if name in _STEERING:
        inner = _lines(rest, read) + _suffixes(rest, read)
        return Known((Risk(start, runs=inner),), opaque=f"what `{name}` runs is not known")
    match name:
        case "cd" | "pushd":
            return _change(name, rest, plain)
        case "read" | "set" | "printf":
            return _builtin(name, rest, plain)
        case "find" | "fd" | "fdfind":
            return Known(tuple(_find(words, start, read)))
        case "sed" | "gsed":
            return Known(tuple(_sed(words, start)))
        case "awk" | "gawk" | "mawk" | "nawk":
            return Known(tuple(_awk(words, start)))
        case "tee":
            files = [each for each in rest if not (each.sure and each.text.startswith("-"))]
            return Known(tuple(Risk(start + 1, writes=each) for each in files), harmless=plain)
    risks = list(_options(name, words, start, read))
    if name in STDIN_PROGRAMS and not [each for each in rest if each.text != "-" and not each.text.startswith("-")]:
        risks.append(Risk(len(words), why="what it reads is what it runs"))
    if name in ("test", "wait"):
        risks += [
            Risk(at, why="it may calculate with what may be a command")
            for at, each in enumerate(words)
            if at > start and (each.text in ("-v", "-R", "-p") or (not each.sure and each.option))
        ]
    return Known(tuple(risks), harmless=plain and name in _HARMLESS)


# ── what is run ──


def _command(words: Sequence[Word], read: Callable[[str], Line]) -> Command:
    found = known(words, read)
    why = (Risk(0, why=found.opaque),) if found.opaque else ()
    return Command(tuple(words), (*found.risks, *why), found.harmless)


def _suffixes(words: Sequence[Word], read: Callable[[str], Line]) -> tuple[Command, ...]:
    """Every command that the words may hold, for those who look for one that is forbidden."""
    return tuple(Command(tuple(words[at:])) for at in range(len(words)))


def _lines(words: Iterable[Word], read: Callable[[str], Line]) -> tuple[Command, ...]:
    """The commands of those words that are lines."""
    return tuple(command for each in words if re.search(r"\s", each.text) for command in read(each.text).commands)


def _line(each: Word, at: int, read: Callable[[str], Line]) -> list[Risk]:
    """What a word does that a shell runs."""
    line = read(each.text)
    risks = [Risk(at, runs=line.commands), *(Risk(at, writes=place) for place in line.writes)]
    if not each.sure or line.opaque or line.folders:
        risks.append(Risk(at, why=line.opaque or "what is run is not known"))
    return risks


def _shell(name: str, words: Sequence[Word], start: int, read: Callable[[str], Line], plain: bool) -> Known:
    at = start + 1
    takes = False
    while at < len(words) and words[at].sure and words[at].text.startswith(("-", "+")):
        takes = takes or (not words[at].text.startswith("--") and "c" in words[at].text)
        tame = re.fullmatch(r"-[ceux]+", words[at].text) is not None
        if not tame:
            inner = _lines(words[at:], read)
            return Known((Risk(at, runs=inner),), opaque=f"what `{name}` runs is not known")
        at += 1
    if not takes or at >= len(words):
        # A script of its own is a program like any other; without one, it runs what it reads.
        why = "what it reads is what it runs" if at >= len(words) or not words[at].sure else ""
        return Known((Risk(at),), opaque=why)
    risks = _line(words[at], at, read)
    if name in ("zsh", "fish"):
        risks.append(Risk(at, why=f"it is written for {name}"))
    return Known(tuple(risks), harmless=plain)


def _wrapper(kind: Wrapper, words: Sequence[Word], start: int, read: Callable[[str], Line], plain: bool) -> Known:
    at, left = start + 1, kind.first
    odd, mark = "", ""
    odd_at = start
    while at < len(words):
        each = words[at]
        odd_at = odd_at if odd else at
        if not each.sure:
            odd = odd or "what is run is not known"
            break
        text = each.text
        if text == "--":
            at += 1
            break
        if text.startswith("-") and len(text) > 1:
            name, _, value = text.partition("=")
            if text.startswith("--"):
                at += 2 if name in kind.valued and not value else 1
                odd = odd or ("" if name in kind.valued | kind.flags else f"`{name}` is not known")
            else:
                letter = next((letter for letter in text[1:] if "-" + letter in kind.valued), "")
                ends = letter and text.endswith(letter)
                before = text[1 : text.index(letter)] if letter else text[1:]
                odd = odd or ("" if all("-" + one in kind.flags for one in before) else f"`{text}` is not known")
                if letter == "I":
                    mark = text[text.index("I") + 1 :] or (words[at + 1].text if at + 1 < len(words) else "")
                at += 2 if ends else 1
        elif kind.assigns and ASSIGNMENT.match(text):
            odd = odd or "a variable is set"
            at += 1
        elif left:
            left, at = left - 1, at + 1
        else:
            break
    rest = [_placed(each, mark, option=True) for each in words[at:]] if mark else list(words[at:])
    if kind.more and rest:
        rest.append(Word("…", sure=False, option=True))
    risks = [Risk(odd_at, why=odd)] if odd else []
    if rest:
        risks.append(Risk(at, runs=(_command(rest, read),)))
        if kind.text:
            risks += [Risk(at, runs=_lines([Word(" ".join(each.text for each in rest))], read))]
    if odd or not kind.harmless:
        # For those who look for what is forbidden it may begin anywhere.
        risks.append(Risk(start, runs=_suffixes(words[start + 1 :], read) + _lines(words[start + 1 :], read)))
    return Known(tuple(risks), harmless=plain and kind.harmless)


# ── what the shell does itself ──


def _change(name: str, rest: Sequence[Word], plain: bool) -> Known:
    if name == "cd" and plain and len(rest) == 1 and rest[0].sure and rest[0].text and rest[0].text[0] != "-":
        return Known(harmless=True, folders=tuple(rest))
    return Known(folders=(Word("", sure=False),))


def _builtin(name: str, rest: Sequence[Word], plain: bool) -> Known:
    texts = [each.text for each in rest]
    sure = all(each.sure for each in rest)
    match name:
        case "printf":
            # With -v, or words that may be that, it sets a variable.
            return Known(opaque="it may set a variable" if rest and rest[0].maybe_option else "")
        case "read":
            fine = sure and all(text in ("-r", "-s", "-d", "") or own_variable(text) for text in texts)
        case _:
            fine = (
                sure and re.fullmatch(r"(?:[-+][euvfx]*(?:o pipefail)? ?)*", " ".join(texts)) is not None and bool(rest)
            )
    return Known(harmless=plain and fine, opaque="" if fine else f"what `{name}` changes is not known")


# ── programs with options that run or write ──


def _options(name: str, words: Sequence[Word], start: int, read: Callable[[str], Line]) -> Iterable[Risk]:
    kind = RUNNERS.get(name)
    writes = WRITERS.get(name)
    if kind is None and writes is None:
        return
    runs = kind or Runner()
    for at in range(start + 1, len(words)):
        each = words[at] if name != "tar" or at > start + 1 else _old_style(words[at])
        if not each.sure:
            if each.maybe_option or runs.signs:
                yield Risk(at, why="it may be an option that runs or writes something")
            continue
        option, _, value = each.text.partition("=")
        following = words[at + 1] if at + 1 < len(words) else None
        if _meant(option, each.text, runs.options) or any(sign in each.text for sign in runs.signs):
            yield Risk(at, why=f"`{option}` may run something")
        elif writes and _meant(option, each.text, writes):
            alone = each.text in writes or option.startswith("--")
            place = Word(value) if value and alone else following if alone else None
            yield Risk(at, writes=place) if place is not None else Risk(at, why=f"`{option}` writes a file")


def _meant(option: str, text: str, options: frozenset[str]) -> bool:
    """Whether a word is one of the options, or short for one, or has one among its letters."""
    if not text.startswith(("-", "+")):
        return False
    one_dash = "-exec" in options  # go takes each of its options with one dash as with two
    if option in options or (one_dash and option.startswith("--") and option[1:] in options):
        return True
    if text.startswith("--"):
        return len(option) > 2 and any(long.startswith(option) for long in options)
    return any(len(short) == 2 and short[1] in text[1:] for short in options) and not one_dash


def _old_style(first: Word) -> Word:
    """tar's first word holds letters of options also without a dash."""
    return first if not first.sure or first.text.startswith("-") else Word(f"-{first.text}")


def _find(words: Sequence[Word], start: int, read: Callable[[str], Line]) -> Iterable[Risk]:
    name = words[start].text.rpartition("/")[2]
    runs = ("-exec", "-execdir", "-ok", "-okdir") if name == "find" else ("-x", "-X", "--exec", "--exec-batch")
    at = start + 1
    while at < len(words):
        each = words[at]
        if not each.sure and each.maybe_option:
            yield Risk(at, why="it may be an option that runs or writes something")
        elif each.text in runs:
            end = next((end for end in range(at + 1, len(words)) if _ends(words, end)), len(words))
            inner = [_placed(one) for one in words[at + 1 : end]]
            yield Risk(at, runs=(_command(inner, read),)) if inner else Risk(at, why="what is run is not known")
            at = end
        elif each.text == "-delete":
            yield Risk(at)
        elif each.text in ("-fprint", "-fprint0", "-fls", "-fprintf"):
            yield Risk(at, writes=words[at + 1] if at + 1 < len(words) else Word("", sure=False))
        elif (
            name != "find"
            and each.text.startswith("-")
            and not each.text.startswith("--")
            and set("xX") & set(each.text)
        ):
            yield Risk(at, why="what is run is not known")
        at += 1


def _ends(words: Sequence[Word], at: int) -> bool:
    return words[at].text == ";" or (words[at].text == "+" and words[at - 1].text == "{}")


def _placed(each: Word, mark: str = "{}", *, option: bool = False) -> Word:
    """A word in which find or xargs puts a name; what find puts begins with the folder where it begins."""
    return Word(each.text, sure=False, option=option) if mark in each.text else each


def _sed(words: Sequence[Word], start: int) -> Iterable[Risk]:
    scripts: list[tuple[int, Word]] = []
    given = False
    at = start + 1
    while at < len(words):
        each, text = words[at], words[at].text
        if not each.sure and each.maybe_option:
            yield Risk(at, why="it may be an option that runs or writes something")
        elif text in ("-e", "--expression"):
            scripts += [(at + 1, words[at + 1])] if at + 1 < len(words) else []
            given, at = True, at + 1
        elif text.startswith("--expression="):
            scripts.append((at, Word(text.partition("=")[2])))
            given = True
        elif text.startswith("-") and text != "-":
            if not re.fullmatch(r"-[nErsuz]+|--(?:quiet|silent|regexp-extended|posix|null-data|sandbox)", text):
                yield Risk(at, why=f"`{text}` may write or run something")
        elif not given:
            scripts.append((at, each))
            given = True
        at += 1
    for at, script in scripts:
        if not script.sure or not _SED.fullmatch(script.text):
            yield Risk(at, why="its script may write or run something")


def _awk(words: Sequence[Word], start: int) -> Iterable[Risk]:
    at = start + 1
    while at < len(words):
        text = words[at].text
        if text in ("-F", "-v"):
            if at + 1 < len(words) and words[at + 1].maybe_option:
                yield Risk(at + 1, why="it may be several words, and one of them the program")
            at += 2
        elif re.match(r"-[Fv].", text) and words[at].sure:
            at += 1
        elif not words[at].sure or text.startswith("-"):
            yield Risk(at, why="its program is not known")
            return
        else:
            if _AWK.search(text.replace("||", "")):
                yield Risk(at, why="its program may write or run something")
            return
