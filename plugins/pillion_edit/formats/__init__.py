"""How models write edits: each format is read into the same hunks."""
