"""The protocol's steps as litmus files, and what runs them: `python -m litmus`, `make litmus`."""
