"""The series of datasets: stored and derived ones, their observations and joint paths."""
