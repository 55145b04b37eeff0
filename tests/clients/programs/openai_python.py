"""One image of each model, as the official Python client's page shows it."""

import sys

from openai import OpenAI, OpenAIError

address, prompt, *models = sys.argv[1:]
client = OpenAI(base_url=address, api_key="any")
for model in models:
    try:
        print(len(client.images.generate(model=model, prompt=prompt).data))
    except OpenAIError as error:
        print(model, getattr(error, "status_code", error), file=sys.stderr)
