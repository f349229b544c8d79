"""The command `tradewind`."""
