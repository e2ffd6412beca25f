"""The model may ask the person: a tool, `ask_person`."""
