"""Call chains, of the host and of the guest, and the registers of a thread."""
