"""All outgoing connections: pooled, limited, and only to addresses that passed a check."""
