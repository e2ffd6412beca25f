"""The HTTP API of the sidecar that the Aide editor speaks to, over Pillion's sessions."""
