"""Bytes of a target → model: the only place that gives bytes a meaning."""
