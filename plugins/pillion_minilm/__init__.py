"""Vectors of texts by a small model that comes in a wheel: what is alike in meaning lies close together."""
