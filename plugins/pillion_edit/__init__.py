"""The tool that changes a part of a file."""
