"""What decides: pure functions and values, no I/O, no clock, no threads, no randomness."""
