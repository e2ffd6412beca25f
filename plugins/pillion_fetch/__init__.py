"""Pages of the web, as text that nobody vouches for."""
