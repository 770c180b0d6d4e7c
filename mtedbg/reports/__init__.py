"""Reports that no single command gives: post-mortem, triage, stop context."""
