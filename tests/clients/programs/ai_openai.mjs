// One image of each model, by Vercel's AI SDK with OpenAI's provider.
import { createOpenAI } from "@ai-sdk/openai";
import { generateImage } from "ai";

const [baseURL, prompt, ...models] = process.argv.slice(2);
const provider = createOpenAI({ baseURL, apiKey: "any" });
for (const model of models) {
  await generateImage({ model: provider.image(model), prompt }).then(
    ({ images }) => console.log(images.length),
    (error) => console.error(model, error.lastError?.statusCode ?? error.statusCode),
  );
}
