r"""Cases of the second corpus in Rust, C and Java."""

# ruff: noqa: E501
from __future__ import annotations

from .second_edits import ALREADY, REFUSED, Case, Either, blocks, patch, swap, unified
from .second_files import JAVA, RUST, C

SYSTEM = [
    Case(
        "an attribute",
        RUST,
        swap("#[derive(Debug, Clone)]", "#[derive(Debug, Clone, PartialEq)]"),
        RUST.but("Clone)]", "Clone, PartialEq)]"),
    ),
    Case(
        "flattened to the left",
        RUST,
        blocks(
            (
                "if let Some((key, value)) = line.split_once('=') {\nfields.insert(key.trim(), value.trim());\n}\n",
                "if let Some((key, value)) = line.split_once(':') {\nfields.insert(key.trim(), value.trim());\n}\n",
            )
        ),
        Either(RUST.but("split_once('=')", "split_once(':')")),
    ),
    Case(
        "flattened to the left, with a new line",
        RUST,
        blocks(
            (
                "if let Some((key, value)) = line.split_once('=') {\nfields.insert(key.trim(), value.trim());\n}\n",
                "if let Some((key, value)) = line.split_once('=') {\nfields.insert(key.trim(), value.trim());\n} else {\ncontinue;\n}\n",
            )
        ),
        Either(
            RUST.but(
                "line.split_once('=') {\n                fields.insert(key.trim(), value.trim());\n            }\n",
                "line.split_once('=') {\n                fields.insert(key.trim(), value.trim());\n            } else {\n                continue;\n            }\n",
            )
        ),
    ),
    Case(
        "one of two lines alike",
        RUST,
        swap(
            '.ok_or("no port")?.parse().map_err(|_| "bad port")?',
            '.ok_or("no port")?.parse().map_err(|e| format!("{e}"))?',
        ),
        RUST.but('|_| "bad port"', '|e| format!("{e}")'),
    ),
    Case(
        "ends with end of file",
        RUST,
        patch(
            '@@\n         assert_eq!(config.port, 1);\n     }\n+\n+    #[test]\n+    #[should_panic]\n+    fn fails() {\n+        Config::parse("").unwrap();\n+    }\n }\n*** End of File\n'
        ),
        RUST.but(
            "(config.port, 1);\n    }\n",
            '(config.port, 1);\n    }\n\n    #[test]\n    #[should_panic]\n    fn fails() {\n        Config::parse("").unwrap();\n    }\n',
        ),
    ),
    Case(
        "end of file for lines that are not there",
        RUST,
        patch("@@\n-use std::collections::HashMap;\n+use std::collections::BTreeMap;\n*** End of File\n"),
        Either(RUST.but("use std::collections::HashMap;", "use std::collections::BTreeMap;")),
    ),
    Case(
        "a field of the wrong struct",
        RUST,
        patch("@@ pub struct Options {\n     pub host: String,\n-    pub port: u16,\n+    pub port: u32,\n }\n"),
        Either(RUST.but("port: u16", "port: u32")),
    ),
    Case(
        "a word that begins another",
        C,
        swap("#define RING_SIZE 64", "#define RING_SIZE 128"),
        C.but("RING_SIZE 64\n", "RING_SIZE 128\n"),
    ),
    Case("a search that begins two lines", C, swap("#define RING_SIZE", "#define RING_LENGTH"), REFUSED),
    Case("a line that begins another line", C, blocks(("#define RING_SIZE 6\n", "#define RING_SIZE 7\n")), REFUSED),
    Case("returns that are thrice", C, patch("@@\n-                return 0;\n+                return -1;\n"), REFUSED),
    Case(
        "in the second function by its head",
        C,
        patch(
            "@@ int ring_get(struct ring *r, int *item)\n         if (r->head == r->tail)\n-                return 0;\n+                return -1;\n"
        ),
        C.but(
            "        if (r->head == r->tail)\n                return 0;\n",
            "        if (r->head == r->tail)\n                return -1;\n",
        ),
    ),
    Case(
        "tabs for eight spaces",
        C,
        unified(
            "@@ -20,3 +20,3 @@\n \tr->items[r->head] = item;\n-\tr->head = next;\n+\tr->head = next; /* the new head */\n \treturn 1;\n"
        ),
        Either(C.but("        r->head = next;\n", "        r->head = next; /* the new head */\n")),
    ),
    Case(
        "lines moved about",
        C,
        patch('@@\n-#include <stddef.h>\n #include "ring.h"\n+#include <stddef.h>\n \n'),
        C.but('#include <stddef.h>\n#include "ring.h"\n', '#include "ring.h"\n#include <stddef.h>\n'),
    ),
    Case(
        "the sign in the removed line differs",
        C,
        blocks(
            (
                "        size_t next = (r->head - 1) % RING_SIZE;\n        if (next == r->tail)\n                return 0;\n",
                "        size_t next = (r->head - 1) & MASK;\n        if (next == r->tail)\n                return 0;\n",
            )
        ),
        REFUSED,
    ),
    Case(
        "methods alike: by the line that differs",
        JAVA,
        swap("        cents -= amount;", "        cents = Math.subtractExact(cents, amount);"),
        JAVA.but("cents -= amount;", "cents = Math.subtractExact(cents, amount);"),
    ),
    Case(
        "methods alike: the check",
        JAVA,
        swap(
            '            throw new IllegalArgumentException("amount");',
            '            throw new IllegalArgumentException("amount <= 0");',
        ),
        REFUSED,
    ),
    Case(
        "methods alike: all of the check",
        JAVA,
        swap('IllegalArgumentException("amount")', 'IllegalArgumentException("amount <= 0")', everywhere=True),
        JAVA.text.replace('("amount")', '("amount <= 0")'),
    ),
    Case(
        "a Javadoc on one line",
        JAVA,
        blocks(
            (
                "    /** Pays in. */\n    public void deposit(long amount) {\n",
                "    /** Pays in. */\n    public synchronized void deposit(long amount) {\n",
            )
        ),
        Either(JAVA.but("public void deposit", "public synchronized void deposit")),
    ),
    Case(
        "two hunks in two methods",
        JAVA,
        patch(
            '@@ public void deposit(long amount) {\n         if (amount <= 0) {\n-            throw new IllegalArgumentException("amount");\n+            throw new IllegalArgumentException("in");\n         }\n@@ public void withdraw(long amount) {\n         if (amount <= 0) {\n-            throw new IllegalArgumentException("amount");\n+            throw new IllegalArgumentException("out");\n         }\n'
        ),
        JAVA.text.replace('("amount")', '("in")', 1).replace('("amount")', '("out")', 1),
    ),
    Case(
        "two hunks alike without heads",
        JAVA,
        patch(
            '@@\n         if (amount <= 0) {\n-            throw new IllegalArgumentException("amount");\n+            throw new IllegalArgumentException("in");\n         }\n@@\n         if (amount <= 0) {\n-            throw new IllegalArgumentException("amount");\n+            throw new IllegalArgumentException("out");\n         }\n'
        ),
        Either(JAVA.text.replace('("amount")', '("in")', 1).replace('("amount")', '("out")', 1)),
    ),
    Case(
        "one word of the head differs",
        JAVA,
        blocks(
            (
                "    public int getCents() {\n        return cents;\n    }\n",
                "    public long getCents() {\n        return cents;\n    }\n",
            )
        ),
        ALREADY,
    ),
]
CASES = [*SYSTEM]
