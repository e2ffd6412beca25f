"""Where tickets are kept, for as long as the server lives."""

from __future__ import annotations

from msgspec import Struct

from pillion import Event


class Ticket(Struct, frozen=True):
    number: int
    title: str


class TicketFiled(Event, frozen=True, tag="acme.ticket_filed"):
    """A ticket was filed."""

    ticket: Ticket


class Desk:
    def __init__(self, first: int) -> None:
        self._first = first
        self.tickets: list[Ticket] = []

    def file(self, title: str) -> Ticket:
        self.tickets.append(Ticket(self._first + len(self.tickets), title))
        return self.tickets[-1]
