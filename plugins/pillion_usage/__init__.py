"""Tokens and money: every model call accounted, and budgets that are kept."""
