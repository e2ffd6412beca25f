"""Git for tools and people: status, diffs, history and commits, without running what a repository brings."""
