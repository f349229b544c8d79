"""Query models, a module a subject."""
