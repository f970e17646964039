"""The event types, one a module: the versions of each, and the upcasters between them."""
