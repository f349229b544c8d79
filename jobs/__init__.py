"""Work on a schedule or by command: scheduling, runs, ingestion, execution."""
