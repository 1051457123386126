// Who uses Boost: the parts of the usage dashboard that a page shows first.
import { body } from "../clients/typescript/src/index.ts";
import { api } from "./api.ts";

const summary = body(await api.GET("/api/v1/dashboard/boost-usage/summary"));
const top = body(await api.GET("/api/v1/dashboard/boost-usage/repositories/top"));
console.log(JSON.stringify({ summary, top }, null, 2).slice(0, 2_000));
