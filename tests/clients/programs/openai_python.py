"""One image, as the official Python client's page shows it."""

import sys

from openai import OpenAI

address, model, prompt = sys.argv[1:]
answer = OpenAI(base_url=address, api_key="any").images.generate(model=model, prompt=prompt)
print(len(answer.data))
