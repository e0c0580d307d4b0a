"""Reading finished digit files: searching, counting, hashing, comparing.  Nothing here knows a constant."""
