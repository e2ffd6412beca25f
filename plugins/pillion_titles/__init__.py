"""Sessions get a title, by a model or by the words of their first prompt."""
