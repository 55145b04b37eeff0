// One image, by Vercel's AI SDK with OpenAI's provider.
import { createOpenAI } from "@ai-sdk/openai";
import { generateImage } from "ai";

const [baseURL, model, prompt] = process.argv.slice(2);
const provider = createOpenAI({ baseURL, apiKey: "any" });
const { images } = await generateImage({ model: provider.image(model), prompt });
console.log(images.length);
