"""Tools that read, list, search and write files."""
