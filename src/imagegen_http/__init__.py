"""imagegen's service: composes the adapters, translates HTTP and the command line, decides nothing."""
