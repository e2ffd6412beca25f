"""The rest of results that were too long for the model."""
