r"""Cases of the second corpus in YAML, TOML, JSON and SQL."""

# ruff: noqa: E501
from __future__ import annotations

from .second_edits import REFUSED, Case, Either, blocks, editor, patch, swap, unified
from .second_files import JSON, SQL, TOML, YAML

DATA = [
    Case("a step that is in three jobs", YAML, swap("actions/checkout@v3", "actions/checkout@v4"), REFUSED),
    Case(
        "a step that is in three jobs, all",
        YAML,
        swap("actions/checkout@v3", "actions/checkout@v4", everywhere=True),
        YAML.text.replace("@v3", "@v4"),
    ),
    Case(
        "a step that is in three jobs, one by the line behind",
        YAML,
        blocks(
            (
                "      - uses: actions/checkout@v3\n      - run: make test\n",
                "      - uses: actions/checkout@v4\n      - run: make test\n",
            )
        ),
        YAML.but("checkout@v3\n      - run: make test", "checkout@v4\n      - run: make test"),
    ),
    Case(
        "a step that is in three jobs, one by @@",
        YAML,
        patch("@@   test:\n     steps:\n-      - uses: actions/checkout@v3\n+      - uses: actions/checkout@v4\n"),
        YAML.but("checkout@v3\n      - run: make test", "checkout@v4\n      - run: make test"),
    ),
    Case(
        "the list is not indented in the search",
        YAML,
        blocks(
            (
                "    steps:\n    - uses: actions/checkout@v3\n    - run: make lint\n",
                "    steps:\n    - uses: actions/checkout@v3\n    - run: make lint\n    - run: make types\n",
            )
        ),
        Either(YAML.but("      - run: make lint\n", "      - run: make lint\n      - run: make types\n")),
    ),
    Case(
        "YAML, all to the left by two",
        YAML,
        editor("lint:\n  runs-on: ubuntu-latest\n  steps:\n", "lint:\n  runs-on: ubuntu-24.04\n  steps:\n"),
        YAML.but("  lint:\n    runs-on: ubuntu-latest", "  lint:\n    runs-on: ubuntu-24.04"),
    ),
    Case(
        "a key at the end of the last job",
        YAML,
        patch("@@\n         env:\n           TOKEN: ${{ secrets.TOKEN }}\n+          STAGE: live\n"),
        YAML.text + "          STAGE: live\n",
    ),
    Case(
        "a job that was removed since",
        YAML.now(
            "  lint:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v3\n      - run: make lint\n",
            "",
        ),
        blocks(
            (
                "  lint:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v3\n",
                "  lint:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: actions/checkout@v3\n",
            )
        ),
        REFUSED,
    ),
    Case("a key that begins another", TOML, swap('tokio = "1"', 'tokio = "2"'), TOML.but('tokio = "1"', 'tokio = "2"')),
    Case("a key that begins another, without its value", TOML, swap("tokio", "async-std"), REFUSED),
    Case("a line by its beginning alone", TOML, blocks(("tokio =\n", 'tokio = "2"\n')), REFUSED),
    Case(
        "the version of the wrong thing",
        TOML,
        swap('version = "0.1.0"', 'version = "0.2.0"'),
        TOML.but('"0.1.0"', '"0.2.0"'),
    ),
    Case(
        "the version was raised since",
        TOML.now("0.1.0", "0.1.1"),
        blocks(('name = "lamp"\nversion = "0.1.0"\n', 'name = "lamp"\nversion = "0.2.0"\n')),
        REFUSED,
    ),
    Case(
        "a dependency under its table",
        TOML,
        patch('@@ [dev-dependencies]\n proptest = "1"\n+insta = "1"\n'),
        TOML.but('proptest = "1"\n', 'proptest = "1"\ninsta = "1"\n'),
    ),
    Case(
        "a dependency under a table by its head alone",
        TOML,
        patch('@@ [dev-dependencies]\n+insta = "1"\n'),
        Either(TOML.but("[dev-dependencies]\n", '[dev-dependencies]\ninsta = "1"\n')),
    ),
    Case(
        "context changed since, a deletion",
        TOML.now('version = "1.0"', 'version = "1.1"'),
        unified(
            '@@ -7,4 +7,3 @@\n [dependencies]\n serde = { version = "1.0", features = ["derive"] }\n-tokio = "1"\n tokio-util = "0.7"\n'
        ),
        Either(TOML.now('version = "1.0"', 'version = "1.1"').but('tokio = "1"\n', "")),
    ),
    Case(
        "blanks around =",
        TOML,
        editor("[profile.release]\nlto=true", "[profile.release]\nlto=false"),
        Either(TOML.but("lto = true", "lto = false")),
    ),
    Case(
        "a comma is added",
        JSON,
        swap('    "test": "vitest"\n', '    "test": "vitest",\n    "lint": "eslint ."\n'),
        JSON.but('"vitest"\n  },\n  "dep', '"vitest",\n    "lint": "eslint ."\n  },\n  "dep'),
    ),
    Case(
        "a comma that is not in the file",
        JSON,
        blocks(('    "build": "tsc",\n    "test": "vitest",\n', '    "build": "tsc -b",\n    "test": "vitest",\n')),
        Either(JSON.but('"tsc"', '"tsc -b"')),
    ),
    Case("closing braces that are thrice", JSON, patch("@@\n-  },\n+  }\n"), REFUSED),
    Case(
        "smart quotes in JSON", JSON, editor("“zod”: “^3.0.0”", '"zod": "^4.0.0"'), Either(JSON.but("^3.0.0", "^4.0.0"))
    ),
    Case(
        "JSON on one line",
        JSON,
        swap('"scripts": { "build": "tsc", "test": "vitest" }', '"scripts": { "build": "tsc -b", "test": "vitest" }'),
        Either(JSON.but('"tsc"', '"tsc -b"')),
    ),
    Case(
        "four spaces for two in JSON",
        JSON,
        blocks(
            (
                '    "dependencies": {\n        "zod": "^3.0.0"\n    },\n',
                '    "dependencies": {\n        "ky": "^1.0.0",\n        "zod": "^3.0.0"\n    },\n',
            )
        ),
        Either(JSON.but('    "zod"', '    "ky": "^1.0.0",\n    "zod"')),
    ),
    Case(
        "columns of two tables",
        SQL,
        swap("    created_at TIMESTAMP NOT NULL\n", "    created_at TIMESTAMPTZ NOT NULL\n"),
        REFUSED,
    ),
    Case(
        "columns of two tables, by @@",
        SQL,
        patch("@@ CREATE TABLE orders (\n-    created_at TIMESTAMP NOT NULL\n+    created_at TIMESTAMPTZ NOT NULL\n"),
        SQL.but("users (id),\n    created_at TIMESTAMP", "users (id),\n    created_at TIMESTAMPTZ"),
    ),
    Case(
        "keywords in lower case",
        SQL,
        blocks(
            (
                "create index orders_by_user on orders (user_id);\n",
                "create index orders_by_user on orders (user_id, id);\n",
            )
        ),
        Either(
            SQL.but(
                "CREATE INDEX orders_by_user ON orders (user_id)", "create index orders_by_user on orders (user_id, id)"
            )
        ),
    ),
    Case(
        "another index, which is alike",
        SQL,
        swap("CREATE INDEX orders_by_time ON orders (created_at);", "DROP INDEX orders_by_time;"),
        REFUSED,
    ),
    Case(
        "at the end of the file",
        SQL,
        unified(
            "@@ -13 +13,2 @@\n CREATE INDEX orders_by_user ON orders (user_id);\n+CREATE INDEX orders_by_time ON orders (created_at);\n"
        ),
        SQL.text + "CREATE INDEX orders_by_time ON orders (created_at);\n",
    ),
]
CASES = [*DATA]
