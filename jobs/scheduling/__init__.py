"""The scheduler, polling of sources, and alerts."""
