"""The economist's desk: pages rendered on the server, which work without scripts and are better with them."""
