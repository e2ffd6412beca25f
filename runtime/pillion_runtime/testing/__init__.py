"""Loopback servers that speak the vendors' protocols, faults included. For tests, benches and docs.

A *program* (a plain function from Asked to Reply) says what the model answers, on every wire format alike.
"""

from .asked import Asked
from .echo import Echo
from .quota import Quota
from .rules import NoRule, Program, Rule, replies, rules
from .script import (
    Call,
    Cut,
    EndEarly,
    ErrorEvent,
    Fault,
    Malformed,
    Reply,
    Silence,
    Status,
    Verbatim,
    call,
)
from .server import Vendor, vendor_server

__all__ = [
    "Asked",
    "Call",
    "Cut",
    "Echo",
    "EndEarly",
    "ErrorEvent",
    "Fault",
    "Malformed",
    "NoRule",
    "Program",
    "Quota",
    "Reply",
    "Rule",
    "Silence",
    "Status",
    "Vendor",
    "Verbatim",
    "call",
    "replies",
    "rules",
    "vendor_server",
]
