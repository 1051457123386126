// A person's page: what they did, newest first.
import { body } from "../clients/typescript/src/index.ts";
import { api } from "./api.ts";

const people = body(
  await api.GET("/api/v1/users/identities", { params: { query: { limit: 1 } } }),
);
for (const person of people.data) {
  const timeline = body(
    await api.GET("/api/v1/users/identities/{id}/timeline", {
      params: { path: { id: person.id }, query: { limit: 20 } },
    }),
  );
  console.log(person.display_name);
  for (const entry of timeline.data) console.log(entry.occurred_at, entry.kind, entry.title);
}
console.log(`${people.data.length} of the people`);
