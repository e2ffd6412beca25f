r"""Cases of the second corpus in TypeScript and Go."""

# ruff: noqa: E501
from __future__ import annotations

from .second_edits import ALREADY, REFUSED, Case, Either, blocks, editor, patch, swap, unified
from .second_files import GO, TS

SCRIPT = [
    Case(
        "once, to the letter",
        TS,
        editor("    let sum = 0;\n", "    let sum = 0.0;\n"),
        TS.but("sum = 0;", "sum = 0.0;"),
    ),
    Case("in two methods", TS, editor("    this.cart.touch();\n", "    this.cart.save();\n"), REFUSED),
    Case(
        "in two methods, with the line before",
        TS,
        editor("this.items.push(item);\n    this.cart.touch();", "this.items.push(item);\n    this.cart.save();"),
        TS.but("push(item);\n    this.cart.touch", "push(item);\n    this.cart.save"),
    ),
    Case(
        "four spaces where the file has two",
        TS,
        blocks(
            (
                "        for (const item of this.items) {\n            sum += item.price;\n        }\n",
                "        for (const item of this.items) {\n            if (item.price > 0) {\n                sum += item.price;\n            }\n        }\n",
            )
        ),
        Either(
            TS.but("      sum += item.price;\n", "      if (item.price > 0) {\n        sum += item.price;\n      }\n")
        ),
    ),
    Case(
        "smart quotes around an import",
        TS,
        editor("import { Cart } from “./cart”;", 'import { Cart } from "./basket";'),
        Either(TS.but("./cart", "./basket")),
    ),
    Case(
        "// rest unchanged at the end of a class",
        TS,
        blocks(
            (
                "  add(item: Item): void {\n    this.items.push(item);\n    this.cart.touch();\n  }\n",
                "  add(item: Item, count = 1): void {\n    // ... existing code ...\n  }\n",
            )
        ),
        Either(TS.but("add(item: Item)", "add(item: Item, count = 1)")),
    ),
    Case(
        "existing code in both",
        TS,
        blocks(
            (
                "  total(): number {\n    // ... existing code ...\n    return sum;\n",
                "  total(): number {\n    // ... existing code ...\n    return Math.round(sum);\n",
            )
        ),
        Either(TS.but("return sum;", "return Math.round(sum);")),
    ),
    Case(
        "header numbers all wrong",
        TS,
        unified(
            "@@ -900,4 +1,4 @@ whatever\n     let sum = 0;\n-    for (const item of this.items) {\n+    for (const item of this.items.values()) {\n       sum += item.price;\n"
        ),
        TS.but("of this.items)", "of this.items.values())"),
    ),
    Case(
        "no numbers in the header",
        TS,
        unified("@@ @@\n export interface Item {\n   id: string;\n+  name: string;\n   price: number;\n }\n"),
        TS.but("  id: string;\n", "  id: string;\n  name: string;\n"),
    ),
    Case(
        "a context line has lost its leading blank",
        TS,
        unified("@@ -3,4 +3,5 @@\nexport interface Item {\n   id: string;\n+  name: string;\n   price: number;\n"),
        Either(TS.but("  id: string;\n", "  id: string;\n  name: string;\n")),
    ),
    Case(
        "the removed line lacks its semicolon",
        TS,
        editor("    return sum\n  }\n}\n", "    return sum / 100;\n  }\n}\n"),
        Either(TS.but("return sum;", "return sum / 100;")),
    ),
    Case(
        "a method is added behind one that occurs once",
        TS,
        patch(
            "@@ export class Checkout {\n     return sum;\n   }\n+\n+  clear(): void {\n+    this.items = [];\n+  }\n }\n"
        ),
        TS.but("    return sum;\n  }\n", "    return sum;\n  }\n\n  clear(): void {\n    this.items = [];\n  }\n"),
    ),
    Case(
        "a method is added by closing braces alone",
        TS,
        patch("@@\n   }\n+\n+  clear(): void {\n+    this.items = [];\n+  }\n \n"),
        REFUSED,
    ),
    Case(
        "a method in front of one by its head",
        TS,
        swap(
            "  remove(item: Item): void {",
            "  clear(): void {\n    this.items = [];\n  }\n\n  remove(item: Item): void {",
        ),
        TS.but(
            "  remove(item: Item): void {",
            "  clear(): void {\n    this.items = [];\n  }\n\n  remove(item: Item): void {",
        ),
    ),
    Case(
        "an insertion applied before",
        TS.now("  id: string;\n", "  id: string;\n  name: string;\n"),
        patch("@@ export interface Item {\n   id: string;\n+  name: string;\n   price: number;\n"),
        ALREADY,
    ),
    Case(
        "an insertion applied before, by old and new",
        TS.now("  id: string;\n", "  id: string;\n  name: string;\n"),
        swap("  id: string;\n", "  id: string;\n  name: string;\n"),
        ALREADY,
    ),
    Case(
        "a deletion made before",
        TS.now("    this.items.push(item);\n    this.cart.touch();\n", "    this.items.push(item);\n"),
        blocks(("    this.items.push(item);\n    this.cart.touch();\n  }\n", "    this.items.push(item);\n  }\n")),
        ALREADY,
    ),
    Case(
        "the text of a line is a part of a word",
        TS,
        swap("tem: Item): void {\n    this.items.push", "tem: Thing): void {\n    this.items.push"),
        TS.but("add(item: Item)", "add(item: Thing)"),
    ),
]
GOLANG = [
    Case(
        "spaces where the file has tabs",
        GO,
        blocks(("    s.hits++\n    return value, nil\n", "    s.hits += 1\n    return value, nil\n")),
        Either(GO.but("\ts.hits++\n", "\ts.hits += 1\n")),
    ),
    Case(
        "spaces where the file has tabs, a new level",
        GO,
        blocks(
            (
                "    s.hits++\n    return value, nil\n",
                "    if s.count {\n        s.hits++\n    }\n    return value, nil\n",
            )
        ),
        Either(GO.but("\ts.hits++\n", "\tif s.count {\n\t\ts.hits++\n\t}\n")),
    ),
    Case(
        "functions alike: the body alone",
        GO,
        editor(
            '\tif !ok {\n\t\treturn "", ErrMissing\n\t}\n',
            '\tif !ok {\n\t\treturn "", fmt.Errorf("%s: %w", key, ErrMissing)\n\t}\n',
        ),
        REFUSED,
    ),
    Case(
        "functions alike: with the head",
        GO,
        patch(
            '@@ func (s *Store) Take(key string) (string, error) {\n \tvalue, ok := s.data[key]\n \tif !ok {\n-\t\treturn "", ErrMissing\n+\t\treturn "", errors.New("gone")\n \t}\n'
        ),
        GO.but('\t\treturn "", ErrMissing\n\t}\n\tdelete', '\t\treturn "", errors.New("gone")\n\t}\n\tdelete'),
    ),
    Case(
        "functions alike: only the numbers say which",
        GO,
        unified(
            '@@ -27,3 +27,3 @@\n \tvalue, ok := s.data[key]\n \tif !ok {\n-\t\treturn "", ErrMissing\n+\t\treturn "", errors.New("gone")\n \t}\n'
        ),
        Either(GO.but('\t\treturn "", ErrMissing\n\t}\n\tdelete', '\t\treturn "", errors.New("gone")\n\t}\n\tdelete')),
    ),
    Case(
        "functions alike: the section behind the numbers says which",
        GO,
        unified(
            '@@ -1,3 +1,3 @@ func (s *Store) Take(key string) (string, error) {\n \tvalue, ok := s.data[key]\n \tif !ok {\n-\t\treturn "", ErrMissing\n+\t\treturn "", errors.New("gone")\n \t}\n'
        ),
        Either(GO.but('\t\treturn "", ErrMissing\n\t}\n\tdelete', '\t\treturn "", errors.New("gone")\n\t}\n\tdelete')),
    ),
    Case(
        "the function was renamed, and its like was not",
        GO.now("func (s *Store) Take(", "func (s *Store) Pop("),
        blocks(
            (
                'func (s *Store) Take(key string) (string, error) {\n\tvalue, ok := s.data[key]\n\tif !ok {\n\t\treturn "", ErrMissing\n\t}\n',
                'func (s *Store) Take(key string) (string, error) {\n\tvalue, ok := s.data[key]\n\tif !ok {\n\t\treturn "", nil\n\t}\n',
            )
        ),
        REFUSED,
    ),
    Case(
        "the function was deleted, its like is there",
        GO.now(
            'func (s *Store) Take(key string) (string, error) {\n\tvalue, ok := s.data[key]\n\tif !ok {\n\t\treturn "", ErrMissing\n\t}\n\tdelete(s.data, key)\n\treturn value, nil\n}\n\n',
            "",
        ),
        blocks(
            (
                'func (s *Store) Take(key string) (string, error) {\n\tvalue, ok := s.data[key]\n\tif !ok {\n\t\treturn "", ErrMissing\n\t}\n',
                'func (s *Store) Take(key string) (string, error) {\n\tvalue, ok := s.data[key]\n\tif !ok {\n\t\treturn "", nil\n\t}\n',
            )
        ),
        REFUSED,
    ),
    Case(
        "its like was changed so before, this one was not",
        GO.now("ErrMissing\n\t}\n\ts.hits", 'errors.New("gone")\n\t}\n\ts.hits'),
        blocks(
            (
                '\tif !ok {\n\t\treturn "", ErrMissing\n\t}\n\tdelete(s.data, key)\n',
                '\tif !ok {\n\t\treturn "", errors.New("gone")\n\t}\n\tdelete(s.data, key)\n',
            )
        ),
        GO.but("ErrMissing\n\t}\n\ts.hits", 'errors.New("gone")\n\t}\n\ts.hits').replace(
            "ErrMissing\n\t}\n\tdelete", 'errors.New("gone")\n\t}\n\tdelete'
        ),
    ),
    Case(
        "trailing blanks in the search",
        GO,
        editor("\tdata map[string]string  \n\thits int  \n", "\tdata map[string]string\n\thits int64\n"),
        GO.but("hits int\n", "hits int64\n"),
    ),
    Case(
        "an import with spaces among tabs",
        GO,
        patch('@@ import (\n     "errors"\n     "fmt"\n+    "sync"\n )\n'),
        Either(GO.but('\t"fmt"\n', '\t"fmt"\n\t"sync"\n')),
    ),
    Case(
        "a field in one line of a struct",
        GO,
        swap("hits int\n}", "hits int\n\tmu   sync.Mutex\n}"),
        GO.but("hits int\n}", "hits int\n\tmu   sync.Mutex\n}"),
    ),
    Case(
        "the file from another indentation, insert only",
        GO,
        unified("@@ -12,3 +12,4 @@\n type Store struct {\n   data map[string]string\n+  mu sync.Mutex\n   hits int\n"),
        Either(GO.but("\thits int\n", "\tmu sync.Mutex\n\thits int\n")),
    ),
]
CASES = [*SCRIPT, *GOLANG]
