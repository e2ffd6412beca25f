"""The border of the kill points: which modules they stand in, and what of those is left out, each with its reason.

Read from the source, so that what is new is inside until somebody says why not. Inside are all modules of the kernel,
and of each plugin that is on by default those that a provider, a compactor, a store, a policy, a witness or a tool
stands in, with all of that plugin that they import.
"""

from __future__ import annotations

import ast
import importlib.util
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

METHODS = ("stream", "compact", "commit", "decide", "leave")
"""A method of that name makes a provider (or what is laid round one), a compactor, a store, a policy, a witness."""
SHIPPED = Path(__file__).parents[2] / "plugins.toml"
BESIDE = {
    "pillion.allreader": "a feed of all sessions only reads",
    "pillion.arrival": "an import is no part of these paths",
    "pillion.contextsize": "a question about a session's size writes nothing",
    "pillion.exporting": "an export writes nothing",
    "pillion.importing": "an import is no part of these paths",
    "pillion.memorystore": "the store is the database",
    "pillion.onlooker": "it reads a session that another process has",
    "pillion.portable": "an import is no part of these paths",
    "pillion.switchboard": "somebody switches a plugin",
    "pillion.verifying": "a question whether a model answers writes nothing",
    "pillion_approvals.paths": "a look at the places that a command names writes nothing",
    "pillion_approvals.survey": "a look at what a command would do writes nothing",
    "pillion_edit.conflicts": "it says why an edit was refused: nothing was written",
    "pillion_embedded.model": "its weights are not everywhere; pillion.modelcall's points stand round each chunk",
    "pillion_embedded.provider": "its weights are not everywhere; pillion.modelcall's points stand round each chunk",
    "pillion_fetch.exchange": "it needs a host outside; pillion.toolrun's points stand before and behind it",
    "pillion_fetch.fetching": "it needs a host outside; pillion.toolrun's points stand before and behind it",
    "pillion_fetch.network": "it needs a host outside; pillion.toolrun's points stand before and behind it",
    "pillion_files.rules": "a look at an instructions file writes nothing",
    "pillion_git.changing": "the repository is git's own, and nothing of the session tells of it",
    "pillion_git.program": "the repository is git's own",
    "pillion_git.repository": "the repository is git's own",
    "pillion_git.stashes": "the repository is git's own",
    "pillion_git.shadow": "the repository is git's own",
    "pillion_git.tools": "a look at a repository writes nothing",
    "pillion_index.churn": "a look at the code writes nothing that lasts",
    "pillion_index.embedding": "a look at the code writes nothing that lasts",
    "pillion_index.judging": "a look at the code writes nothing that lasts",
    "pillion_index.rounds": "a look at the code writes nothing that lasts",
    "pillion_index.searches": "a look at the code writes nothing that lasts",
    "pillion_index.tool": "a look at the code writes nothing that lasts",
    "pillion_repomap.maps": "a look at the code writes nothing that lasts",
    "pillion_repomap.tool": "a look at the code writes nothing that lasts",
    "pillion_test.project": "a look at a project's files writes nothing",
    "pillion_syntax.indexing": "a look at the code writes nothing that lasts",
    "pillion_syntax.keeping": "a look at the code writes nothing that lasts",
    "pillion_syntax.reading": "a look at the code writes nothing that lasts",
    "pillion_syntax.searching": "a look at the code writes nothing that lasts",
    "pillion_syntax.tools": "a look at the code writes nothing that lasts",
    "pillion_syntax.walking": "a look at the code writes nothing that lasts",
    "pillion_syntax.workers": "a look at the code writes nothing that lasts",
    "pillion_replay.player": "nobody asked for a replay",
    "pillion_replay.recorder": "nobody asked for a recording",
    "pillion_storage.copies": "a backup is no part of these paths",
}
"""Modules on these paths that are left out."""
LEFT_OUT = {
    "pillion.kernel:open_kernel": "the server begins or ends",
    "pillion.kernel:_store": "the server begins",
    "pillion.kernel:Kernel._stop_sessions": "the server was asked to end",
    "pillion.kernel:Kernel.checks": "a health check writes nothing",
    "pillion.kernel:Kernel.checks.<locals>.one": "a health check writes nothing",
    "pillion.kernel:Kernel.sessions": "a list writes nothing",
    "pillion.completions:Completions.idle": "the server was asked to end",
    "pillion.completions:Completions.aclose": "the server was asked to end",
    "pillion.kernel:Kernel.export": "an export writes nothing",
    "pillion.kernel:Kernel.import_": "an import is no part of these paths",
    "pillion.eventlog:EventLog.realign": "the database failed",
    "pillion.eventlog:EventLog._realigned": "the database failed",
    "pillion.eventlog:EventLog._reopened": "the database failed",
    "pillion.actor:Actor.align": "the database failed",
    "pillion.turnlife:TurnLife._finish#2.await": "the database failed",
    "pillion.kernel:Kernel.look": "a look writes nothing",
    "pillion_storage.store:DatabaseStore._session#3.statement": "another process deleted it",
    "pillion_storage.store:DatabaseStore.expire": "retention is off",
    "pillion_storage.store:DatabaseStore.reading": "for other plugins' rows",
    "pillion_storage.store:DatabaseStore.writing": "for other plugins' rows",
    "pillion.logreader:Reader.events": "a page of events writes nothing",
    "pillion.logreader:Reader.whole": "a page of events writes nothing",
    "pillion_storage.store:DatabaseStore.sessions": "a list writes nothing",
    "pillion_storage.store:DatabaseStore.aclose": "the server was asked to end",
    "pillion_storage.thread:DatabaseThread.aclose": "the server was asked to end",
    "pillion_storage.thread:DatabaseThread._run": "the thread begins or ends",
    "pillion_storage.thread:DatabaseThread._work#7.statement": "the server was asked to end",
    "pillion_storage.thread:DatabaseThread._work#8.statement": "the server was asked to end",
    "pillion_storage.thread:DatabaseThread._watch": "what is late was not written",
    "pillion_storage.thread:DatabaseThread._alone": "the database is opened or closed",
    "pillion_storage.thread:DatabaseThread._patiently#2.await": "the database does not answer",
    "pillion_storage.store:DatabaseStore.create.<locals>.work#3.statement": "the database did not answer",
    "pillion_storage.store:DatabaseStore._commit#3.statement": "the database did not answer",
    "pillion_storage.store:DatabaseStore._has": "the database did not answer",
    "pillion_storage.store:DatabaseStore.health": "a health check writes nothing",
    "pillion.kernel:Kernel._begin#6.await": "the database fails",
    "pillion_files.reading:ReadFile._several": "a read writes nothing",
    "pillion_files.reading:ReadFile.run#2.await": "a read of several files writes nothing",
    "pillion_files.reading:ReadFile._one#2.await": "a small file is read without a thread",
    "pillion_files.reading:ReadFile._one#4.await": "nobody trusts the folder",
    "pillion_files.footing:footing": "a search writes nothing",
    "pillion_files.searching:Glob.run#3.await": "a search writes nothing",
    "pillion_files.searching:Search.run#4.await": "a search writes nothing",
    "pillion_files.searching:Search.run#5.await": "a search writes nothing",
    "pillion_test.results:Results._take": "the scenario's tests are not pytest's, which alone writes there",
    "pillion.home:Values.delete": "a person asks for it, no tool",
    "pillion.home:Values.keys": "a person asks for it, no tool",
    "pillion.home:Values.change": "no tool does it",
    "pillion.keyvalues:FileValues.keys": "a person asks for it, no tool",
    "pillion.keyvalues:FileValues.swap": "no tool does it",
    "pillion.leftovers:end_leftovers": "the server begins",
    "pillion.lives:Lives._observe": "an observer begins or ends with the server",
    "pillion.session:Session.keep#2.await": "a person opens a terminal at the moment in which the session goes to rest",
    "pillion.session:Session.sent": "a question about a session's size writes nothing",
    "pillion.session:Session.kept": "a list of changes writes nothing",
    "pillion.vendorfaults:check_stream": "a vendor answers with a page instead of a stream",
    "pillion_anthropic.provider:AnthropicProvider._opened#2.await": "the harness has imported the client",
    "pillion_openai.provider:OpenAIProvider._opened#2.await": "the harness has imported the client",
    "pillion_anthropic.provider:AnthropicProvider.count": "a question about a session's size writes nothing",
    "pillion_checkpoints.shelf:Shelf.sweep": "what is old goes after a minute, and is no part of these paths",
    "pillion_checkpoints.shelf:Book.collect": "what is old goes after a minute, and is no part of these paths",
    "pillion_checkpoints.shelf:Book.remember": "what is known of files is written after a minute",
    "pillion_checkpoints.shelf:Book.all": "a list of checkpoints writes nothing",
    "pillion_checkpoints.shelf:Book.point": "a fork of the workspace is no part of these paths",
    "pillion_checkpoints.shelf:Book.forget": "a fork of the workspace is no part of these paths",
    "pillion_checkpoints.shelf:Book.look": "an undo",
    "pillion_checkpoints.shelf:Book.keep": "an undo",
    "pillion_checkpoints.shelf:Book.of": "an undo",
    "pillion_checkpoints.shelf:Book.differences": "an undo",
    "pillion_checkpoints.shelf:Book.contents": "an undo",
    "pillion_checkpoints.shelf:Book.skipped": "an undo",
    "pillion_checkpoints.watching:take": "an undo",
    "pillion_checkpoints.watching:Watch._guarded#4.await": "the disk fails",
    "pillion_checkpoints.watching:Watch._keep#1.await": "a step was cut off when it had just named its snapshot",
    "pillion_compact.summing:Summing._summed#1.await": "a conversation of more than 400,000 tokens",
    "pillion_edit.making:Maker.make#2.await": "somebody else has changed the file",
    "pillion_edit.making:_written#2.await": "somebody else has changed the file",
    "pillion_edit.planning:planned": "its tests alone call it",
    "pillion_terminal.running:RunCommand._shell_for#2.await": "a command comes while its shell is ending",
    "pillion_terminal.sandbox:Sandbox.prepare": "there is no sandbox",
    "pillion_terminal.shell:Shell.interrupt#6.await": "a command that nothing ends",
    "pillion_terminal.shell:Shell._settled#1.await": "what a command has printed is nearly always read by then",
    "pillion_terminal.shell:Shell._settled#2.await": "nothing comes behind what a command has printed",
    "pillion_test.remembered:Commands.forget": "a person asks for it, no tool",
    "pillion_test.remembered:Commands.all": "a person asks for it, no tool",
    "pillion_test.running:RunTests.run#5.await": "more than 64 KB of output are judged",
    "pillion_usage.accounts:Accounts.found": "a list writes nothing",
    "pillion_usage.budgets:Budgets.reserve#2.await": "no budget is used up",
    "pillion_usage.budgets:Budgets.reserve#3.await": "no budget is used up",
    "pillion_usage.budgets:Budgets._reached": "no budget is used up",
    "pillion_usage.budgets:Budgets._asked": "no budget is used up",
    "pillion_usage.purse:Purse.change": "no budget is used up",
    "pillion.processes:Process.wait#1.await": "a system without pidfd",
    "pillion.processes:Process.end#3.await": "a system without /proc",
}
"""Functions, and single points of others, with the reason."""


