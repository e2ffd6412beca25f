"""Tests are run, and what they say becomes a typed report."""
