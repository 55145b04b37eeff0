"""ComfyUI: any workflow that it exports for its API, as a provider."""
