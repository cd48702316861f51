"""Functions that children run, one module a subject; each imports only what it needs."""
