"""Model calls wait until their key may make them, one session after the other."""
