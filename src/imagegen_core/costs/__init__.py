"""What calls cost: prices times what was made, or what the provider says; never converted."""
