"""One image of each model through LiteLLM's router."""

import sys

import openai
from litellm import Router

address, prompt, *models = sys.argv[1:]
deployments = [
    {
        "model_name": model,
        "litellm_params": {"model": f"openai/{model}", "api_base": address, "api_key": "any"},
    }
    for model in models
]
router = Router(model_list=deployments)
for model in models:
    try:
        print(len(router.image_generation(model=model, prompt=prompt).data))
    except openai.OpenAIError as error:  # LiteLLM's are of its classes
        print(model, getattr(error, "status_code", error), file=sys.stderr)
