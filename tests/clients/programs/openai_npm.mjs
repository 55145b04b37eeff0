// One image of each model, as the official JavaScript client's page shows it.
import OpenAI from "openai";

const [baseURL, prompt, ...models] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: "any" });
for (const model of models) {
  await client.images.generate({ model, prompt }).then(
    (answer) => console.log(answer.data.length),
    (error) => console.error(model, error.status),
  );
}
