"""Snapshots of a workspace before each step that changes it, and the way back."""
