"""A web page for sessions: no framework, no build step, nothing from elsewhere."""
