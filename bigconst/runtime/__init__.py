"""What a plan runs on: threads and memory."""
