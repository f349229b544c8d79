"""The web: REST over what the store holds. Reads the store; fits nothing."""
