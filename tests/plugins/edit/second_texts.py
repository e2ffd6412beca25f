r"""Cases of the second corpus in Markdown, make, HTML and shell, and those about places that are alike."""

# ruff: noqa: E501
from __future__ import annotations

from .second_edits import ALREADY, REFUSED, Case, Either, blocks, editor, patch, swap, unified
from .second_files import HTML, MAKE, MD, PY, SH, THREE, TS

TEXT = [
    Case(
        "an apostrophe and a dash that are others",
        MD,
        editor("A lamp that’s easy to switch on - and off.", "A lamp that’s easy to switch on, and off."),
        Either(MD.but("that's easy to switch on — and off", "that's easy to switch on, and off")),
    ),
    Case(
        "a paragraph wrapped otherwise",
        MD,
        swap(
            "Lamps are switched on by name. A name that is not known is an error,\nand no lamp is switched.",
            "Lamps are switched on by name. A name that is not known is an error.",
        ),
        Either(
            MD.but(
                "A name that is not known\nis an error, and no lamp is switched.",
                "A name that is not known is an error.",
            )
        ),
    ),
    Case("fences that are twice", MD, swap("```sh\n", "```console\n"), REFUSED),
    Case(
        "a fence with its line",
        MD,
        swap("```sh\nlamp on", "```console\nlamp on"),
        MD.but("```sh\nlamp", "```console\nlamp"),
    ),
    Case(
        "a fence in a block",
        MD,
        blocks(("```sh\nlamp on kitchen\n```\n", "```sh\nlamp on hall\n```\n")),
        MD.but("lamp on kitchen", "lamp on hall"),
    ),
    Case(
        "a section at the end",
        MD,
        patch("@@ ## License\n \n MIT\n+\n+## Authors\n+\n+Many.\n"),
        MD.text + "\n## Authors\n\nMany.\n",
    ),
    Case(
        "only blank lines come",
        MD,
        blocks(("## License\n\nMIT\n", "## License\n\n\nMIT\n")),
        MD.but("License\n\n", "License\n\n\n"),
    ),
    Case(
        "a heading and its rule: ======= in a block",
        MD,
        blocks(("MIT\n", "MIT\n=======\n")),
        Either(MD.but("MIT\n", "MIT\n=======\n")),
    ),
    Case(
        "a recipe with spaces",
        MAKE,
        blocks(("clean:\n    rm -f *.o ring\n", "clean:\n    rm -f *.o ring\n    rm -rf out\n")),
        Either(MAKE.but("\trm -f *.o ring\n", "\trm -f *.o ring\n\trm -rf out\n")),
    ),
    Case(
        "a target is added in front",
        MAKE,
        patch("@@\n+test: ring\n+\t./ring --test\n+\n clean:\n"),
        MAKE.but("clean:\n\trm", "test: ring\n\t./ring --test\n\nclean:\n\trm"),
    ),
    Case("CC is within $(CC)", MAKE, swap("CC", "CXX"), REFUSED),
    Case("CFLAGS of the first line", MAKE, swap("CFLAGS = -O2 -Wall", "CFLAGS = -O3 -Wall"), MAKE.but("-O2", "-O3")),
    Case("one of three items alike", HTML, swap('<li class="lamp">', '<li class="lamp dim">'), REFUSED),
    Case(
        "an item by its text, quotes single",
        HTML,
        editor("<li class='lamp'>Hall</li>", "<li class='lamp dim'>Hall</li>"),
        Either(HTML.but('<li class="lamp">Hall', '<li class="lamp dim">Hall')),
    ),
    Case(
        "an item goes",
        HTML,
        unified(
            '@@ -7,3 +7,2 @@\n       <li class="lamp">Kitchen</li>\n-      <li class="lamp">Hall</li>\n       <li class="lamp">Cellar</li>\n'
        ),
        HTML.but('      <li class="lamp">Hall</li>\n', ""),
    ),
    Case(
        "an item elided by a comment",
        HTML,
        blocks(
            (
                '    <ul>\n      <!-- ... -->\n      <li class="lamp">Cellar</li>\n    </ul>\n',
                '    <ul>\n      <!-- ... -->\n      <li class="lamp">Cellar</li>\n      <li class="lamp">Loft</li>\n    </ul>\n',
            )
        ),
        Either(HTML.but("Cellar</li>\n", 'Cellar</li>\n      <li class="lamp">Loft</li>\n')),
    ),
    Case("a line that goes from two", SH, editor("    make clean\n", ""), SH.but("    make clean\n", "")),
    Case("a word that is a function and a call", SH, swap("build", "compile"), REFUSED),
    Case("the call at the end", SH, blocks(("build\ncopy\n", "copy\n")), SH.but("\nbuild\ncopy\n", "\ncopy\n")),
    Case(
        "a call as a line, which is in build() {, too",
        SH,
        blocks(("copy\n", "copy --fast\n")),
        SH.text.removesuffix("copy\n") + "copy --fast\n",
    ),
    Case(
        "quotes are lost in the removed line",
        SH,
        patch('@@\n-if [ -z $host ]; then\n+if [ -z "${host:-}" ]; then\n     echo "usage: deploy.sh HOST" >&2\n'),
        Either(SH.but('if [ -z "$host" ]', 'if [ -z "${host:-}" ]')),
    ),
    Case(
        "another option of the removed line",
        SH,
        blocks(
            (
                'if [ -n "$host" ]; then\n    echo "usage: deploy.sh HOST" >&2\n',
                'if test "$host"; then\n    echo "usage: deploy.sh HOST" >&2\n',
            )
        ),
        REFUSED,
    ),
]
TWICE = "begin\nstep\nend\n\nbegin\nstep\nend\n\nbegin\nstep\nend\n"
NUMBERS = "a\nb\nc\nd\ne\nf\ng\nh\n"
PLACES = [
    Case(
        "a block that is thrice", THREE, blocks(("begin\nstep\nend\n", "begin\nleap\nend\n")), REFUSED, TWICE.encode()
    ),
    Case(
        "the last of three, at the end of the file",
        THREE,
        patch("@@\n begin\n-step\n+leap\n end\n*** End of File\n"),
        Either(TWICE[:-9] + "leap\nend\n"),
        TWICE.encode(),
    ),
    Case(
        "one of three is done, the others are meant or not",
        THREE,
        blocks(("begin\nstep\nend\n", "begin\nleap\nend\n")),
        REFUSED,
        TWICE.replace("step", "leap", 1).encode(),
    ),
    Case(
        "two of three are done",
        THREE,
        blocks(("begin\nstep\nend\n", "begin\nleap\nend\n")),
        TWICE.replace("step", "leap"),
        TWICE.replace("step", "leap", 2).encode(),
    ),
    Case(
        "three hunks for three",
        THREE,
        unified(
            "@@ -1 +1 @@\n begin\n-step\n+1\n end\n@@ -5 +5 @@\n begin\n-step\n+2\n end\n@@ -9 +9 @@\n begin\n-step\n+3\n end\n"
        ),
        Either("begin\n1\nend\n\nbegin\n2\nend\n\nbegin\n3\nend\n"),
        TWICE.encode(),
    ),
    Case("two blocks for the same lines", THREE, blocks(("two\n", "2\n"), ("two\n", "II\n")), REFUSED),
    Case(
        "a block that builds on the one before",
        THREE,
        blocks(("two\n", "2\n"), ("2\nthree\n", "2\n3\n")),
        Either("one\n2\n3\n"),
    ),
    Case(
        "hunks that overlap in context",
        THREE,
        unified("@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n@@ -3,3 +3,3 @@\n c\n-d\n+D\n e\n"),
        "a\nB\nc\nD\ne\nf\ng\nh\n",
        NUMBERS.encode(),
    ),
    Case(
        "hunks that want two things of a line",
        THREE,
        unified("@@ -1,3 +1,3 @@\n a\n-b\n+B\n@@ -1,3 +1,3 @@\n-b\n+X\n c\n"),
        REFUSED,
        NUMBERS.encode(),
    ),
    Case("what is swapped", THREE, blocks(("a\nb\n", "b\na\n")), "b\na\n" + NUMBERS[4:], NUMBERS.encode()),
    Case(
        "context that is the other way round",
        THREE,
        patch("@@\n c\n b\n-d\n+D\n"),
        Either(NUMBERS.replace("d", "D")),
        NUMBERS.encode(),
    ),
    Case("nothing is changed", THREE, swap("two", "two"), REFUSED),
    Case("a part of a line that is done", THREE, swap("tw", "two"), ALREADY),
    Case("a line is to be doubled", THREE, swap("two\n", "two\ntwo\n"), "one\ntwo\ntwo\nthree\n"),
    Case(
        "a line that is double is to be single",
        THREE,
        swap("two\ntwo\n", "two\n"),
        "one\ntwo\nthree\n",
        b"one\ntwo\ntwo\nthree\n",
    ),
    Case(
        "done before, and the old text is elsewhere",
        THREE,
        blocks(("x = 1\n", "x = 2\n")),
        Either("x = 2\ny\nx = 2\n"),
        b"x = 2\ny\nx = 1\n",
    ),
    Case("blank search", THREE, swap("\n", "\n\n"), REFUSED),
    Case("a blank line of two", THREE, patch("@@\n-\n"), REFUSED, b"a\n\nb\n\nc\n"),
    Case("a letter that is there once", THREE, swap("w", "W"), "one\ntWo\nthree\n"),
    Case("a search in another case", THREE, swap("TWO", "2"), REFUSED),
    Case(
        "a search that is longer than the file",
        THREE,
        blocks(("one\ntwo\nthree\nfour\n", "one\n2\nthree\nfour\n")),
        Either("one\n2\nthree\n"),
    ),
    Case("a removed line that is longer by a word", THREE, blocks(("two and more\n", "2\n")), REFUSED),
    Case(
        "context of another file",
        TS,
        patch("@@\n def f():\n-    let sum = 0;\n+    let sum = 1;\n     return None\n"),
        Either(TS.but("let sum = 0", "let sum = 1")),
    ),
    Case(
        "numbers differ in a row of lines alike",
        THREE,
        blocks(("v3 = 3\nv4 = 5\n", "v3 = 3\nv4 = 6\n")),
        REFUSED,
        "".join(f"v{n} = {n}\n" for n in range(9)).encode(),
    ),
    Case(
        "a test with the same lines, in context renamed",
        THREE,
        patch("@@\n def test_x():\n     setup()\n-    run()\n+    walk()\n"),
        REFUSED,
        b"def test_a():\n    setup()\n    run()\n\ndef test_b():\n    setup()\n    run()\n",
    ),
    Case(
        "the same lines at two depths",
        THREE,
        blocks(("  if a:\n    go()\n", "  if a:\n    stay()\n")),
        REFUSED,
        b"if a:\n    go()\nwhile b:\n    if a:\n        go()\n",
    ),
    Case(
        "the same lines at two depths, one to the letter",
        THREE,
        blocks(("    if a:\n        go()\n", "    if a:\n        stay()\n")),
        "if a:\n    go()\nwhile b:\n    if a:\n        stay()\n",
        b"if a:\n    go()\nwhile b:\n    if a:\n        go()\n",
    ),
    Case(
        "// rest unchanged, without dots",
        TS,
        blocks(
            (
                "  remove(item: Item): void {\n    this.items = this.items.filter((one) => one.id !== item.id);\n    this.cart.touch();\n  }\n",
                "  remove(item: Thing): void {\n    // rest unchanged\n  }\n",
            )
        ),
        Either(TS.but("remove(item: Item)", "remove(item: Thing)")),
    ),
    Case(
        "the rest stays the same, in words",
        PY,
        swap(
            "    result = 0\n    for lamp in lamps:\n        if lamp.lit:\n            result += lamp.watts\n    return result\n",
            "    result = 0.0\n    # The rest of the function stays the same\n",
        ),
        Either(PY.but("    result = 0\n", "    result = 0.0\n")),
    ),
    Case(
        "a comment about the rest, which is one",
        PY,
        swap("    result = 0\n    for lamp in lamps:\n", "    # The rest is dark.\n    for lamp in lamps:\n"),
        PY.but("    result = 0\n    for", "    # The rest is dark.\n    for"),
    ),
    Case(
        "a spread of what is called rest",
        THREE,
        blocks(("return {\n  a,\n  b,\n  c,\n};\n", "return {\n  ...rest,\n};\n")),
        "return {\n  ...rest,\n};\n",
        b"return {\n  a,\n  b,\n  c,\n};\n",
    ),
    Case(
        "a body below its head becomes ...",
        PY,
        patch(
            "@@ def total(lamps: list[Lamp]) -> int:\n def total(lamps: list[Lamp]) -> int:\n-    # Sums up the power of all lamps that are\n-    # lit at this moment.\n-    result = 0\n-    for lamp in lamps:\n-        if lamp.lit:\n-            result += lamp.watts\n-    return result\n+    ...\n"
        ),
        PY.text[: PY.text.index("    # Sums up")] + "    ...\n",
    ),
    Case(
        "the test was deleted, its like is there",
        THREE,
        unified(
            "@@ -1,3 +1,3 @@\n def test_two(lamp):\n     lamp.on()\n     lamp.wait()\n-    assert lamp.lit\n+    assert lamp.lit is True\n"
        ),
        REFUSED,
        b"def test_one(lamp):\n    lamp.on()\n    lamp.wait()\n    assert lamp.lit\n",
    ),
    Case(
        "the function was given an argument since",
        THREE,
        unified(
            "@@ -1,3 +1,3 @@\n def test_one(lamp):\n     lamp.on()\n     lamp.wait()\n-    assert lamp.lit\n+    assert lamp.lit is True\n"
        ),
        Either("def test_one(lamp, house):\n    lamp.on()\n    lamp.wait()\n    assert lamp.lit is True\n"),
        b"def test_one(lamp, house):\n    lamp.on()\n    lamp.wait()\n    assert lamp.lit\n",
    ),
    Case(
        "the like of a pair is a few lines off, one grown since",
        THREE,
        patch("@@\n start(c)\n wait()\n-stop()\n+halt()\n leave()\n"),
        REFUSED,
        b"start(a)\nwait()\nstop()\nleave()\nstart(b)\nwait()\nstop()\nleave()\n",
    ),
    Case(
        "the search lost its indentation, the new text did not",
        PY,
        swap("self.lit = True\n", "        self.lit = True\n        log.info(self.name)\n"),
        Either(PY.but("        self.lit = True\n", "        self.lit = True\n        log.info(self.name)\n")),
    ),
    Case(
        "the loop was deleted, one with the comparison the other way round is there",
        THREE,
        blocks(
            (
                "    if key is None:\n        while lo < hi:\n            mid = (lo + hi) // 2\n            if a[mid] < x:\n",
                "    if key is None:\n            if a[mid] < x:\n",
            )
        ),
        REFUSED,
        b"def right(a, x, lo, hi, key):\n    if key is None:\n        while lo < hi:\n            mid = (lo + hi) // 2\n            if x < a[mid]:\n                hi = mid\n",
    ),
]
CASES = [*TEXT, *PLACES]
