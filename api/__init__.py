"""The web: REST and pages over the store. Nothing here fits a forecaster."""
