"""The weighted combination of the forecasters, corrected across series and reconciled at every fold."""
