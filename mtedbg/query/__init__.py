"""Questions about a session: one function a question, each returns a Report."""
