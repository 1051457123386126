// Every row of a list, page after page.
import { rows } from "../clients/typescript/src/index.ts";
import { api } from "./api.ts";

const issues = rows((cursor) =>
  api.GET("/api/v1/github/issues", {
    params: { query: { state: "open", sort: ["-issue_updated_at"], limit: 500, ...cursor } },
  }),
);
let count = 0;
for await (const issue of issues) {
  if (count++ < 5) console.log(`#${issue.issue_number} ${issue.title}`);
}
console.log(`${count} open issues`);
