// A chart: commits a month, gaps filled with zero.
import { body } from "../clients/typescript/src/index.ts";
import { api } from "./api.ts";

const chart = body(
  await api.GET("/api/v1/github/commits/stats", {
    params: {
      query: { bucket: "month", measure: ["count"], window: "2024-01-01/2025-01-01", fill: true },
    },
  }),
);
console.table(chart.data);
