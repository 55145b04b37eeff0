"""Google Gemini and Imagen."""
