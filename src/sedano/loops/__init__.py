"""Synchronous code and event loops: threads for coroutines, values of a loop, steps of either kind."""
