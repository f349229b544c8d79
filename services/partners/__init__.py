"""Concentration, contributions to growth and substitution among partners and sectors."""
