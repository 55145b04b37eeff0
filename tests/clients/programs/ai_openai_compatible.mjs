// One image, by Vercel's AI SDK with its provider for services like this one.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateImage } from "ai";

const [baseURL, model, prompt] = process.argv.slice(2);
const provider = createOpenAICompatible({ name: "imagegen", baseURL, apiKey: "any" });
const { images } = await generateImage({ model: provider.imageModel(model), prompt });
console.log(images.length);
