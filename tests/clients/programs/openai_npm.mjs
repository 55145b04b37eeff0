// One image, as the official JavaScript client's page shows it.
import OpenAI from "openai";

const [baseURL, model, prompt] = process.argv.slice(2);
const answer = await new OpenAI({ baseURL, apiKey: "any" }).images.generate({ model, prompt });
console.log(answer.data.length);
