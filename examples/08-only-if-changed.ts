// Polling: the same request again costs nothing while nothing has changed.
import { baseUrl } from "./api.ts";

const url = `${baseUrl}/api/v1/boost/versions?sort=-version_key&limit=5`;
const first = await fetch(url);
const tag = first.headers.get("etag");
if (tag === null) throw new Error("the answer has no ETag");
const again = await fetch(url, { headers: { "if-none-match": tag } });
console.log(first.status, "then", again.status);
