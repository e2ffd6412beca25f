"""The tool, and the policy that judges its calls."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from pillion import Allow, Call, Deny, Effect, JudgedCall, Verdict

from .desk import Desk, TicketFiled


class Filing(Struct, frozen=True, forbid_unknown_fields=True):
    title: Annotated[str, Meta(min_length=1, description="What it is about.")]


class FileTicket:
    name = "file_ticket"
    description = "File a ticket at Acme's desk."
    effect: Effect = "network"
    Arguments = Filing

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def run(self, arguments: Filing, call: Call) -> str:
        ticket = self._desk.file(arguments.title)
        await call.emit(TicketFiled(ticket=ticket))
        return f"Ticket {ticket.number} is filed."


class HouseRules:
    """Tickets may be filed; nobody shouts."""

    async def decide(self, call: JudgedCall) -> Verdict | None:
        if call.tool != FileTicket.name:
            return None
        return Deny("Acme's tickets are not shouted.") if call.arguments.title.isupper() else Allow()
