// The server that the examples ask: BOOST_DASHBOARD_URL, else the one that `scripts/start` runs.
import { client } from "../clients/typescript/src/index.ts";

export const baseUrl = process.env["BOOST_DASHBOARD_URL"] ?? "http://127.0.0.1:8080";
export const api = client({ baseUrl });
