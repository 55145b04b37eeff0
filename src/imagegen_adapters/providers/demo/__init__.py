"""Images that are drawn on this machine, at no cost."""
