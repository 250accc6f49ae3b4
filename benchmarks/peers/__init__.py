"""One table of peers: what we promise, who else does it, and whether both give the same."""
