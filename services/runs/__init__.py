"""The published run that answers a query, requests for runs, and the schedule."""
