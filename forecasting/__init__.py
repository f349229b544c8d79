"""Statistics: arrays and frames in, arrays and frames out. Knows no database, no web and no clock."""
