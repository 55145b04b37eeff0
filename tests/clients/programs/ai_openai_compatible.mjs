// One image of each model, by Vercel's AI SDK with its provider for services like this one.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateImage } from "ai";

const [baseURL, prompt, ...models] = process.argv.slice(2);
const provider = createOpenAICompatible({ name: "imagegen", baseURL, apiKey: "any" });
for (const model of models) {
  await generateImage({ model: provider.imageModel(model), prompt }).then(
    ({ images }) => console.log(images.length),
    (error) => console.error(model, error.lastError?.statusCode ?? error.statusCode),
  );
}
