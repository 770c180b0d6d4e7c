"""The processor as the oracle: x86-64 sequences run natively and in the runtime, then compared."""
