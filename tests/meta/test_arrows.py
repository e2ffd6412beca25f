"""Who may import whom, and what is for plugin authors to import."""

from __future__ import annotations

import ast
import re
import sys

import pillion

from .source import PLUGINS, Source, imports, sources

LIBRARIES = {"trio", "pluggy", "msgspec", "platformdirs"}
"""What the kernel may need besides the standard library."""
SHARED = {"pillion_http"}
"""What stands beside the plugins, is none, and may be used by all of them."""
DOORS = (
    "pillion_storage.filecache.",
    "pillion_storage.gitstatistics.",
    "pillion_git.ignorerules.",
    "pillion_git.place.",
    "pillion_git.scores.",
)
"""What a plugin may import of another one: for records of its own, and what git knows of files and folders."""

EXPORTED = [
    "Allow", "Ask", "BadRequest", "Batch", "Busy", "Call", "CallPart", "Caller", "Chunk", "ConfigError", "Conflict",
    "Content", "ContentFiltered", "ContextOverflow", "ContextPart", "ContextProvider", "Counter", "Denied", "Deny",
    "Draft", "Effect", "Entry", "Environment", "Event", "FileChanged", "Finish", "Home", "Image", "JudgedCall",
    "Kernel", "KeyValues", "Limits", "LocalWorkspace", "Message", "MissingLibrary", "ModelInfo", "ModelNotFound",
    "NotFound", "Observer", "Opened", "Output", "Page", "Part", "PillionError", "Policy", "Price", "Provider",
    "ProviderBusy", "ProviderDown", "ProviderError", "ProviderRefused", "QuotaSpent", "Rate", "RatesSeen", "Record",
    "Request", "RequestTooLarge", "Restart", "Seen", "Session", "SessionInfo", "SessionQuery", "Settings", "Step",
    "Store", "StoreFailed", "Strategy", "Text", "Thinking", "ThinkingSeal", "TooLarge", "Tool", "ToolCall", "ToolError",
    "ToolResult", "ToolSpec", "Turn", "TurnInfo", "Usage", "UsageSeen", "Values", "Verdict", "Waiting", "Workspace",
    "Write", "WrongBaseUrl", "hookimpl", "hookspec", "open_kernel", "tokens_of",
]  # fmt: skip


def strays(source: Source, allowed: set[str]) -> list[str]:
    """Imports of first parts that are not allowed."""
    return [f"{source.path}:{line} {name}" for name, line in imports(source.tree) if name.split(".")[0] not in allowed]


def named_modules(source: Source, names: list[str]) -> list[str]:
    """Texts that name a module of `names`, as importlib and settings take them."""
    pattern = re.compile(rf"({'|'.join(names)})(\.\w+)*(:\w+)?")
    return [
        f"{source.path}:{node.lineno} {node.value!r}"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and pattern.fullmatch(node.value)
    ]


def test_the_kernel_needs_little() -> None:
    allowed = set(sys.stdlib_module_names) | LIBRARIES | {"pillion"}
    assert [stray for source in sources("core") for stray in strays(source, allowed)] == []


def test_the_kernel_knows_no_plugin_and_no_host() -> None:
    names = [*PLUGINS, "pillion_runtime"]
    assert [stray for source in sources("core") for stray in named_modules(source, names)] == []


def test_the_host_imports_no_plugin() -> None:
    found = [s for source in sources("runtime") for s in named_modules(source, PLUGINS)]
    found += [
        f"{source.path}:{line} {name}"
        for source in sources("runtime")
        for name, line in imports(source.tree)
        if name.split(".")[0] in PLUGINS
    ]
    assert found == []


def test_a_plugin_imports_neither_host_nor_another_plugin_nor_the_testing_kit() -> None:
    found = []
    for source in sources("plugins"):
        others = {*PLUGINS, "pillion_runtime"} - {source.package}
        for name, line in imports(source.tree):
            if (name.split(".")[0] in others and not name.startswith(DOORS)) or name.startswith("pillion.testing"):
                found.append(f"{source.path}:{line} {name}")
        found += named_modules(source, sorted(others))
    assert found == []


def test_a_plugins_package_says_one_sentence() -> None:
    found = [source for source in sources("plugins") if source.path.endswith("__init__.py")]
    assert {source.package for source in found} == {*PLUGINS, *SHARED}
    for source in found:
        assert len(source.tree.body) <= 1, f"{source.path} does something at import"


def test_what_authors_import_is_pinned() -> None:
    assert sorted(pillion.__all__) == sorted(EXPORTED)
    assert all(hasattr(pillion, name) for name in EXPORTED)
