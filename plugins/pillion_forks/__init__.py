"""Forks: workspaces of their own that begin as a snapshot of another one, and merges of what changed in them."""
