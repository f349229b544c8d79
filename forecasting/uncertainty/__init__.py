"""The distribution of forecast errors and joint paths drawn from it, on the arsinh scale."""
