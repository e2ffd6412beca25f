"""A session's scratch pad: notes that model and person keep."""
