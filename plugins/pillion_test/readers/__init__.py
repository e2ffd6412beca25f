"""One file for each runner's words. A reader is a pure function of a text; None: these are not its words."""
