"""The command line: one file a noun. Nothing big is imported before a command runs."""
