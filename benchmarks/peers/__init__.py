"""What other libraries do for the same work: programs of the environment in which those libraries are installed."""
