"""All outgoing connections: pooled, limited, and only to checked addresses."""
