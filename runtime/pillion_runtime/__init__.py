"""The host: HTTP, the command line, and the life of the process. It knows the kernel, never a plugin."""
