"""Deployment: Kubernetes manifests, and the notices of third-party software."""
