"""Http providers."""
