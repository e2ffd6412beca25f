"""A run's model traffic is kept in a file, and the run gone through again with that file for a model."""
