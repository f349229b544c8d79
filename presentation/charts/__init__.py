"""Charts as Vega-Lite specifications: pure functions of rows, drawn in a browser or on the server alike."""
