"""Questions about a stopped or dead process, answered as typed facts; none knows `Report`."""
