// The front page: all eight sections of the overview in one answer.
import { body } from "../clients/typescript/src/index.ts";
import { api } from "./api.ts";

const overview = body(
  await api.GET("/api/v1/dashboard/overview", { params: { query: { window: "365d" } } }),
);
console.log(JSON.stringify(overview, null, 2).slice(0, 2_000));
