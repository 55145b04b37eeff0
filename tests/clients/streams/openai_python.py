"""An image while it is made, as the official Python client streams it."""

import sys

from openai import OpenAI

address, model, prompt = sys.argv[1:]
client = OpenAI(base_url=address, api_key="any")
stream = client.images.generate(model=model, prompt=prompt, stream=True, partial_images=2)
print("open", flush=True)
for event in stream:
    print(event.type, len(event.b64_json), flush=True)
