"""Stores of saved provider configurations."""
