"""One image through LiteLLM's router."""

import sys

from litellm import Router

address, model, prompt = sys.argv[1:]
deployment = {
    "model_name": "image",
    "litellm_params": {"model": f"openai/{model}", "api_base": address, "api_key": "any"},
}
answer = Router(model_list=[deployment]).image_generation(model="image", prompt=prompt)
print(len(answer.data))
