// The newest commits of a repository, each with its author.
import { body } from "../clients/typescript/src/index.ts";
import { api } from "./api.ts";

const page = body(
  await api.GET("/api/v1/github/repositories/{owner}/{name}/commits", {
    params: {
      path: { owner: "boostorg", name: "json" },
      query: { sort: ["-commit_at"], include: ["account"], limit: 5 },
    },
  }),
);
for (const commit of page.data) {
  console.log(commit.commit_at, commit.account?.username, commit.comment.split("\n")[0]);
}
