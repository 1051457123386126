// A download: the whole list as CSV, streamed.
import { baseUrl } from "./api.ts";

const answer = await fetch(`${baseUrl}/api/v1/boost/libraries?sort=name`, {
  headers: { accept: "text/csv" },
});
if (!answer.ok || answer.body === null) throw new Error(`the server answered ${answer.status}`);
let bytes = 0;
for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) bytes += chunk.length;
console.log(`${bytes} bytes of`, answer.headers.get("content-type"));
