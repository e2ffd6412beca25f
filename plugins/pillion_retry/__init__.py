"""Model calls that failed for a while are made again."""
