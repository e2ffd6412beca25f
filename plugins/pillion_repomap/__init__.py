"""A map of the repository: what matters of it for a conversation, in as many tokens as are given."""
