"""Statistics: arrays and frames in, arrays and frames out, without a database, a web framework or a clock.

The packages follow the order of docs/method.md: data, forecasters, combination, uncertainty, evaluation, analysis;
`pipeline` runs them all.
"""
