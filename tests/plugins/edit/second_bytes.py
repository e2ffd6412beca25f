r"""Cases of the second corpus about line ends, marks, the ends of files, letters and size."""

# ruff: noqa: E501
from __future__ import annotations

from .second_edits import REFUSED, Case, Either, blocks, editor, insert, patch, swap, unified
from .second_files import EMPTY, GO, LONG, PY, THREE, TS, WIDE


def crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


BOM = b"\xef\xbb\xbf"


TREES = "grün\nÄpfel für 3 €\n日本語の行\n🙂 ok\n"


NBSP = "limit =\u00a010\nname = x\n"


COMBINED = "cafe\u0301 = 1\nthe\u0301 = 2\n"


BYTES = [
    Case(
        "CRLF in the file alone",
        GO,
        swap("\ts.hits++\n\treturn value, nil", "\ts.hits += 1\n\treturn value, nil"),
        crlf(GO.but("s.hits++", "s.hits += 1")),
        crlf(GO.text),
    ),
    Case(
        "CRLF in the edit alone",
        TS,
        blocks(("    let sum = 0;\r\n", "    let sum = 0.0;\r\n    let n = 0;\r\n")),
        TS.but("    let sum = 0;\n", "    let sum = 0.0;\n    let n = 0;\n"),
    ),
    Case(
        "CRLF in old and new alone",
        TS,
        editor("    let sum = 0;\r\n    for", "    let sum = 0;\r\n    let n = 0;\r\n    for"),
        TS.but("    let sum = 0;\n", "    let sum = 0;\n    let n = 0;\n"),
    ),
    Case(
        "CRLF and an insertion",
        THREE,
        insert(1, "more\nand more"),
        b"one\r\nmore\r\nand more\r\ntwo\r\nthree\r\n",
        crlf(THREE.text),
    ),
    Case(
        "line ends of both kinds",
        THREE,
        unified("@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n"),
        Either(b"one\r\n2\r\nthree\r\n"),
        b"one\r\ntwo\nthree\r\n",
    ),
    Case(
        "a mark in front of the first line",
        PY,
        swap('"""Lamps of a house."""', '"""Lamps of a flat."""'),
        BOM + PY.but("a house", "a flat").encode(),
        BOM + PY.text.encode(),
    ),
    Case(
        "lines in front of the first, behind the mark",
        THREE,
        patch("@@\n+zero\n one\n"),
        BOM + b"zero\none\ntwo\nthree\n",
        BOM + b"one\ntwo\nthree\n",
    ),
    Case("the mark is in the search, too", THREE, swap("\ufeffone", "1"), Either("1\ntwo\nthree\n")),
    Case("no line end at the end", THREE, swap("three", "3"), b"one\ntwo\n3", b"one\ntwo\nthree"),
    Case(
        "no line end, a line behind the last",
        THREE,
        patch("@@\n three\n+four\n"),
        b"one\ntwo\nthree\nfour",
        b"one\ntwo\nthree",
    ),
    Case("no line end, a block", THREE, blocks(("two\nthree\n", "two\n3\n")), b"one\ntwo\n3", b"one\ntwo\nthree"),
    Case(
        "no line end, which the diff says",
        THREE,
        unified("@@ -2,2 +2,2 @@\n two\n-three\n\\ No newline at end of file\n+3\n\\ No newline at end of file\n"),
        b"one\ntwo\n3",
        b"one\ntwo\nthree",
    ),
    Case(
        "the search ends with a line end, the file does not",
        THREE,
        editor("three\n", "3\n"),
        Either(b"one\ntwo\n3"),
        b"one\ntwo\nthree",
    ),
    Case(
        "trailing blanks in the file",
        THREE,
        blocks(("one\ntwo\n", "one\n2\n")),
        b"one   \n2\nthree\n",
        b"one   \ntwo  \nthree\n",
    ),
    Case("trailing blanks are to go", THREE, swap("one   \n", "one\n"), b"one\ntwo\n", b"one   \ntwo\n"),
    Case("tabs become spaces", THREE, swap("\tone\n", "    one\n"), b"    one\ntwo\n", b"\tone\ntwo\n"),
    Case(
        "indentation is all that changes",
        PY,
        swap("    return result\n", "        return result\n"),
        PY.but("    return result\n", "        return result\n"),
    ),
    Case("into an empty file", EMPTY, insert(0, "one"), "one\n"),
    Case("into an empty file, by a patch", EMPTY, patch("@@\n+one\n"), Either("one\n")),
    Case("into an empty file, by a diff", EMPTY, unified("@@ -0,0 +1 @@\n+one\n"), Either("one\n")),
    Case("a search in an empty file", EMPTY, swap("one", "two"), REFUSED),
    Case("an empty search makes no file of one that is there", THREE, blocks(("", "zero\n")), REFUSED),
    Case("lines that are added and no place", THREE, patch("@@\n+zero\n"), REFUSED),
    Case("all goes", THREE, swap("one\ntwo\nthree\n", ""), ""),
    Case("all goes, by a diff", THREE, unified("@@ -1,3 +0,0 @@\n-one\n-two\n-three\n"), ""),
    Case("at the top", THREE, insert(0, "zero\n"), "zero\none\ntwo\nthree\n"),
    Case("at the bottom", THREE, insert(3, "four"), "one\ntwo\nthree\nfour\n"),
    Case("behind the bottom", THREE, insert(4, "four"), REFUSED),
    Case(
        "at the bottom without a line end",
        THREE,
        insert(3, "four"),
        Either(b"one\ntwo\nthree\nfour"),
        b"one\ntwo\nthree",
    ),
    Case(
        "letters that are not ASCII",
        THREE,
        swap("Äpfel für 3 €", "Äpfel für 4 €"),
        TREES.replace("3 €", "4 €"),
        TREES.encode(),
    ),
    Case("umlauts are written out", THREE, swap("Aepfel fuer 3 €", "Aepfel fuer 4 €"), REFUSED, TREES.encode()),
    Case(
        "Japanese, and a smiley in context",
        THREE,
        patch("@@\n-日本語の行\n+日本の行\n 🙂 ok\n"),
        TREES.replace("日本語", "日本"),
        TREES.encode(),
    ),
    Case(
        "a no-break space",
        THREE,
        blocks(("limit = 10\n", "limit = 20\n")),
        Either("limit =\u00a020\nname = x\n"),
        NBSP.encode(),
    ),
    Case(
        "a letter of two code points",
        THREE,
        blocks(("café = 1\n", "café = 3\n")),
        Either("café = 3\nthe\u0301 = 2\n"),
        COMBINED.encode(),
    ),
    Case(
        "a form feed and a line separator stay in their line",
        THREE,
        swap("b", "B"),
        b"a\x0c\xe2\x80\xa8B\x1d\nc\n",
        b"a\x0c\xe2\x80\xa8b\x1d\nc\n",
    ),
    Case("a line of 100,000 letters", WIDE, swap("[0,1,2,3,", "[9,1,2,3,"), WIDE.but("[0,1,2,3,", "[9,1,2,3,")),
    Case(
        "beside a line of 100,000 letters",
        WIDE,
        patch("@@\n-var z = 2;\n+var z = 3;\n"),
        WIDE.but("var z = 2;", "var z = 3;"),
    ),
    Case(
        "20,000 lines, far down",
        LONG,
        swap("value_19000 = 19000\n", "value_19000 = 0\n"),
        LONG.but("value_19000 = 19000\n", "value_19000 = 0\n"),
    ),
    Case("20,000 lines, one that is not there", LONG, blocks(("value_19000 = 19001\n", "value_19000 = 0\n")), REFUSED),
    Case("20,000 lines, a name that begins others", LONG, swap("value_1900", "value_x"), REFUSED),
    Case(
        "20,000 lines, context of before",
        LONG,
        unified(
            "@@ -1,3 +1,3 @@\n value_10000 = 10000\n value_10001 = ten thousand one\n-value_10002 = 10002\n+value_10002 = 0\n value_10003 = 10003\n"
        ),
        Either(LONG.but("value_10002 = 10002\n", "value_10002 = 0\n")),
    ),
]
CASES = [*BYTES]
