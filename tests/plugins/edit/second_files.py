r"""The files that the second corpus of edits changes, one for each language, as projects have them."""

from __future__ import annotations

from typing import NamedTuple


class File(NamedTuple):
    path: str
    text: str

    def but(self, old: str, new: str) -> str:
        """The text with `old`, which is there once, become `new`."""
        assert self.text.count(old) == 1, (self.path, old)
        return self.text.replace(old, new)

    def now(self, old: str, new: str) -> File:
        """The file as somebody else has changed it since."""
        return File(self.path, self.but(old, new))


PY = File(
    "lamps.py",
    '''"""Lamps of a house."""

import logging
from dataclasses import dataclass

log = logging.getLogger(__name__)


@dataclass
class Lamp:
    name: str
    watts: int = 40

    def on(self) -> bool:
        if self.watts <= 0:
            log.warning("no bulb in %s", self.name)
            return False
        self.lit = True
        return True

    def off(self) -> bool:
        if self.watts <= 0:
            log.warning("no bulb in %s", self.name)
            return False
        self.lit = False
        return True


def total(lamps: list[Lamp]) -> int:
    # Sums up the power of all lamps that are
    # lit at this moment.
    result = 0
    for lamp in lamps:
        if lamp.lit:
            result += lamp.watts
    return result
''',
)
TS = File(
    "src/checkout.ts",
    """import { Cart } from "./cart";

export interface Item {
  id: string;
  price: number;
}

export class Checkout {
  private items: Item[] = [];

  constructor(private readonly cart: Cart) {}

  add(item: Item): void {
    this.items.push(item);
    this.cart.touch();
  }

  remove(item: Item): void {
    this.items = this.items.filter((one) => one.id !== item.id);
    this.cart.touch();
  }

  total(): number {
    let sum = 0;
    for (const item of this.items) {
      sum += item.price;
    }
    return sum;
  }
}
""",
)
GO = File(
    "store/store.go",
    """package store

import (
\t"errors"
\t"fmt"
)

// ErrMissing is returned when a key is not there.
var ErrMissing = errors.New("missing")

type Store struct {
\tdata map[string]string
\thits int
}

func (s *Store) Get(key string) (string, error) {
\tvalue, ok := s.data[key]
\tif !ok {
\t\treturn "", ErrMissing
\t}
\ts.hits++
\treturn value, nil
}

func (s *Store) Take(key string) (string, error) {
\tvalue, ok := s.data[key]
\tif !ok {
\t\treturn "", ErrMissing
\t}
\tdelete(s.data, key)
\treturn value, nil
}

func (s *Store) String() string {
\treturn fmt.Sprintf("%d keys", len(s.data))
}
""",
)
RUST = File(
    "src/config.rs",
    """use std::collections::HashMap;

#[derive(Debug, Clone)]
pub struct Config {
    pub host: String,
    pub port: u16,
}

impl Config {
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut fields = HashMap::new();
        for line in text.lines() {
            if let Some((key, value)) = line.split_once('=') {
                fields.insert(key.trim(), value.trim());
            }
        }
        let host = fields.get("host").ok_or("no host")?.to_string();
        let port = fields.get("port").ok_or("no port")?.parse().map_err(|_| "bad port")?;
        Ok(Config { host, port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses() {
        let config = Config::parse("host=a,port=1").unwrap();
        assert_eq!(config.port, 1);
    }
}
""",
)
C = File(
    "ring.c",
    """#include <stddef.h>
#include "ring.h"

#define RING_SIZE 64
#define RING_SIZE_MAX 640

struct ring {
        int items[RING_SIZE];
        size_t head, tail;
};

/* Puts one item in; 0 when there is no room. */
int ring_put(struct ring *r, int item)
{
        size_t next = (r->head + 1) % RING_SIZE;
        if (next == r->tail)
                return 0;
        r->items[r->head] = item;
        r->head = next;
        return 1;
}

int ring_get(struct ring *r, int *item)
{
        if (r->head == r->tail)
                return 0;
        *item = r->items[r->tail];
        r->tail = (r->tail + 1) % RING_SIZE;
        return 1;
}
""",
)
JAVA = File(
    "src/main/java/Account.java",
    """package bank;

public final class Account {
    private final String owner;
    private long cents;

    public Account(String owner) {
        this.owner = owner;
    }

    /**
     * Pays in.
     */
    public void deposit(long amount) {
        if (amount <= 0) {
            throw new IllegalArgumentException("amount");
        }
        cents += amount;
    }

    /**
     * Pays out.
     */
    public void withdraw(long amount) {
        if (amount <= 0) {
            throw new IllegalArgumentException("amount");
        }
        cents -= amount;
    }

    public long getCents() {
        return cents;
    }
}
""",
)
YAML = File(
    ".github/workflows/check.yml",
    """name: check
on: [push]
jobs:
  lint:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v3
      - run: make lint
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v3
      - run: make test
  deploy:
    needs: [lint, test]
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v3
      - run: make deploy
        env:
          TOKEN: ${{ secrets.TOKEN }}
""",
)
TOML = File(
    "Cargo.toml",
    """[package]
name = "lamp"
version = "0.1.0"
edition = "2021"

[dependencies]
serde = { version = "1.0", features = ["derive"] }
tokio = "1"
tokio-util = "0.7"

[dev-dependencies]
proptest = "1"

[profile.release]
lto = true
""",
)
JSON = File(
    "package.json",
    """{
  "name": "lamp",
  "version": "1.2.0",
  "scripts": {
    "build": "tsc",
    "test": "vitest"
  },
  "dependencies": {
    "zod": "^3.0.0"
  },
  "devDependencies": {
    "typescript": "^5.0.0",
    "vitest": "^1.0.0"
  }
}
""",
)
MD = File(
    "README.md",
    """# Lamp

A lamp that's easy to switch on — and off.

## Install

```sh
pip install lamp
```

## Use

Lamps are switched on by name. A name that is not known
is an error, and no lamp is switched.

```sh
lamp on kitchen
```

## License

MIT
""",
)
SQL = File(
    "schema.sql",
    """CREATE TABLE users (
    id BIGINT PRIMARY KEY,
    email TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL
);

CREATE TABLE orders (
    id BIGINT PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id),
    created_at TIMESTAMP NOT NULL
);

CREATE INDEX orders_by_user ON orders (user_id);
""",
)
MAKE = File(
    "Makefile",
    """CC = gcc
CFLAGS = -O2 -Wall

all: ring

ring: ring.o main.o
\t$(CC) $(CFLAGS) -o $@ $^

%.o: %.c
\t$(CC) $(CFLAGS) -c $<

clean:
\trm -f *.o ring

.PHONY: all clean
""",
)
HTML = File(
    "index.html",
    """<!doctype html>
<html>
  <head>
    <title>Lamps</title>
  </head>
  <body>
    <ul>
      <li class="lamp">Kitchen</li>
      <li class="lamp">Hall</li>
      <li class="lamp">Cellar</li>
    </ul>
    <p>Switch a lamp by a click.</p>
  </body>
</html>
""",
)
SH = File(
    "deploy.sh",
    """#!/bin/sh
set -eu

host=$1
if [ -z "$host" ]; then
    echo "usage: deploy.sh HOST" >&2
    exit 2
fi

build() {
    make clean
    make all
}

copy() {
    scp ring "$host:/usr/local/bin/ring"
}

build
copy
""",
)
EMPTY = File("empty.txt", "")
THREE = File("three.txt", "one\ntwo\nthree\n")
LONG = File("long.py", "".join(f"value_{n} = {n}\n" for n in range(20_000)))
WIDE = File("wide.js", "var a = 1;\nvar data = [" + ",".join(map(str, range(20_000))) + "];\nvar z = 2;\n")
