/**
 * A typed client of the Boost Dashboard API.
 *
 * Paths, parameters and answers are typed by `schema.d.ts`, which is generated from
 * `openapi/openapi.json`; a misspelt filter does not compile.
 *
 * ```ts
 * const api = client({ baseUrl: "http://127.0.0.1:8080" });
 * const { data } = await api.GET("/api/v1/github/commits", {
 *   params: { query: { sort: "-commit_at", limit: 10 } },
 * });
 * ```
 */
import createClient, { type Client } from "openapi-fetch";

import type { components, paths } from "./schema.js";

export type { components, operations, paths } from "./schema.js";

/** Types of what the API answers, by name: `Schema<"GitCommit">`. */
export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];

/** What a refusal says (RFC 9457). */
export type Problem = Schema<"Problem">;

/** Where the server is, and who is asking. */
export interface Settings {
  /** Scheme, host and port: `http://127.0.0.1:8080`. */
  baseUrl: string;
  /** A token as `boost-dashboard token issue` prints it; most reads need none. */
  token?: string;
}

/**
 * A client: `GET`, `POST` and the others, typed by path. Answers are JSON; for a CSV, an NDJSON or an
 * event stream use `fetch`.
 */
export function client({ baseUrl, token }: Settings): Client<paths, "application/json"> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return createClient<paths, "application/json">({ baseUrl, headers });
}

/** The answer of a list. */
interface Page<Row> {
  data: Row[];
  page: { next_cursor?: string | null };
}

/** What a call of `GET` comes to. */
interface Answered<Body> {
  data?: Body;
  error?: unknown;
  response: Response;
}

/** The server refused, and said why. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem | undefined,
  ) {
    super(problem?.detail ?? problem?.title ?? `the server answered ${status}`);
    this.name = "Refused";
  }
}

/** The body of an answer; throws {@link Refused} if there is none. */
export function body<Body>(answered: Answered<Body>): Body {
  if (answered.data === undefined) {
    throw new Refused(answered.response.status, answered.error as Problem | undefined);
  }
  return answered.data;
}

/**
 * Every row of a list, page after page; a page is asked for only when the one before it is used up.
 *
 * ```ts
 * const commits = rows((cursor) =>
 *   api.GET("/api/v1/github/commits", { params: { query: { limit: 500, ...cursor } } }),
 * );
 * for await (const commit of commits) console.log(commit.commit_hash);
 * ```
 */
export async function* rows<Row>(
  ask: (cursor: { cursor?: string }) => Promise<Answered<Page<Row>>>,
): AsyncGenerator<Row> {
  let cursor: { cursor?: string } = {};
  for (;;) {
    const page = body(await ask(cursor));
    yield* page.data;
    if (!page.page.next_cursor) return;
    cursor = { cursor: page.page.next_cursor };
  }
}
