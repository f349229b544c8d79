"""Work done on a schedule or by command: ingest, forecast run, report; the scheduler; the executors."""
