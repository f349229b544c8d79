"""The root of every error that Tradewind raises itself; each room's tree is drawn at the top of its errors module."""


class TradewindError(Exception):
    """An error with a cause that a user or an operator can act on."""
