"""Does a text still parse? By tree-sitter."""
