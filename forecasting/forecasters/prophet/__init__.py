"""Prophet: the anchored default forecaster and the library itself."""
