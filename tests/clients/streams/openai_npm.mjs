// An image while it is made, as the official JavaScript client streams it.
import OpenAI from "openai";

const [baseURL, model, prompt] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: "any" });
const stream = await client.images.generate({ model, prompt, stream: true, partial_images: 2 });
console.log("open");
for await (const event of stream) console.log(event.type, event.b64_json.length);
