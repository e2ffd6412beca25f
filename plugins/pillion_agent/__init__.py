"""The two strategies that need nothing else: chat and agent."""
