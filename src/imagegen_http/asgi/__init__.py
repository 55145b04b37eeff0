"""Below all routes: ASGI's types, how bytes get out, what is known of the request."""
