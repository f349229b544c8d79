"""Results derived from forecasts: periods, sums, growth, shares, probabilities, decomposition, attribution."""
