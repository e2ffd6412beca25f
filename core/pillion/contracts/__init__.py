"""What plugins implement, one Protocol a file."""
