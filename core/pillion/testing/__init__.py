"""Shipped to plugin authors: a scripted provider, a kernel to test on, contract suites."""
