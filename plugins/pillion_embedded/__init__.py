"""A model in this process: no key, no network."""
