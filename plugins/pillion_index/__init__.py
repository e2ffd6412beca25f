"""Search by words: which pieces of code are about what somebody says."""