def on_the_paths(*, all: bool = False) -> list[str]:
    """The modules whose every wait is a point; `all`: also those of BESIDE."""
    found = [f"pillion.{name}" for name, tree in _trees("pillion").items() if _waits(tree)]
    for plugin, section in tomllib.loads(SHIPPED.read_text())["plugins"].items():
        if section["enabled"]:
            trees = _trees(f"pillion_{plugin}")
            found += [f"pillion_{plugin}.{name}" for name in _reached(trees) if _waits(trees[name])]
    return [module for module in found if all or module not in BESIDE]


@cache
def _trees(package: str) -> Mapping[str, ast.Module]:
    spec = importlib.util.find_spec(package)
    assert spec is not None and spec.origin is not None, package
    return {file.stem: ast.parse(file.read_text()) for file in sorted(Path(spec.origin).parent.glob("*.py"))}


def _waits(tree: ast.Module) -> bool:
    return any(isinstance(node, (ast.Await, ast.AsyncWith, ast.AsyncFor)) for node in ast.walk(tree))


def _reached(trees: Mapping[str, ast.Module]) -> list[str]:
    reached: set[str] = set()
    ahead = [name for name, tree in trees.items() if any(map(_acts, ast.walk(tree)))]
    while ahead:
        name = ahead.pop()
        if name in trees and name not in reached:
            reached.add(name)
            ahead += _imported(trees[name])
    return sorted(reached)


def _acts(node: ast.AST) -> bool:
    """Is it a method of those, or a tool's effect?"""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return name in METHODS
        case ast.AnnAssign(target=ast.Name(id="effect"), value=value):
            return value is not None
    return False


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            yield from [node.module] if node.module else [alias.name for alias in node.names]
