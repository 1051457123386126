// A search box: mails by their words, best first, with marked snippets.
import { body } from "../clients/typescript/src/index.ts";
import { api } from "./api.ts";

const found = body(
  await api.GET("/api/v1/mailing-list/messages", { params: { query: { q: "boost", limit: 5 } } }),
);
for (const mail of found.data) {
  console.log(mail.subject, found.meta.snippets?.[String(mail.id)]);
}
