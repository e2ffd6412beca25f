"""HTTP for plugins: what routes read and say, and a command's way to the running server. A library, no plugin."""
