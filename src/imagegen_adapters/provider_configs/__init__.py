"""Where saved provider configurations are kept."""
