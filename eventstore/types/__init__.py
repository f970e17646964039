"""The types of events that there are, one a module: the versions of each, and the upcasters between them."""
