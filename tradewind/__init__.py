"""Tradewind for programs that read from a service: `from tradewind.client import Client`."""
