"""What the API answers: a struct for each shape, with what the OpenAPI document says of its fields."""
