"""The FRED protocol: Tradewind's observations for clients of the St. Louis Fed's API."""
