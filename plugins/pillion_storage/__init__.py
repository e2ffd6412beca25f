"""Sessions that last: the log, and what follows from it, on Pony ORM."""
