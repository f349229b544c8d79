"""The Model Context Protocol: read-only tools for assistants, over the services that REST uses."""
