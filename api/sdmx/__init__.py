"""The SDMX 2.1 REST protocol: dataflows of observations, forecasts and vintages."""
