"""Where observations come from: a module a provider, all yielding the same frame."""
