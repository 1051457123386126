// Keeping a copy fresh: where the feed stands, then what has changed since.
import { body } from "../clients/typescript/src/index.ts";
import { api } from "./api.ts";

const now = body(await api.GET("/api/v1/changes", { params: { query: { after: "now" } } }));
// … export what is to be copied here, then follow the feed from that place:
const after = now.page.next_cursor;
const changes = body(
  await api.GET("/api/v1/changes", { params: { query: { after, wait: 1, limit: 100 } } }),
);
for (const change of changes.data) console.log(change.op, change.table, change.id);
console.log(`${changes.data.length} changes`);
