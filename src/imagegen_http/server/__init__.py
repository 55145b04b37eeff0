"""uvicorn with our limits: connections, fair turns, large answers, logs."""
