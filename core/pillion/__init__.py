"""The door for plugin authors. What is exported here is pinned by a test."""

from .contracts.context import ContextPart, ContextProvider
from .contracts.keyvalues import KeyValues
from .contracts.observer import Observer, Seen
from .contracts.policy import Allow, Ask, Deny, JudgedCall, Policy, Verdict
from .contracts.provider import (
    Caller,
    CallPart,
    Chunk,
    Finish,
    Provider,
    RatesSeen,
    Request,
    Restart,
    ThinkingSeal,
    UsageSeen,
    Waiting,
)
from .contracts.store import Batch, Draft, Opened, Page, Record, SessionInfo, SessionQuery, Store
from .contracts.strategy import Strategy
from .contracts.tool import Call, Effect, Output, Tool
from .contracts.workspace import Content, Entry, Workspace, Write
from .errors import (
    BadRequest,
    Busy,
    ConfigError,
    Conflict,
    ContentFiltered,
    ContextOverflow,
    Denied,
    MissingLibrary,
    ModelNotFound,
    NotFound,
    PillionError,
    ProviderBusy,
    ProviderDown,
    ProviderError,
    ProviderRefused,
    QuotaSpent,
    RequestTooLarge,
    StoreFailed,
    TooLarge,
    ToolError,
    WrongBaseUrl,
)
from .events import Event, FileChanged
from .home import Home, Values
from .hookspecs import TurnInfo, hookimpl, hookspec
from .kernel import Kernel, open_kernel
from .localworkspace import LocalWorkspace
from .session import Session
from .settings import Environment, Settings
from .tokens import Counter, tokens_of
from .turn import Step, Turn
from .values import (
    Image,
    Limits,
    Message,
    ModelInfo,
    Part,
    Price,
    Rate,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    ToolSpec,
    Usage,
)

__all__ = [
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
