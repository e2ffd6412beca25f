"""Tables of programs: which take a command in their words, and which of their options run or write something."""

from __future__ import annotations

from msgspec import Struct


class Wrapper(Struct, frozen=True):
    """A program that runs the command in its words. `valued`: its options that take a value; `flags`: those that take
    none; `first`: how many words of its own come before the command; `assigns`: variables may, too; `more`: the
    command gets further words; `text`: the command is a line; `harmless`: it does nothing besides."""

    valued: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    first: int = 0
    assigns: bool = False
    more: bool = False
    text: bool = False
    harmless: bool = False


class Runner(Struct, frozen=True):
    """`options` that make a program run what they name, or read its settings elsewhere; `signs`: what says so anywhere
    in a word."""

    options: frozenset[str] = frozenset()
    signs: tuple[str, ...] = ()


def named(text: str) -> frozenset[str]:
    """The words of a table, written with spaces between."""
    return frozenset(text.split())


SHELLS = named("sh bash dash ash ksh mksh zsh fish")

WRAPPERS = {
    "!": Wrapper(harmless=True),
    "time": Wrapper(flags=named("-p"), harmless=True),
    "command": Wrapper(flags=named("-p -v -V"), harmless=True),
    "builtin": Wrapper(harmless=True),
    "nohup": Wrapper(harmless=True),
    "setsid": Wrapper(flags=named("-w --wait -f --fork"), harmless=True),
    "timeout": Wrapper(
        named("-k -s --kill-after --signal"), named("-v --verbose --preserve-status --foreground"), 1, harmless=True
    ),
    "nice": Wrapper(named("-n --adjustment"), harmless=True),
    "ionice": Wrapper(named("-c -n --class --classdata"), named("-t --ignore"), harmless=True),
    "stdbuf": Wrapper(named("-i -o -e --input --output --error"), harmless=True),
    "xargs": Wrapper(
        named("-a -d -E -I -L -n -P -s --arg-file --delimiter --max-args --max-lines --max-procs --max-chars"),
        named("-0 -r -t -x --null --no-run-if-empty --verbose --exit"),
        more=True, harmless=True,
    ),
    "env": Wrapper(assigns=True),
    "sudo": Wrapper(
        named("-u -g -h -p -C -c -r -t -T -U -D -R --user --group --host --prompt --chdir"), named("-n -E -H -k -S"),
        assigns=True,
    ),
    "doas": Wrapper(named("-u -C"), named("-n")),
    "su": Wrapper(named("-s --shell"), text=True),
    "runuser": Wrapper(named("-u -g"), text=True),
    "watch": Wrapper(named("-n --interval"), named("-d -t -e -g -x -c"), text=True),
    "busybox": Wrapper(),
    "toybox": Wrapper(),
    "chroot": Wrapper(first=1),
    "unshare": Wrapper(),
    "nsenter": Wrapper(),
    "flock": Wrapper(named("-w -E"), named("-n -s -x -u"), first=1),
    "taskset": Wrapper(first=1),
    "chrt": Wrapper(first=1),
    "strace": Wrapper(),
    "ltrace": Wrapper(),
    "script": Wrapper(text=True),
    "systemd-run": Wrapper(),
    "dbus-run-session": Wrapper(),
    "proot": Wrapper(),
    "bwrap": Wrapper(),
    "firejail": Wrapper(),
    "entr": Wrapper(),
    "pkexec": Wrapper(),
}  # fmt: skip
"""Beside them, shells and `find` run what stands in their words."""

RUNNERS = {
    "git": Runner(
        named("-c -C -O --git-dir --work-tree --exec-path --config-env --namespace --ext-diff --textconv --filters")
        | named("--exec --upload-pack --receive-pack --open-files-in-pager --template --extcmd --tool --config"),
        ("ext::",),
    ),
    "rg": Runner(named("--pre --hostname-bin --search-zip -z")),
    "ag": Runner(named("--pager")),
    "ack": Runner(named("--pager --ackrc")),
    "bat": Runner(named("--pager --config-file")),
    "delta": Runner(named("--pager")),
    "fzf": Runner(named("--preview --bind")),
    "sort": Runner(named("--compress-program --files0-from")),
    "split": Runner(named("--filter")),
    "tar": Runner(
        named("--to-command --checkpoint-action --use-compress-program --rsh-command --info-script -I -F")
        | named("--new-volume-script"),
    ),
    "cpio": Runner(named("--rsh-command -F")),
    "zip": Runner(named("-T -TT --unzip-command --test")),
    "rsync": Runner(named("-e --rsh --rsync-path")),
    "man": Runner(named("-P -H --pager --html --browser -C --config-file -l")),
    "less": Runner(named("-k --lesskey-file --lesskey-src -o -O --log-file --LOG-FILE -t -T"), ("+",)),
    "make": Runner(named("-f -C -I -E --file --makefile --eval --directory --include-dir"), ("=",)),
    "ninja": Runner(named("-f -C -t")),
    "go": Runner(named("-exec -toolexec -vettool -overlay -modfile -C -ldflags -gcflags -o -outputdir -coverprofile")),
    "cargo": Runner(named("--config --manifest-path -Z -C --target-dir"), ("+",)),
    "npm": Runner(named("--script-shell --node-options --prefix --userconfig --globalconfig --shell -C --workspace")),
    "pnpm": Runner(named("--script-shell --dir -C --node-options --config")),
    "yarn": Runner(named("--cwd --use-yarnrc --script-shell")),
    "pytest": Runner(named("-p -c -o --rootdir --confcutdir --config-file --override-ini --basetemp --pdbcls --pdb")),
    "mypy": Runner(named("--python-executable --config-file --custom-typeshed-dir --install-types --cache-dir")),
    "ruff": Runner(named("--fix --unsafe-fixes --fix-only --add-noqa --watch --cache-dir")),
    "ctags": Runner(named("--options --filter-terminator -L")),
    "ssh": Runner(named("-o -F -E")),
    "scp": Runner(named("-o -S -F")),
    "tcpdump": Runner(named("-z -w")),
    "xxd": Runner(named("-r")),
    "curl": Runner(
        named("-K -o -O -D -c --config --output --remote-name --dump-header --cookie-jar --trace --engine")
    ),
    "yq": Runner(named("-i --inplace --in-place")),
    "date": Runner(named("-s --set")),
    "hg": Runner(named("--config --cwd --repository -R")),
}  # fmt: skip
"""A program that stands here with an option that is not known for certain is asked for."""

WRITERS = {
    "git": named("--output --output-directory"),
    "sort": named("-o --output"),
    "tree": named("-o"),
    "pytest": named("--junitxml --junit-xml --log-file --report-log --resultlog"),
    "mypy": named("--junit-xml --html-report --xml-report --txt-report --any-exprs-report --linecount-report"),
    "ruff": named("-o --output-file"),
    "shuf": named("-o --output"),
}
"""Options that name a file to be written."""

STDIN_PROGRAMS = named("python python3 node perl ruby php lua Rscript bc irb pypy pypy3 deno tclsh osascript")
"""Without a script, they run what they read."""
